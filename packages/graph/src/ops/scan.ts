import { Body } from '../body.js'
import { type Dim, freshDim } from '../dim.js'
import { isFloat } from '../dtype.js'
import { ShapeError } from '../errors.js'
import { vjp } from '../grad.js'
import { applyOp, defineOp, type GradientContext } from '../op.js'
import { rebuild } from '../rewrite/rebuild.js'
import type { Tensor } from '../tensor.js'
import { topologicalOrder } from '../traverse.js'
import { add } from './arithmetic.js'
import { identity } from './cast.js'
import { zerosLike } from './fill.js'
import { input } from './leaves.js'

/**
 * A loop over axis 0: inputs are states, then sequences, then values captured from outside; the body maps
 * (states, slices, captures) to (new states, rows). Outputs are the last states, then the rows stacked along axis 0.
 * With `reverse` the loop runs from the last slice to the first and rows keep the place of their slice.
 * ONNX Scan-19 (captures become outer-scope references there).
 */
export const Scan = defineOp({
  type: 'Scan',
  since: 19,
  attributes: {
    body: { kind: 'graph' },
    num_states: { kind: 'int' },
    num_scan_inputs: { kind: 'int' },
    reverse: { kind: 'int', default: 0 },
  },
  infer: (context) => {
    const { body, num_states, num_scan_inputs } = context.attributes as {
      body: Body
      num_states: number
      num_scan_inputs: number
    }
    if (num_scan_inputs < 1) context.fail('expected at least one sequence to scan.')
    const length = context.input(num_states).shape[0]!
    const states = body.outputs.slice(0, num_states).map((_, i) => {
      const initial = context.input(i)
      return { dtype: initial.dtype, shape: initial.shape }
    })
    const rows = body.outputs.slice(num_states).map((row) => ({ dtype: row.dtype, shape: [length, ...row.shape] }))
    return [...states, ...rows]
  },
  grad: scanGradient,
})

/** What a scan body returns. */
export interface ScanStep {
  /** New value of each state, same dtype and shape as its initial value. */
  readonly states: readonly Tensor[]
  /** Values to stack along axis 0. */
  readonly rows: readonly Tensor[]
}

/** Arguments of `scan`. */
export interface ScanOptions {
  /** Initial states. */
  readonly states: readonly Tensor[]
  /** Tensors to walk along axis 0; all of one length. */
  readonly sequences: readonly Tensor[]
  /** Walk from the end to the start. */
  readonly reverse?: boolean
  /** Builds one step; may use any outer tensor. */
  readonly step: (states: readonly Tensor[], slices: readonly Tensor[]) => ScanStep
}

/**
 * Differentiable loop over axis 0 of `sequences`.
 *
 * @returns the last states, and the rows stacked as `[T, ...]`.
 * @throws ShapeError if a new state differs from its initial value in dtype or shape, or sequences differ in length.
 */
export function scan({ states, sequences, reverse = false, step }: ScanOptions): {
  states: readonly Tensor[]
  rows: readonly Tensor[]
} {
  const stateInputs = states.map((state) => placeholder(state.dtype, state.shape))
  const sliceInputs = sequences.map((sequence) => placeholder(sequence.dtype, sequence.shape.slice(1)))
  const built = step(stateInputs, sliceInputs)
  checkScan(states, sequences, built)
  // The states that enter each step are rows too: the gradient needs them, and rows nobody reads are pruned.
  const history = stateInputs.map(identity)
  const outputs = [...built.states, ...built.rows, ...history]
  const { body, captures } = close([...stateInputs, ...sliceInputs], outputs)
  const results = applyOp(
    Scan,
    [...states, ...sequences, ...captures],
    { body, num_states: states.length, num_scan_inputs: sequences.length, reverse: reverse ? 1 : 0 },
    outputs.length,
  )
  const rowsEnd = states.length + built.rows.length
  return { states: results.slice(0, states.length), rows: results.slice(states.length, rowsEnd) }
}

function checkScan(states: readonly Tensor[], sequences: readonly Tensor[], built: ScanStep): void {
  const lengths = new Set<number>()
  for (const { shape } of sequences) if (typeof shape[0] === 'number') lengths.add(shape[0])
  if (sequences.length === 0 || sequences.some(({ rank }) => rank === 0) || lengths.size > 1) {
    throw new ShapeError(
      `Scan: expected sequences with a first axis of one length, found ${sequences.map(String).join(', ') || 'none'}.`,
    )
  }
  if (built.states.length !== states.length) {
    throw new ShapeError(`Scan: expected ${states.length} new states, found ${built.states.length}.`)
  }
  built.states.forEach((state, i) => {
    const initial = states[i]!
    const differs = (dim: Dim, axis: number) =>
      typeof dim === 'number' && typeof initial.shape[axis] === 'number' && dim !== initial.shape[axis]
    if (state.dtype !== initial.dtype || state.rank !== initial.rank || state.shape.some(differs)) {
      throw new ShapeError(
        `Scan: state ${i} starts as ${initial} and becomes ${state}; both must have one dtype and shape.`,
      )
    }
  })
}

const placeholder = (dtype: Tensor['dtype'], shape: Tensor['shape']): Tensor => input(freshDim('scan'), dtype, shape)

/** Makes a body closed: outer tensors that it uses become inputs of their own. */
export function close(
  formals: readonly Tensor[],
  outputs: readonly Tensor[],
): { body: Body; captures: readonly Tensor[] } {
  const order = topologicalOrder(outputs)
  const inside = new Set<Tensor>(formals)
  for (const node of order) {
    if (node.inputs.some((t) => t && inside.has(t))) for (const output of node.outputs) inside.add(output)
  }
  const captures = new Map<Tensor, Tensor>()
  const capture = (tensor: Tensor) => {
    if (!inside.has(tensor) && !tensor.constant && !captures.has(tensor))
      captures.set(tensor, placeholder(tensor.dtype, tensor.shape))
  }
  for (const node of order) {
    if (node.outputs.some((t) => inside.has(t))) for (const t of node.inputs) if (t) capture(t)
  }
  outputs.forEach(capture)
  const closed = captures.size === 0 ? outputs : rebuild(outputs, { replace: captures })
  return { body: new Body([...formals, ...captures.values()], closed), captures: [...captures.keys()] }
}

// The reversed scan: its states are the states' gradients and the sums of the captures' gradients; each step builds the
// forward step again from the recorded state and differentiates it.
function scanGradient(context: GradientContext): readonly (Tensor | null)[] {
  const { node, inputs, outputs, dys } = context
  const {
    body,
    num_states: S,
    num_scan_inputs: X,
    reverse,
  } = node.attributes as {
    body: Body
    num_states: number
    num_scan_inputs: number
    reverse: number
  }
  const K = body.inputs.length - S - X
  const rowCount = body.outputs.length - S
  const history = outputs.slice(outputs.length - S)
  const floatStates = indices(S).filter((i) => isFloat(inputs[i]!.dtype))
  const floatCaptures = indices(K).filter((k) => context.needs(S + X + k))
  const floatSlices = indices(X).filter((x) => context.needs(S + x))
  const dRows = indices(rowCount).filter((r) => dys[S + r])

  const initial = [
    ...floatStates.map((i) => dys[i] ?? zerosLike(inputs[i]!)),
    ...floatCaptures.map((k) => zerosLike(inputs[S + X + k]!)),
  ]
  const sequences = [...history, ...indices(X).map((x) => inputs[S + x]!), ...dRows.map((r) => dys[S + r]!)]
  const { states, rows } = scan({
    states: initial,
    sequences,
    reverse: reverse === 0,
    step: (carried, slices) => {
      const before = slices.slice(0, S)
      const xs = slices.slice(S, S + X)
      const dRowSlices = slices.slice(S + X)
      // Captured values stay the body's own inputs until the gradient is built: outside, one may be made from another.
      const formalCaptures = body.inputs.slice(S + X)
      const replace = new Map<Tensor, Tensor>()
      body.inputs.slice(0, S + X).forEach((formal, i) => {
        replace.set(formal, i < S ? before[i]! : xs[i - S]!)
      })
      const forward = rebuild(body.outputs, { replace })
      const dStates = carried.slice(0, floatStates.length)
      const seeds: (Tensor | null)[] = forward.map(() => null)
      floatStates.forEach((i, at) => {
        seeds[i] = dStates[at]!
      })
      dRows.forEach((r, at) => {
        seeds[S + r] = dRowSlices[at]!
      })
      const wrt = [
        ...floatStates.map((i) => before[i]!),
        ...floatCaptures.map((k) => formalCaptures[k]!),
        ...floatSlices.map((x) => xs[x]!),
      ]
      const gradients = vjp(forward, seeds, wrt)
      const newStates = floatStates.map((_, at) => gradients[at] ?? zerosLike(wrt[at]!))
      const sums = floatCaptures.map((_, at) => {
        const gradient = gradients[floatStates.length + at]
        const running = carried[floatStates.length + at]!
        return gradient ? add(running, gradient) : running
      })
      const sliceGradients = floatSlices.map((_, at) => {
        const index = floatStates.length + floatCaptures.length + at
        return gradients[index] ?? zerosLike(wrt[index]!)
      })
      const built = [...newStates, ...sums, ...sliceGradients]
      const outer = new Map(formalCaptures.map((formal, k) => [formal, inputs[S + X + k]!]))
      const bound = rebuild(built, { replace: outer })
      const rowsFrom = built.length - sliceGradients.length
      return { states: bound.slice(0, rowsFrom), rows: bound.slice(rowsFrom) }
    },
  })
  const result: (Tensor | null)[] = new Array(inputs.length).fill(null)
  floatStates.forEach((i, at) => {
    result[i] = states[at]!
  })
  floatCaptures.forEach((k, at) => {
    result[S + X + k] = states[floatStates.length + at]!
  })
  floatSlices.forEach((x, at) => {
    result[S + x] = rows[at]!
  })
  return result
}

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
