import { expect, test } from 'vitest'
import { uniform } from '../../../../test/loweringCheck.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { compile } from '../../../compile.js'
import { applyOp } from '../../../op.js'
import { add, mul } from '../../../ops/arithmetic.js'
import { BatchNormalization, batchNormTraining } from '../../../ops/batchNormalization.js'
import { constant, input } from '../../../ops/leaves.js'
import { parameter } from '../../../parameter.js'
import { ort } from '../ort.js'

const random = seededRandom(1)
const value = uniform([4, 3, 5], random)

function moments(channel: number): { mean: number; variance: number } {
  const values = Array.from(value.data).filter((_, i) => Math.floor(i / 5) % 3 === channel)
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length }
}

test.each([true, false])('training leaves scale and bias as they were (lowerings %s)', async (lowerings) => {
  const [scale, bias] = [parameter('scale', [1, 2, 3]), parameter('bias', [0.5, 0, -0.5])]
  const { y, mean, variance } = batchNormTraining(input('x', 'float32', ['B', 3, 'T']), scale, bias, 0)
  // As outputs of the program, statistics have memory of their own.
  const outputs = { y, mean: mul(mean, 2), variance: mul(variance, 2) }
  const program = await compile(outputs, { runtime: ort({ threads: 1, lowerings }) })
  for (let run = 0; run < 3; run++) {
    const found = await program.run({ x: value })
    for (let c = 0; c < 3; c++) {
      const { mean, variance } = moments(c)
      expect(found.mean.data[c]).toBeCloseTo(2 * mean, 5)
      expect(found.variance.data[c]).toBeCloseTo(2 * variance, 5)
      const normal = (value.data[c * 5]! - mean) / Math.sqrt(variance)
      expect(found.y.data[c * 5]).toBeCloseTo(normal * (c + 1) + [0.5, 0, -0.5][c]!, 4)
    }
  }
  expect(Array.from((await scale.value()).data as Float32Array)).toEqual([1, 2, 3])
  expect(Array.from((await bias.value()).data as Float32Array)).toEqual([0.5, 0, -0.5])
})

test.each([true, false])(
  'running statistics given as constants start anew in every run, frozen or not (%s)',
  async (frozen) => {
    const scale = parameter('scale', [1, 1, 1])
    const zeros = constant([0, 0, 0])
    const [, mean, variance] = applyOp(
      BatchNormalization,
      [input('x', 'float32', ['B', 3, 'T']), scale, zeros, zeros, zeros],
      { momentum: 0.9, training_mode: 1 },
      3,
    )
    const program = await compile(
      { mean: mul(mean!, 1.5), both: add(variance!, zeros) },
      { runtime: ort({ threads: 1 }), freezeParameters: frozen },
    )
    for (let run = 0; run < 3; run++) {
      const found = await program.run({ x: value })
      expect(found.mean.data[1]).toBeCloseTo(0.15 * moments(1).mean, 5)
      expect(found.both.data[1]).toBeCloseTo(0.1 * moments(1).variance, 5)
    }
  },
)

test('a step that met NaN does not poison the next, with constant scale and bias', async () => {
  const [ones, zeros] = [constant([1, 1, 1]), constant([0, 0, 0])]
  const x = input('x', 'float32', ['B', 3, 'T'])
  const first = batchNormTraining(x, ones, zeros, 1e-3)
  const second = batchNormTraining(mul(x, 2), ones, zeros, 1e-3)
  const program = await compile(
    { y: add(first.y, second.y), a: mul(first.mean, 3), b: mul(second.mean, 3) },
    { runtime: ort({ threads: 1 }) },
  )
  const before = await program.run({ x: value })
  await program.run({ x: { ...value, data: value.data.map(() => Number.NaN) } })
  const after = await program.run({ x: value })
  expect(after).toEqual(before)
  expect(Number(after.b.data[0])).toBeCloseTo(2 * Number(after.a.data[0]), 5)
})
