/** Base of every error of @nemo/graph; `code` is stable across versions. */
export class GraphError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${message} [${code}]`, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Shapes that do not fit an op, a feed or each other. */
export class ShapeError extends GraphError {
  constructor(message: string) {
    super('NEMO_SHAPE', message)
  }
}

/** Element types that do not fit, or values that cannot be stored in one. */
export class DTypeError extends GraphError {
  constructor(message: string) {
    super('NEMO_DTYPE', message)
  }
}

/** An attribute of an op that is missing, unknown or out of range. */
export class AttributeError extends GraphError {
  constructor(message: string) {
    super('NEMO_ATTRIBUTE', message)
  }
}

/** A gradient that was asked for and does not exist. */
export class GradientError extends GraphError {
  constructor(message: string) {
    super('NEMO_GRADIENT', message)
  }
}

/** A feed that is missing, unknown or of the wrong type. */
export class FeedError extends GraphError {
  constructor(message: string) {
    super('NEMO_FEED', message)
  }
}

/** A graph that cannot be compiled: clashing names, cycles, ops that the runtime lacks. */
export class CompileError extends GraphError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_COMPILE', message, options)
  }
}

/** A runtime that failed while executing a program. */
export class RuntimeError extends GraphError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_RUNTIME', message, options)
  }
}
