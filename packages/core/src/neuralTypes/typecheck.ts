import { TypecheckUsageError } from './errors.js'
import { validateInputTypes } from './inputTypes.js'
import { attachOutputTypes } from './outputTypes.js'
import { type PortTypes, portsOf } from './ports.js'
import { drawCall } from './producer.js'

/** Options of `@typecheck()`. */
export interface TypecheckOptions {
  /** Input ports of this method. Default: those of the module. */
  readonly inputTypes?: PortTypes
  /** Output ports of this method. Default: those of the module. */
  readonly outputTypes?: PortTypes
  /** Whether the depth of nested lists is left unchecked. Default false. */
  readonly ignoreCollections?: boolean
}

type Method<This, Args extends [inputs?: object | undefined], Result> = (this: This, ...args: Args) => Result

/** The decorator that `typecheck()` returns, for methods that take one object of named ports, or nothing. */
export type TypecheckDecorator = <This extends object, Args extends [inputs?: object | undefined], Result>(
  method: Method<This, Args, Result>,
  context: ClassMethodDecoratorContext<This, Method<This, Args, Result>>,
) => Method<This, Args, Result>

/** See {@link typecheck}. */
export interface Typecheck {
  (options?: TypecheckOptions): TypecheckDecorator
  /** Runs a function with all checks off, and gives its result; when that is a promise, until it settles. */
  disableChecks<Result>(fn: () => Result): Result
  /** Turns all checks on or off. They are on at the start. */
  setTypecheckEnabled(enabled: boolean): void
  /** Whether checks are on here and now. */
  isTypecheckEnabled(): boolean
}

let enabled = true
let disabledDepth = 0

/**
 * Decorator for `forward` and other methods of modules with ports:
 *
 * ```ts
 * @typecheck() forward({ audioSignal, length }: Inputs<typeof ConvASREncoder>): Outputs<typeof ConvASREncoder> { ... }
 * ```
 *
 * Before the method runs, it checks the number and the names of the ports, the nesting of lists, the neural type of
 * each tensor that has one, and the rank of each tensor whose rank is known. Afterwards it gives the outputs the
 * neural types of their ports. With checks off, the method runs as it was written, and outputs get no types.
 *
 * @throws TypecheckUsageError if the method is not called with one object of ports, or does not return one.
 * @throws NeuralPortNameMismatchError, NeuralPortMissingError for unknown and missing ports.
 * @throws NeuralPortNmTensorMismatchError, NeuralPortRankError, NeuralPortContainerError for values that do not fit.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.common.typecheck`. Differences: missing and unknown ports are named; a bare
 * tensor in a port that wants a list is an error; list axes may be given as lists; `disableChecks` restores what was.
 */
export const typecheck: Typecheck = /* @__PURE__ */ Object.assign(
  (options: TypecheckOptions = {}): TypecheckDecorator =>
    (method, context) =>
      function (...args) {
        const draw = () =>
          drawCall(this, args[0], (inputs) => method.apply(this, (inputs === undefined ? [] : [inputs]) as typeof args))
        if (!typecheck.isTypecheckEnabled()) return draw()
        if (typeof this !== 'object' || this === null) {
          throw new TypecheckUsageError(
            `${String(context.name)} was called without its module: expected module.${String(context.name)}({ ... }).`,
          )
        }
        const ports = portsOf(this)
        const call = {
          where: `${this.constructor.name}.${String(context.name)}`,
          ignoreCollections: options.ignoreCollections ?? false,
        }
        const inputTypes = options.inputTypes ?? ports.inputs
        const outputTypes = options.outputTypes ?? ports.outputs
        if (inputTypes !== null) validateInputTypes(call, inputTypes, args)
        const result = draw()
        if (outputTypes === null) return result
        if (result instanceof Promise) {
          return result.then((outputs: unknown) => {
            attachOutputTypes(call, outputTypes, outputs)
            return outputs
          }) as typeof result
        }
        attachOutputTypes(call, outputTypes, result)
        return result
      },
  {
    disableChecks<Result>(fn: () => Result): Result {
      disabledDepth++
      let result: Result
      try {
        result = fn()
      } catch (error) {
        disabledDepth--
        throw error
      }
      if (result instanceof Promise) return result.finally(() => disabledDepth--) as Result
      disabledDepth--
      return result
    },
    setTypecheckEnabled(value: boolean): void {
      enabled = value
    },
    isTypecheckEnabled(): boolean {
      return enabled && disabledDepth === 0
    },
  },
)
