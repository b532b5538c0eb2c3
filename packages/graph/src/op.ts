import type { Body } from './body.js'
import { formatShape } from './dim.js'
import type { DType, TensorData } from './dtype.js'
import { AttributeError, DTypeError, GradientError, ShapeError } from './errors.js'
import { currentScope } from './scope.js'
import { Node, type OutputSpec, type Tensor } from './tensor.js'

/** Value of an op's attribute. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | TensorData | Body | undefined

/** Attributes of a node, defaults filled in. */
export type Attributes = Readonly<Record<string, AttributeValue>>

/** ONNX attribute kinds. */
export type AttributeKind = 'int' | 'float' | 'string' | 'ints' | 'floats' | 'strings' | 'tensor' | 'graph'

/** Declares one attribute of an op. */
export interface AttributeSpec {
  readonly kind: AttributeKind
  /** Value when the attribute is left out; an attribute without default may stay undefined. */
  readonly default?: AttributeValue
}

/** What a shape rule sees. */
export interface InferContext {
  readonly op: OpDefinition
  readonly inputs: readonly (Tensor | null)[]
  readonly attributes: Attributes
  /** How many outputs the caller wants; for ops with optional or variadic outputs. */
  readonly outputCount: number
  /** Input `i`, which the rule requires. */
  input(i: number): Tensor
  /** Throws a ShapeError that names the op, its place and its inputs. */
  fail(problem: string): never
}

/** What a gradient rule sees; it returns one gradient (or null) per input. */
export interface GradientContext {
  readonly node: Node
  readonly inputs: readonly (Tensor | null)[]
  readonly outputs: readonly Tensor[]
  /** First input and first output, by their customary names. */
  readonly x: Tensor
  readonly y: Tensor
  /** Gradient with respect to each output; null where nothing downstream depends on it. */
  readonly dys: readonly (Tensor | null)[]
  /** Gradient of the first output; zeros are made for it if only later outputs were used. */
  readonly dy: Tensor
  /** Whether input `i` leads to something that is differentiated for; rules may skip the others. */
  needs(i: number): boolean
}

/** A gradient rule, or the statement that there is none and why. */
export type Gradient = ((context: GradientContext) => readonly (Tensor | null | undefined)[]) | NonDifferentiable

/** Says aloud that an op has no gradient. */
export interface NonDifferentiable {
  readonly nonDifferentiable: string
  /** `stop`: gradients end here silently, as the derivative is zero almost everywhere or the output is an integer. */
  readonly behaviour: 'stop' | 'error'
}

/** The derivative is zero wherever it exists (Floor, Sign, comparisons, integer outputs): gradients end here. */
export function stopsGradient(reason: string): NonDifferentiable {
  return { nonDifferentiable: reason, behaviour: 'stop' }
}

/** Asking for this gradient is an error. */
export function nonDifferentiable(reason: string): NonDifferentiable {
  return { nonDifferentiable: reason, behaviour: 'error' }
}

/** Everything the project knows about an op, in one place. */
export interface OpDefinition {
  /** ONNX op type, in ONNX spelling. */
  readonly type: string
  /** '' for ai.onnx, `nemo` for ours, `com.microsoft` for ONNX Runtime's. */
  readonly domain: string
  /** Opset version that introduced the semantics written down here. */
  readonly since: number
  readonly attributes: Readonly<Record<string, AttributeSpec>>
  readonly infer: (context: InferContext) => readonly OutputSpec[]
  readonly grad: Gradient
  /** How many outputs there always are; those after them are dropped from programs that do not read them. Default: all. */
  readonly requiredOutputs?: number
  /** Computes the op on the host; for shape arithmetic and constant folding. */
  readonly evaluate?: (inputs: readonly (TensorData | null)[], node: Node) => readonly TensorData[]
  /** Definition of an op of our own in terms of ONNX ops; every executor can run it. */
  readonly decompose?: (node: Node, inputs: readonly (Tensor | null)[]) => readonly Tensor[]
}

/** An op definition as it is written; `domain` and `attributes` may be left out. */
export type OpSource = Omit<OpDefinition, 'domain' | 'attributes'> &
  Partial<Pick<OpDefinition, 'domain' | 'attributes'>>

/** Declares an op. */
export function defineOp(source: OpSource): OpDefinition {
  return { domain: '', attributes: {}, ...source }
}

/**
 * Applies an op: checks attributes, runs the shape rule and makes the node.
 *
 * @returns the node's outputs.
 * @throws AttributeError, ShapeError or DTypeError, naming the op and the scope it is built in.
 */
export function applyOp(
  op: OpDefinition,
  inputs: readonly (Tensor | null | undefined)[],
  attributes: Attributes = {},
  outputCount = 1,
): readonly Tensor[] {
  const where = currentScope() === '' ? op.type : `${op.type} at ${currentScope()}`
  for (const name of Object.keys(attributes)) {
    if (!(name in op.attributes)) {
      throw new AttributeError(
        `${where}: unknown attribute ${name}; it has ${Object.keys(op.attributes).join(', ') || 'none'}.`,
      )
    }
  }
  const filled: Record<string, AttributeValue> = {}
  for (const [name, spec] of Object.entries(op.attributes)) filled[name] = attributes[name] ?? spec.default
  const normal = inputs.map((input) => input ?? null)
  while (normal.length > 0 && normal.at(-1) === null) normal.pop()
  const context: InferContext = {
    op,
    inputs: normal,
    attributes: filled,
    outputCount,
    input(i) {
      const tensor = normal[i]
      if (!tensor) throw new ShapeError(`${where}: input ${i} is missing.`)
      return tensor
    },
    fail(problem) {
      const found = normal.map((t) => (t ? String(t) : '-')).join(', ')
      throw new ShapeError(`${where}: ${problem} Inputs: ${found}.`)
    },
  }
  return new Node(op, normal, filled, op.infer(context)).outputs
}

/** Applies an op with one output. */
export function apply1(
  op: OpDefinition,
  inputs: readonly (Tensor | null | undefined)[],
  attributes: Attributes = {},
): Tensor {
  return applyOp(op, inputs, attributes, 1)[0]!
}

/** Throws unless all given tensors have the same dtype; returns it. */
export function sameDType(context: InferContext, indices: readonly number[]): DType {
  const dtype = context.input(indices[0]!).dtype
  for (const i of indices) {
    const other = context.input(i).dtype
    if (other !== dtype) {
      throw new DTypeError(
        `${context.op.type}${currentScope() === '' ? '' : ` at ${currentScope()}`}: inputs must share a dtype, found ${context.inputs.map(String).join(', ')}. Insert a cast.`,
      )
    }
  }
  return dtype
}

/** Normalises an axis to 0..rank-1. */
export function normalizeAxis(axis: number, rank: number, context: InferContext): number {
  const normal = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    context.fail(`axis ${axis} is outside rank ${rank}.`)
  }
  return normal
}

/** Raises the error of a gradient that does not exist. */
export function missingGradient(node: Node): never {
  const reason = 'nonDifferentiable' in node.op.grad ? node.op.grad.nonDifferentiable : 'no rule'
  throw new GradientError(
    `${node.describe()} has no gradient: ${reason}. Stop the gradient before it (stopGradient) or replace the op. Input shapes: ${node.inputs.map((t) => (t ? formatShape(t.shape) : '-')).join(', ')}.`,
  )
}
