import { div, log, mul, ort, reduceMean, relu, sqrt, square, squeeze, sub, type Tensor } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import {
  AnomalyError,
  type ConfigObject,
  seedInitialisation,
  Trainer,
  type TrainerConfigInput,
  type TrainingStep,
} from '../../src/index.js'
import { type TinyDataOptions, TinyModel, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

/** A tiny model with a mistake between encoder and decoder. */
class FaultyModel extends TinyModel {
  fault: (hidden: Tensor) => Tensor = (hidden) => hidden

  override trainingStep({ x, y }: Readonly<Record<string, Tensor>>): TrainingStep {
    const hidden = this.within('encoder', () => relu(this.encoder.forward(x!)))
    const faulty = this.within('middle', () => this.within('norm', () => this.fault(hidden)))
    const prediction = squeeze(
      this.within('decoder', () => this.decoder.forward(reduceMean(faulty, -1))),
      -1,
    )
    return { loss: reduceMean(square(sub(prediction, y!))) }
  }
}

async function failure(
  fault: (hidden: Tensor) => Tensor,
  config: TrainerConfigInput = {},
  data: TinyDataOptions = {},
  prepare?: (model: FaultyModel) => void,
): Promise<AnomalyError> {
  seedInitialisation(11)
  const model = new FaultyModel({ optim: { name: 'sgd', lr: 0.1 }, batch_norm: false } as ConfigObject)
  model.fault = fault
  model.trainingLoader = tinyLoader(data)
  prepare?.(model)
  const fit = new Trainer({ max_steps: 2, detect_anomaly: true, ...config }, { runtime }).fit(model)
  const error = await fit.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AnomalyError)
  return error as AnomalyError
}

it('names the op, the scope and the output that made the first NaN of the forward pass', async () => {
  const error = await failure((hidden) => sqrt(sub(hidden, 100)))
  expect(error.anomaly.first).toMatchObject({ op: 'Sqrt', scope: 'middle/norm', output: 0, phase: 'forward' })
  expect(error.anomaly.first.nans).toBeGreaterThan(0)
  expect(error.message).toMatch(/Training step 0 \(epoch 0, batch 0.*made by Sqrt at middle\/norm in the forward pass/)
})

it('names the infinity that a NaN comes from, and the NaN', async () => {
  // log(0) = -inf; -inf / -inf is no number.
  const error = await failure((hidden) => {
    const infinite = log(mul(hidden, 0))
    return div(infinite, infinite)
  })
  expect(error.anomaly.first).toMatchObject({ op: 'Log', nans: 0 })
  expect(error.anomaly.first.infinities).toBeGreaterThan(0)
  expect(error.anomaly.firstNan).toMatchObject({ op: 'Div', phase: 'forward' })
})

it('names the op of the backward pass where the forward pass is sound', async () => {
  // The root of zero is zero, its slope is not: relu gives zeros.
  const error = await failure((hidden) => sqrt(hidden))
  expect(error.anomaly.first).toMatchObject({ scope: 'middle/norm', phase: 'backward' })
})

it('with accumulation too', async () => {
  const error = await failure((hidden) => sqrt(hidden), { accumulate_grad_batches: 2 })
  expect(error.anomaly.first).toMatchObject({ scope: 'middle/norm', phase: 'backward' })
})

it('names the input or the weight that came in so', async () => {
  const data = await failure((hidden) => hidden, {}, { infinite: 5 })
  expect(data.anomaly.first).toMatchObject({ op: 'Input', name: 'y', infinities: 1, nans: 0 })
  expect(data.message).toMatch(/came in with the batch, as y/)
  const weight = await failure(
    (hidden) => hidden,
    {},
    {},
    (model) => model.decoder.weight.set(new Float32Array(4).fill(Number.NaN)),
  )
  expect(weight.anomaly.first).toMatchObject({ op: 'Parameter', name: 'decoder.weight', nans: 4 })
})

it('a sound run has the same weights, watched or not', async () => {
  const train = async (detect_anomaly: boolean) => {
    const model = tinyModel({ dropout: 0.3 })
    await new Trainer({ max_steps: 4, detect_anomaly, gradient_clip_val: 0.1 }, { runtime }).fit(model)
    return weightsOf(model)
  }
  const [watched, plain] = [await train(true), await train(false)]
  expect(watched).toEqual(plain)
})

it('a step that is not sound changes nothing', async () => {
  const model = tinyModel({}, { length: 8, infinite: 5 })
  const values: Record<string, number[]>[] = []
  const record = { onTrainBatchEnd: async () => void values.push(await weightsOf(model)) }
  const fit = new Trainer({ detect_anomaly: true }, { runtime, callbacks: [record] }).fit(model)
  await expect(fit).rejects.toThrow(/Training step 1 .* came in with the batch, as y.*The weights are those before/)
  expect(await weightsOf(model)).toEqual(values[0])
})
