import { CheckpointContentError } from './errors.js'
import type { StateDict } from './pythonValue.js'

/**
 * Attribute of the 1.x model under which the module of a NeMo 0.9 class lives. Each 0.9 module was a file
 * of its own, `CLASS-STEP-N.pt`, whose parameter names lack that prefix.
 */
const prefixes = {
  AudioToMelSpectrogramPreprocessor: 'preprocessor',
  JasperEncoder: 'encoder',
  JasperDecoderForCTC: 'decoder',
} as const satisfies Record<string, string>

/** NeMo 0.9 classes whose checkpoints map one to one to parts of a 1.x model. */
export type Nemo09Module = keyof typeof prefixes

/**
 * The class that a NeMo 0.9 module checkpoint holds, by its file name, such as `JasperEncoder-STEP-24.pt`.
 *
 * @throws CheckpointContentError if the name is of another class or form.
 */
export function nemo09ModuleOf(fileName: string): Nemo09Module {
  const [, name = ''] = /^([A-Za-z0-9]+)-(?:STEP|EPOCH)-\d+\.pt$/.exec(fileName.split(/[\\/]/).at(-1) ?? '') ?? []
  if (Object.hasOwn(prefixes, name)) return name as Nemo09Module
  throw new CheckpointContentError(
    `Expected a NeMo 0.9 file name such as JasperEncoder-STEP-24.pt of one of ${Object.keys(prefixes).join(', ')}, found ${JSON.stringify(fileName)}. Rename the file, or name the module yourself.`,
  )
}

/**
 * Parameter names of a NeMo 0.9 module as a 1.x model has them: `encoder.0.mconv...` becomes `encoder.encoder.0.mconv...`.
 * Merge the results of all modules for a whole model.
 *
 * @param module - Class in NeMo 0.9, or the attribute of the 1.x model.
 */
export function fromNemo09StateDict(
  module: Nemo09Module | 'preprocessor' | 'encoder' | 'decoder',
  stateDict: StateDict,
): StateDict {
  const prefix = Object.hasOwn(prefixes, module) ? prefixes[module as Nemo09Module] : module
  return new Map(Array.from(stateDict, ([name, tensor]) => [`${prefix}.${name}`, tensor]))
}
