/** A state dict that does not fit a module. */
export class StateDictError extends Error {
  readonly code = 'NEMO_STATE_DICT'
  constructor(message: string) {
    super(`${message} [NEMO_STATE_DICT]`)
    this.name = 'StateDictError'
  }
}

/** A module used in a way it does not support. */
export class ModuleError extends Error {
  readonly code = 'NEMO_MODULE'
  constructor(message: string) {
    super(`${message} [NEMO_MODULE]`)
    this.name = 'ModuleError'
  }
}
