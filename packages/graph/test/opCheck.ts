import { expect, test } from 'vitest'
import { Body } from '../src/body.js'
import { compile } from '../src/compile.js'
import { evaluateDim, type Shape, symbolsOfDim } from '../src/dim.js'
import { type DType, isFloat, type TensorData, tensorData } from '../src/dtype.js'
import { vjp } from '../src/grad.js'
import { zerosLike } from '../src/ops/fill.js'
import { input } from '../src/ops/leaves.js'
import { withRandomStreams } from '../src/ops/random.js'
import type { OpType } from '../src/ops/registry.js'
import { simplify } from '../src/rewrite/simplify.js'
import { ort } from '../src/runtime/ort/ort.js'
import type { Tensor } from '../src/tensor.js'
import { topologicalOrder } from '../src/traverse.js'
import { checkLegality } from './legality.js'
import { type ReferenceArray, sizeOfShape, total } from './referenceArray.js'
import { seededRandom } from './seededRandom.js'

/** Sizes of the symbols of a check. */
export type Sizes = Readonly<Record<string, number>>

/** One input of a checked op. */
export interface CheckedInput {
  /** Numbers and symbols; every symbol has a size in each entry of `sizes`. */
  readonly shape: Shape
  /** Default float32 (or the dtype under test). */
  readonly dtype?: DType
  /** Range of the random elements, a rule, or the elements themselves. Default [-2, 2]; integers are rounded down. */
  readonly values?: readonly [number, number] | ((random: () => number, index: number, sizes: Sizes) => number)
  /** Whether to compare the gradient. Default: true for floats. */
  readonly differentiable?: boolean
}

/** What to check about an op. */
export interface OpCheck {
  readonly inputs: readonly CheckedInput[]
  /** Sizes of the symbols; the op is checked for each, built with numbers and built once with symbols. */
  readonly sizes?: readonly Sizes[]
  readonly build: (inputs: readonly Tensor[], sizes: Sizes) => Tensor | readonly Tensor[]
  /** The same, written out in double precision. */
  readonly reference: (inputs: readonly ReferenceArray[], sizes: Sizes) => ReferenceArray | readonly ReferenceArray[]
  /** Float types to check. Default float32. */
  readonly dtypes?: readonly ('float32' | 'float64')[]
  /** Absolute and relative tolerance of the outputs. */
  readonly tolerance?: Tolerance
  /** The same for gradients. */
  readonly gradientTolerance?: Tolerance
  /** False for ops without a gradient. Default true if an input and an output are floats. */
  readonly gradient?: boolean
  /** Also differentiates the gradient. Default false. */
  readonly secondOrder?: boolean
  /** False if the op cannot be built with symbols. Default true. */
  readonly symbolic?: boolean
}

/** |found - expected| <= absolute + relative |expected| */
export interface Tolerance {
  readonly absolute: number
  readonly relative: number
}

const TOLERANCES = {
  float32: { value: { absolute: 1e-5, relative: 1e-5 }, gradient: { absolute: 3e-5, relative: 1e-4 } },
  float64: { value: { absolute: 1e-10, relative: 1e-10 }, gradient: { absolute: 1e-6, relative: 1e-6 } },
} as const

const runtime = ort({ threads: 1 })

/**
 * Registers tests of one op: its outputs against a written-out reference, the shapes it promises against those it
 * gives, and its gradient (every element of every float input) against central differences of the reference, which are
 * taken in double precision and so are good to about 9 digits.
 *
 * @param type - The op; it must occur in what `build` makes or in its gradient.
 * @param title - What is true, e.g. `broadcasts`.
 */
export function checkOp(type: OpType, title: string, check: OpCheck): void {
  for (const dtype of check.dtypes ?? ['float32']) {
    test(`${type} ${title}${check.dtypes ? ` (${dtype})` : ''}`, async () => {
      const everySize = check.sizes ?? [{}]
      const types = new Set<string>()
      for (const i of everySize.keys()) for (const found of await checkOnce(check, dtype, i, false)) types.add(found)
      const hasSymbols = check.inputs.some(({ shape }) => shape.some((dim) => typeof dim === 'string'))
      if (hasSymbols && check.symbolic !== false) {
        for (const found of await checkOnce(check, dtype, undefined, true)) types.add(found)
      }
      expect([...types], `${type} occurs in the graph`).toContain(type)
    })
  }
}

/** Sizes that find mistakes: ordinary, empty, all ones. For inputs with the symbols B and T. */
export const EDGE_SIZES: readonly Sizes[] = [
  { B: 2, T: 5 },
  { B: 0, T: 3 },
  { B: 3, T: 0 },
  { B: 1, T: 1 },
]

// Builds once and compares for one entry of `sizes`, or for all of them with symbolic shapes.
async function checkOnce(
  check: OpCheck,
  dtype: 'float32' | 'float64',
  only: number | undefined,
  symbolic: boolean,
): Promise<Set<string>> {
  const everySize = check.sizes ?? [{}]
  const chosen = only === undefined ? everySize : [everySize[only]!]
  const tensors = check.inputs.map(({ shape, dtype: own }, i) =>
    input(`x${i}`, own ?? dtype, symbolic ? shape : shape.map((dim) => evaluateDim(dim, bindings(chosen[0]!)))),
  )
  const built = withRandomStreams(() => check.build(tensors, chosen[0]!))
  const outputs = Array.isArray(built) ? (built as readonly Tensor[]) : [built as Tensor]
  const wrt = check.inputs.flatMap(({ differentiable }, i) =>
    isFloat(tensors[i]!.dtype) && differentiable !== false ? [i] : [],
  )
  const floatOutputs = outputs.flatMap((y, i) => (isFloat(y.dtype) ? [i] : []))
  const differentiate = check.gradient !== false && wrt.length > 0 && floatOutputs.length > 0
  const weights = floatOutputs.map((i) => input(`w${i}`, outputs[i]!.dtype, outputs[i]!.shape))
  const chosenOutputs = floatOutputs.map((i) => outputs[i]!)
  const targets = wrt.map((i) => tensors[i]!)
  const gradients = differentiate ? vjp(chosenOutputs, weights, targets).map((g, i) => g ?? zerosLike(targets[i]!)) : []
  const directions = check.secondOrder ? wrt.map((i) => input(`v${i}`, tensors[i]!.dtype, tensors[i]!.shape)) : []
  const seconds = check.secondOrder
    ? vjp(gradients, directions, targets).map((g, i) => g ?? zerosLike(targets[i]!))
    : []
  const types = typesIn([...outputs, ...gradients])

  const named: Record<string, Tensor> = {}
  outputs.forEach((tensor, i) => {
    named[`y${i}`] = tensor
  })
  wrt.forEach((i, k) => {
    if (differentiate) named[`g${i}`] = gradients[k]!
    if (check.secondOrder) named[`h${i}`] = seconds[k]!
  })
  checkLegality(simplify(Object.values(named)))
  const program = await compile(named, { runtime })
  try {
    for (const [index, sizes] of chosen.entries()) {
      const random = seededRandom(1 + index + (only ?? 0))
      const place = `${symbolic ? 'symbolic' : 'numeric'} shapes ${JSON.stringify(sizes)}`
      const values = check.inputs.map((spec, i) => randomArray(spec, tensors[i]!.dtype, sizes, random))
      const expected = normal(check.reference(values, sizes))
      const weightValues = floatOutputs.map((i) => randomLike(expected[i]!, random, outputs[i]!.dtype))
      const directionValues = check.secondOrder ? wrt.map((i) => randomLike(values[i]!, random, tensors[i]!.dtype)) : []
      const feeds: Record<string, TensorData> = {}
      const feed = (name: string, tensor: Tensor, value: ReferenceArray) => {
        if (program.inputs.some((declared) => declared.name === name)) feeds[name] = toTensorData(value, tensor.dtype)
      }
      values.forEach((value, i) => {
        feed(`x${i}`, tensors[i]!, value)
      })
      floatOutputs.forEach((i, k) => {
        feed(`w${i}`, weights[k]!, weightValues[k]!)
      })
      wrt.forEach((i, k) => {
        if (check.secondOrder) feed(`v${i}`, directions[k]!, directionValues[k]!)
      })
      const found = await program.run(feeds)
      const tolerance = check.tolerance ?? TOLERANCES[dtype].value
      const gradientTolerance = check.gradientTolerance ?? TOLERANCES[dtype].gradient
      outputs.forEach((tensor, i) => {
        expectPromisedShape(tensor, found[`y${i}`]!, sizes, `output ${i}, ${place}`)
        expectClose(found[`y${i}`]!, expected[i]!, tolerance, `output ${i}, ${place}`)
      })
      if (!differentiate) continue
      const loss = (at: readonly ReferenceArray[]) => {
        const ys = normal(check.reference(at, sizes))
        return total(floatOutputs.map((i, k) => total(ys[i]!.data.map((y, n) => y * weightValues[k]!.data[n]!))))
      }
      wrt.forEach((i, k) => {
        expectPromisedShape(gradients[k]!, found[`g${i}`]!, sizes, `gradient of input ${i}, ${place}`)
        const slope = partials(loss, values, i, 1e-5)
        expectClose(found[`g${i}`]!, slope, gradientTolerance, `gradient of input ${i}, ${place}`)
      })
      if (!check.secondOrder) continue
      const step = 1e-4
      const alongDirection = (at: readonly ReferenceArray[]) => {
        const moved = (sign: number) =>
          at.map((x, i) => {
            const k = wrt.indexOf(i)
            return k < 0
              ? x
              : { shape: x.shape, data: x.data.map((value, n) => value + sign * step * directionValues[k]!.data[n]!) }
          })
        return (loss(moved(1)) - loss(moved(-1))) / (2 * step)
      }
      for (const i of wrt) {
        expectClose(
          found[`h${i}`]!,
          partials(alongDirection, values, i, step),
          gradientTolerance,
          `second gradient of input ${i}, ${place}`,
        )
      }
    }
  } finally {
    await program.dispose()
  }
  return types
}

const bindings = (sizes: Sizes): ReadonlyMap<string, number> => new Map(Object.entries(sizes))

const normal = (arrays: ReferenceArray | readonly ReferenceArray[]): readonly ReferenceArray[] =>
  Array.isArray(arrays) ? (arrays as readonly ReferenceArray[]) : [arrays as ReferenceArray]

/** Types of all ops that tensors depend on, those inside Scan bodies included. */
export function typesIn(tensors: readonly Tensor[]): Set<string> {
  const types = new Set<string>()
  for (const node of topologicalOrder(tensors)) {
    types.add(node.op.type)
    for (const value of Object.values(node.attributes)) {
      if (value instanceof Body) for (const type of typesIn(value.outputs)) types.add(type)
    }
  }
  return types
}

function randomArray(
  { shape, values = [-2, 2] }: CheckedInput,
  dtype: DType,
  sizes: Sizes,
  random: () => number,
): ReferenceArray {
  const concrete = shape.map((dim) => evaluateDim(dim, bindings(sizes)))
  const draw = typeof values === 'function' ? values : () => values[0] + (values[1] - values[0]) * random()
  const data = Float64Array.from({ length: sizeOfShape(concrete) }, (_, i) => rounded(draw(random, i, sizes), dtype))
  return { shape: concrete, data }
}

const randomLike = (x: ReferenceArray, random: () => number, dtype: DType): ReferenceArray => ({
  shape: x.shape,
  data: x.data.map(() => rounded(random() * 2 - 1, dtype)),
})

// The reference must see the very numbers that the program sees.
function rounded(value: number, dtype: DType): number {
  if (dtype === 'float32') return Math.fround(value)
  return isFloat(dtype) ? value : Math.floor(value)
}

function toTensorData(value: ReferenceArray, dtype: DType): TensorData {
  return tensorData(Array.from(value.data), dtype, value.shape)
}

function partials(
  f: (at: readonly ReferenceArray[]) => number,
  values: readonly ReferenceArray[],
  i: number,
  step: number,
): ReferenceArray {
  const x = values[i]!
  const shifted = (n: number, by: number) =>
    values.map((value, j) => (j === i ? { shape: x.shape, data: x.data.map((v, m) => (m === n ? v + by : v)) } : value))
  return { shape: x.shape, data: x.data.map((_, n) => (f(shifted(n, step)) - f(shifted(n, -step))) / (2 * step)) }
}

/** Fails unless the shape that the graph promised is the one the run gave; symbols nobody bound are skipped. */
function expectPromisedShape(tensor: Tensor, found: TensorData, sizes: Sizes, what: string): void {
  expect(found.dtype, `dtype of ${what}`).toBe(tensor.dtype)
  expect(found.shape.length, `rank of ${what}`).toBe(tensor.rank)
  tensor.shape.forEach((dim, axis) => {
    if ([...symbolsOfDim(dim)].every((symbol) => symbol in sizes)) {
      expect(found.shape[axis], `axis ${axis} of ${what}, promised as ${dim}`).toBe(evaluateDim(dim, bindings(sizes)))
    }
  })
}

/** Fails unless shapes are equal and elements within tolerance; infinities and NaNs must coincide. */
export function expectClose(
  found: TensorData,
  expected: ReferenceArray,
  { absolute, relative }: Tolerance,
  what: string,
): void {
  expect([...found.shape], `shape of ${what}`).toEqual([...expected.shape])
  let worst = -1
  let excess = 0
  expected.data.forEach((want, i) => {
    const got = Number(found.data[i])
    if (Object.is(got, want) || got === want) return
    const over = Math.abs(got - want) - (absolute + relative * Math.abs(want))
    if (!(over <= excess)) {
      worst = i
      excess = over
    }
  })
  if (worst >= 0) {
    const want = expected.data[worst]
    expect.fail(
      `${what}: element ${worst} of [${expected.shape.join(', ')}] is ${Number(found.data[worst])}, expected ${want}.`,
    )
  }
}
