import type { Loss } from '@nemo/core'
import { compile, constant, grad, input, ort, type Tensor } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import {
  AggregatorLoss,
  CrossEntropyLoss,
  MSELoss,
  MultiSimilarityLoss,
  NLLLoss,
  SmoothedCrossEntropyLoss,
  SpanningLoss,
} from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface LossesCase {
  readonly losses: readonly {
    readonly name: string
    readonly class: string
    readonly config: never
    readonly inputs: Readonly<Record<string, string>>
    readonly loss: string
    readonly gradient_of: string
    readonly grad: string
  }[]
  readonly aggregator: {
    readonly results: readonly {
      readonly weights: readonly number[] | null
      readonly losses: readonly number[]
      readonly value: number
    }[]
  }
}

const golden = goldenFixture<LossesCase>('losses')
const runtime = ort()
const classes: Readonly<Record<string, new (config: never) => Loss>> = {
  CrossEntropyLoss,
  MSELoss,
  MultiSimilarityLoss,
  NLLLoss,
  SmoothedCrossEntropyLoss,
  SpanningLoss,
}
const camelCase = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

describe('losses and their gradients equal NeMo v1.0.0', () => {
  it.each(golden.json.losses)('$name', async (entry) => {
    const loss = new classes[entry.class]!(entry.config)
    const arrays = Object.entries(entry.inputs).map(([name, array]) => [name, golden.array(array)] as const)
    // Batches are symbolic; other sizes are known, as classes are in a model.
    const symbols = arrays.map(
      ([name, { dtype, shape }]) => [name, input(name, dtype, ['B', ...shape.slice(1)])] as const,
    )
    const ports = Object.fromEntries(symbols.map(([name, symbol]) => [camelCase(name), symbol]))
    const { loss: value } = loss.forward(ports) as { loss: Tensor }
    const by = symbols.find(([name]) => name === entry.gradient_of)![1]
    const program = await compile({ value, gradient: grad(value, [by])[0]! }, { runtime })
    const got = await program.run(Object.fromEntries(arrays))
    golden.expectClose(entry.loss, got.value)
    golden.expectClose(entry.grad, got.gradient)
    await program.dispose()
  })

  it.each(golden.json.aggregator.results)(
    'AggregatorLoss with weights $weights',
    async ({ weights, losses, value }) => {
      const module = new AggregatorLoss({ num_inputs: losses.length, weights })
      const ports = Object.fromEntries(losses.map((loss, i) => [`loss${i + 1}`, constant(loss)]))
      const { loss } = module.forward(ports)
      const program = await compile({ loss }, { runtime })
      expect((await program.run({})).loss!.data[0]).toBeCloseTo(value, 6)
    },
  )
})

describe('options', () => {
  const run = async (loss: Loss, feeds: Record<string, Tensor>): Promise<number[]> => {
    const program = await compile({ loss: (loss.forward(feeds) as { loss: Tensor }).loss }, { runtime })
    const data = [...(await program.run({})).loss!.data].map(Number)
    await program.dispose()
    return data
  }
  const logits = constant([
    [0, 0],
    [0, Math.log(3)],
    [5, 1],
  ])

  it('CrossEntropyLoss without reduction has 0 where positions do not count', async () => {
    const loss = new CrossEntropyLoss({ reduction: 'none', ignore_index: 7 })
    const lossMask = constant([1, 1, 0], 'float32')
    const values = await run(loss, { logits, labels: constant([7, 1, 0], 'int64'), lossMask })
    expect(values[0]).toBeCloseTo(0)
    expect(values[1]).toBeCloseTo(Math.log(4 / 3))
    expect(values[2]).toBeCloseTo(0)
  })

  it('CrossEntropyLoss is NaN when ignore_index leaves nothing', async () => {
    const labels = constant([-100, -100, -100], 'int64')
    expect(await run(new CrossEntropyLoss(), { logits, labels })).toEqual([Number.NaN])
  })

  it('CrossEntropyLoss refuses weights of another number than classes', () => {
    const loss = new CrossEntropyLoss({ weight: [1, 2, 3] })
    expect(() => loss.forward({ logits, labels: constant([0, 0, 0], 'int64') })).toThrow(
      /a weight for each of 2 classes, found 3/,
    )
  })

  it('MSELoss sums, or keeps each difference', async () => {
    const feeds = { preds: constant([1, 2]), labels: constant([3, 2], 'int64') }
    expect(await run(new MSELoss({ reduction: 'sum' }), feeds)).toEqual([4])
    expect(await run(new MSELoss({ reduction: 'none' }), feeds)).toEqual([4, 0])
  })

  it('MultiSimilarityLoss without any hard pair is 0', async () => {
    const feeds = {
      logits: constant([
        [1, 0],
        [0, 1],
      ]),
      labels: constant([0, 1], 'int64'),
    }
    expect(await run(new MultiSimilarityLoss(), feeds)).toEqual([0])
  })

  it('SmoothedCrossEntropyLoss needs a mask or a pad_id', () => {
    const logProbs = constant([[[0, -1]]])
    expect(() => new SmoothedCrossEntropyLoss().forward({ logProbs, labels: constant([[0]], 'int64') })).toThrow(
      /expected an outputMask or the config key pad_id/,
    )
  })

  it('AggregatorLoss gives weights out by name, loss_10 before loss_2', async () => {
    const weights = [1, 10, 100, 0, 0, 0, 0, 0, 0, 0]
    const module = new AggregatorLoss({ num_inputs: 10, weights })
    const ports = Object.fromEntries(weights.map((_, i) => [`loss${i + 1}`, constant(i + 1)]))
    expect(await run(module, ports)).toEqual([1 * 1 + 10 * 10 + 100 * 2])
  })

  it('AggregatorLoss refuses weights of another number than losses', () => {
    expect(() => new AggregatorLoss({ weights: [1] })).toThrow(/a weight for each of 2 losses, found 1/)
  })
})
