import { expect, test } from 'vitest'
import { type CheckedInput, checkOp } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { gru, lstm } from './recurrent.js'

const H = 3
const I = 2
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const sizes = [
  { B: 2, T: 4 },
  { B: 1, T: 1 },
  { B: 3, T: 2 },
]
const weights = (gates: number): CheckedInput[] => [
  { shape: [gates * H, I], values: [-1, 1] },
  { shape: [gates * H, H], values: [-1, 1] },
  { shape: [gates * H], values: [-1, 1] },
  { shape: [gates * H], values: [-1, 1] },
]
const lengths: CheckedInput = {
  shape: ['B'],
  dtype: 'int64',
  values: (random, _, { T }) => Math.floor(random() * (T! + 1)),
}

// W x + b for one row.
const affine = (w: ReferenceArray, b: ReferenceArray, row: (k: number) => number, gate: number, h: number) => {
  let sum = b.data[gate * H + h]!
  for (let k = 0; k < w.shape[1]!; k++) sum += at(w, [gate * H + h, k]) * row(k)
  return sum
}

interface Run {
  readonly x: ReferenceArray
  readonly states: readonly ReferenceArray[]
  readonly lengths?: ReferenceArray | undefined
  readonly reverse: boolean
}
// One step of one item: (input row, old states) -> new states.
type Step = (x: (k: number) => number, states: readonly (readonly number[])[]) => number[][]

function unroll({ x, states, lengths, reverse }: Run, step: Step): ReferenceArray[] {
  const [B, T] = x.shape as [number, number]
  const outputs = new Map<string, number>()
  const finals = Array.from({ length: B }, (_, b) => {
    let state: number[][] = states.map((s) => Array.from({ length: H }, (_, h) => at(s, [b, h])))
    const length = lengths ? at(lengths, [b]) : T
    for (let n = 0; n < length; n++) {
      const t = reverse ? length - 1 - n : n
      state = step((k) => at(x, [b, t, k]), state)
      state[0]!.forEach((v, h) => {
        outputs.set([b, t, h].join(), v)
      })
    }
    return state
  })
  return [
    array([B, T, H], (index) => outputs.get(index.join()) ?? 0),
    ...states.map((_, s) => array([B, H], ([b, h]) => finals[b!]![s]![h!]!)),
  ]
}

const lstmStep =
  ([wi, wh, bi, bh]: readonly ReferenceArray[]): Step =>
  (x, [h, c]) => {
    const gate = (g: number, n: number) => affine(wi!, bi!, x, g, n) + affine(wh!, bh!, (k) => h![k]!, g, n)
    const cell = c!.map((v, n) => sigmoid(gate(1, n)) * v + sigmoid(gate(0, n)) * Math.tanh(gate(2, n)))
    return [cell.map((v, n) => sigmoid(gate(3, n)) * Math.tanh(v)), cell]
  }
const gruStep =
  ([wi, wh, bi, bh]: readonly ReferenceArray[]): Step =>
  (x, [h]) => [
    h!.map((v, n) => {
      const [ix, ih] = [(g: number) => affine(wi!, bi!, x, g, n), (g: number) => affine(wh!, bh!, (k) => h![k]!, g, n)]
      const [r, z] = [sigmoid(ix(0) + ih(0)), sigmoid(ix(1) + ih(1))]
      return (1 - z) * Math.tanh(ix(2) + r * ih(2)) + z * v
    }),
  ]

const tolerances = {
  tolerance: { absolute: 2e-5, relative: 2e-5 },
  gradientTolerance: { absolute: 2e-4, relative: 2e-4 },
} as const
const frames: CheckedInput = { shape: ['B', 'T', I] }
const state: CheckedInput = { shape: ['B', H], values: [-1, 1] }
const named = ([weightIh, weightHh, biasIh, biasHh]: readonly ReturnType<typeof input>[]) => ({
  weightIh: weightIh!,
  weightHh: weightHh!,
  biasIh: biasIh!,
  biasHh: biasHh!,
})

for (const reverse of [false, true]) {
  const direction = reverse ? 'backwards' : 'forwards'
  checkOp('Scan', `runs an LSTM ${direction} from given states`, {
    ...tolerances,
    inputs: [frames, ...weights(4), state, state],
    sizes,
    build: ([x, ...rest]) => {
      const { output, hidden, cell } = lstm(x!, named(rest), { reverse, state: { hidden: rest[4]!, cell: rest[5]! } })
      return [output, hidden, cell]
    },
    reference: ([x, ...rest]) => unroll({ x: x!, states: rest.slice(4), reverse }, lstmStep(rest)),
  })
  checkOp('Scan', `runs an LSTM ${direction} over frames of different lengths`, {
    ...tolerances,
    inputs: [frames, ...weights(4), lengths],
    sizes,
    build: ([x, ...rest]) => {
      const { output, hidden, cell } = lstm(x!, named(rest), { reverse, lengths: rest[4]! })
      return [output, hidden, cell]
    },
    reference: ([x, ...rest]) => {
      const zero = array([x!.shape[0]!, H], () => 0)
      return unroll({ x: x!, states: [zero, zero], lengths: rest[4], reverse }, lstmStep(rest))
    },
  })
  checkOp('Scan', `runs a GRU ${direction} from a given state, over frames of different lengths`, {
    ...tolerances,
    inputs: [frames, ...weights(3), state, lengths],
    sizes,
    build: ([x, ...rest]) => {
      const { output, hidden } = gru(x!, named(rest), { reverse, state: rest[4]!, lengths: rest[5]! })
      return [output, hidden]
    },
    reference: ([x, ...rest]) => unroll({ x: x!, states: [rest[4]!], lengths: rest[5], reverse }, gruStep(rest)),
  })
}

test('weights for another number of gates are an error', () => {
  const f = (shape: readonly (number | string)[]) => input('f', 'float32', shape)
  expect(() => gru(f(['B', 'T', 2]), { weightIh: f([12, 2]), weightHh: f([12, 3]) })).toThrow(ShapeError)
  expect(() => lstm(f(['B', 2]), { weightIh: f([12, 2]), weightHh: f([12, 3]) })).toThrow(ShapeError)
})
