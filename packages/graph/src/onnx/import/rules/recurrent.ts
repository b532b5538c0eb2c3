import type { Dim } from '../../../dim.js'
import {
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  sigmoid,
  softplus,
  softsign,
  tanh,
  thresholdedRelu,
} from '../../../ops/activation.js'
import { add, mul, sub } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { clip } from '../../../ops/clip.js'
import { less } from '../../../ops/comparison.js'
import { concat, split } from '../../../ops/concat.js'
import { fill, range } from '../../../ops/fill.js'
import { gather } from '../../../ops/gather.js'
import { constant } from '../../../ops/leaves.js'
import { matMul } from '../../../ops/matMul.js'
import { unsqueeze } from '../../../ops/reshape.js'
import { scan } from '../../../ops/scan.js'
import { dimTensor } from '../../../ops/shape.js'
import { narrow } from '../../../ops/slice.js'
import { transpose } from '../../../ops/transpose.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type ImportRule, type RuleTable, rule } from '../importRule.js'

type Activation = (x: Tensor) => Tensor

/** Activations of recurrent ops, with their scaling values. */
const activations: Readonly<Record<string, (alpha: number | undefined, beta: number | undefined) => Activation>> = {
  affine:
    (alpha = 1, beta = 0) =>
    (x) =>
      add(mul(x, alpha), beta),
  elu:
    (alpha = 1) =>
    (x) =>
      elu(x, alpha),
  hardsigmoid:
    (alpha = 0.2, beta = 0.5) =>
    (x) =>
      hardSigmoid(x, alpha, beta),
  leakyrelu:
    (alpha = 0.01) =>
    (x) =>
      leakyRelu(x, alpha),
  relu: () => relu,
  scaledtanh:
    (alpha = 1, beta = 1) =>
    (x) =>
      mul(tanh(mul(x, beta)), alpha),
  sigmoid: () => sigmoid,
  softplus: () => softplus,
  softsign: () => softsign,
  tanh: () => tanh,
  thresholdedrelu:
    (alpha = 1) =>
    (x) =>
      thresholdedRelu(x, alpha),
}
const takesAlpha = new Set(['affine', 'elu', 'hardsigmoid', 'leakyrelu', 'scaledtanh', 'thresholdedrelu'])
const takesBeta = new Set(['affine', 'hardsigmoid', 'scaledtanh'])

/** What the step of one direction works with. */
interface Direction {
  /** `[B, gates * H]` -> the parts `[B, H]`. */
  readonly gates: (x: Tensor) => readonly Tensor[]
  /** Recurrent weight, transposed: `[H, gates * H]`. */
  readonly recurrent: Tensor
  /** Recurrent bias `[gates * H]`, if there is a bias. */
  readonly recurrentBias: Tensor | undefined
  /** Weights of the cell's state in the gates, `[3 * H]`. */
  readonly peepholes: Tensor | undefined
  readonly activations: readonly Activation[]
  /** Limits what goes into activations. */
  readonly clipped: (x: Tensor) => Tensor
  readonly hidden: number
}

/** A kind of recurrent op. */
interface Cell {
  readonly gates: number
  /** Default activations. */
  readonly activations: readonly string[]
  /** Inputs that hold initial states, the hidden state first. */
  readonly stateInputs: readonly number[]
  readonly peepholeInput?: number
  /** Whether the recurrent bias may be added to the inputs' projection for all steps at once. */
  readonly biasTogether: boolean
  readonly step: (projected: Tensor, states: readonly Tensor[], direction: Direction) => readonly Tensor[]
}

const tail = (t: Tensor, from: number, to: number): Tensor => narrow(t, -1, from, to)

/** i, o, f, c: Hochreiter and Schmidhuber's cell with forget gate and peepholes, in the order of ONNX's weights. */
function lstmStep(
  projected: Tensor,
  states: readonly Tensor[],
  direction: Direction,
  inputForget: boolean,
): readonly Tensor[] {
  const [h, c] = states as readonly [Tensor, Tensor]
  const { peepholes, clipped, hidden } = direction
  const [f, g, last] = direction.activations as readonly [Activation, Activation, Activation]
  const [i, o, forget, candidate] = direction.gates(add(projected, matMul(h, direction.recurrent))) as readonly [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ]
  const peep = (x: Tensor, state: Tensor, at: number) =>
    peepholes ? add(x, mul(state, tail(peepholes, at * hidden, (at + 1) * hidden))) : x
  const inputGate = f(clipped(peep(i, c, 0)))
  const forgetGate = inputForget ? sub(1, inputGate) : f(clipped(peep(forget, c, 2)))
  const cell = add(mul(forgetGate, c), mul(inputGate, g(clipped(candidate))))
  return [mul(f(clipped(peep(o, cell, 1))), last(clipped(cell))), cell]
}

/** z, r, h: Cho et al.'s gated unit. */
function gruStep(
  projected: Tensor,
  [h]: readonly Tensor[],
  direction: Direction,
  linearBeforeReset: boolean,
): readonly Tensor[] {
  const { recurrent, recurrentBias, clipped, hidden } = direction
  const [f, g] = direction.activations as readonly [Activation, Activation]
  const [xz, xr, xh] = direction.gates(projected) as readonly [Tensor, Tensor, Tensor]
  const part = (t: Tensor, from: number, to: number) => tail(t, from * hidden, to * hidden)
  const withBias = (x: Tensor, from: number, to: number) => (recurrentBias ? add(x, part(recurrentBias, from, to)) : x)
  const [rz, rr] = split(withBias(matMul(h!, part(recurrent, 0, 2)), 0, 2), [hidden, hidden], -1) as readonly [
    Tensor,
    Tensor,
  ]
  const update = f(clipped(add(xz, rz)))
  const reset = f(clipped(add(xr, rr)))
  const carried = linearBeforeReset
    ? mul(reset, withBias(matMul(h!, part(recurrent, 2, 3)), 2, 3))
    : withBias(matMul(mul(reset, h!), part(recurrent, 2, 3)), 2, 3)
  const candidate = g(clipped(add(xh, carried)))
  return [add(mul(sub(1, update), candidate), mul(update, h!))]
}

function activationsOf(node: ImportedNode, cell: Cell, directions: number): readonly Activation[] {
  const count = cell.activations.length * directions
  const names = node.strings('activations') ?? Array.from({ length: directions }, () => cell.activations).flat()
  // RNN's default lists both directions.
  if (names.length < count) return node.fail(`expected ${count} activations, found ${names.length}.`)
  const [alphas, betas] = [[...(node.floats('activation_alpha') ?? [])], [...(node.floats('activation_beta') ?? [])]]
  return names.slice(0, count).map((name) => {
    const key = name.toLowerCase()
    const make = Object.hasOwn(activations, key)
      ? activations[key]!
      : node.unsupported(`activation ${name} is unknown.`)
    return make(takesAlpha.has(key) ? alphas.shift() : undefined, takesBeta.has(key) ? betas.shift() : undefined)
  })
}

function recurrent(cellOf: (node: ImportedNode) => Cell, inputs: number): ImportRule {
  return rule(1, [3, inputs], (node) => {
    const cell = cellOf(node)
    const name = node.choice('direction', ['forward', 'reverse', 'bidirectional'], 'forward')
    const directions = name === 'bidirectional' ? 2 : 1
    const batchFirst = node.version >= 14 && node.int('layout', 0) === 1
    const given = node.input(0)
    const [W, R] = [node.input(1), node.input(2)]
    if (given.rank !== 3 || W.rank !== 3 || R.rank !== 3) return node.fail('expected X, W and R of rank 3.')
    const hidden = R.shape[2]
    if (typeof hidden !== 'number' || R.shape[1] !== cell.gates * hidden || R.shape[0] !== directions)
      return node.fail(`expected recurrent weights [${directions}, ${cell.gates} H, H], found ${R}.`)
    if (W.shape[0] !== directions || W.shape[1] !== R.shape[1])
      return node.fail(`expected weights [${directions}, ${R.shape[1]}, I], found ${W}.`)
    const declared = node.int('hidden_size')
    if (declared !== undefined && declared !== hidden) return node.fail(`hidden_size is ${declared}, but R is ${R}.`)
    const limit = node.float('clip')
    const X = batchFirst ? transpose(given, [1, 0, 2]) : given
    const functions = activationsOf(node, cell, directions)
    const lengths = node.optional(4)
    const results = Array.from({ length: directions }, (_, d) => {
      const own = (t: Tensor | null) => (t ? gather(t, constant(d, 'int64')) : undefined)
      const bias = own(node.optional(3))
      const width = cell.gates * hidden
      const direction: Direction = {
        gates: (x) => split(x, new Array<number>(cell.gates).fill(hidden), -1),
        recurrent: transpose(own(R)!, [1, 0]),
        recurrentBias: bias && tail(bias, width, 2 * width),
        peepholes: cell.peepholeInput === undefined ? undefined : own(node.optional(cell.peepholeInput)),
        activations: functions.slice(d * cell.activations.length, (d + 1) * cell.activations.length),
        clipped: limit === undefined ? (x) => x : (x) => clip(x, -limit, limit),
        hidden,
      }
      const initial = cell.stateInputs.map((i) => {
        const state = node.optional(i)
        if (!state) return fill([X.shape[1]!, hidden], 0, X.dtype, [X])
        return gather(state, constant(d, 'int64'), batchFirst ? 1 : 0)
      })
      return runDirection(X, own(W)!, bias, initial, lengths, cell, direction, name === 'reverse' || d === 1)
    })
    return outputsOf(results, batchFirst)
  })
}

interface DirectionResult {
  /** `[T, B, H]` */
  readonly rows: Tensor
  /** `[B, H]` each */
  readonly states: readonly Tensor[]
}

function runDirection(
  X: Tensor,
  W: Tensor,
  bias: Tensor | undefined,
  initial: readonly Tensor[],
  lengths: Tensor | null,
  cell: Cell,
  direction: Direction,
  reverse: boolean,
): DirectionResult {
  const width = cell.gates * direction.hidden
  const inputBias = bias && tail(bias, 0, width)
  const together = inputBias && cell.biasTogether ? add(inputBias, direction.recurrentBias!) : inputBias
  const product = matMul(X, transpose(W, [1, 0]))
  const projected = together ? add(product, together) : product
  const time = X.shape[0] as Dim
  const valid =
    lengths && less(unsqueeze(range(dimTensor(time, [X])), [1, 2]), unsqueeze(cast(lengths, 'int64'), [0, 2]))
  const result = scan({
    states: initial,
    sequences: valid ? [projected, valid] : [projected],
    reverse,
    step: (states, [x, isFrame]) => {
      const next = cell.step(x!, states, direction)
      // Beyond an item's length its states stand still and its rows are 0.
      const kept = isFrame ? next.map((state, i) => where(isFrame, state, states[i]!)) : next
      return { states: kept, rows: [isFrame ? where(isFrame, next[0]!, 0) : next[0]!] }
    },
  })
  return { rows: result.rows[0]!, states: result.states }
}

// Y [T, D, B, H], then each last state [D, B, H]; with the batch first [B, T, D, H] and [B, D, H].
function outputsOf(results: readonly DirectionResult[], batchFirst: boolean): readonly Tensor[] {
  const join = (tensors: readonly Tensor[], axis: number) =>
    concat(
      tensors.map((t) => unsqueeze(t, axis)),
      axis,
    )
  const rows = results.map((result) => (batchFirst ? transpose(result.rows, [1, 0, 2]) : result.rows))
  const states = results[0]!.states.map((_, i) =>
    join(
      results.map((result) => result.states[i]!),
      batchFirst ? 1 : 0,
    ),
  )
  return [join(rows, batchFirst ? 2 : 1), ...states]
}

/** Recurrent ops, as differentiable scans. */
export const recurrentRules: RuleTable = {
  GRU: recurrent((node) => {
    const linear = node.int('linear_before_reset', 0) !== 0
    return {
      gates: 3,
      activations: ['Sigmoid', 'Tanh'],
      stateInputs: [5],
      biasTogether: false,
      step: (projected, states, direction) => gruStep(projected, states, direction, linear),
    }
  }, 6),
  LSTM: recurrent((node) => {
    const inputForget = node.int('input_forget', 0) !== 0
    return {
      gates: 4,
      activations: ['Sigmoid', 'Tanh', 'Tanh'],
      stateInputs: [5, 6],
      peepholeInput: 7,
      biasTogether: true,
      step: (projected, states, direction) => lstmStep(projected, states, direction, inputForget),
    }
  }, 8),
  RNN: recurrent(
    () => ({
      gates: 1,
      activations: ['Tanh'],
      stateInputs: [5],
      biasTogether: true,
      step: (projected, [h], direction) => [
        direction.activations[0]!(direction.clipped(add(projected, matMul(h!, direction.recurrent)))),
      ],
    }),
    6,
  ),
}
