import { NeuralModuleFactory } from '@nemo/core'
import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { MSELoss } from './mseLoss.js'
import { RealFunctionDataLayer } from './realFunctionDataLayer.js'
import { TaylorNet } from './taylorNet.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

it('a cubic finds its own coefficients', async () => {
  const nf = new NeuralModuleFactory({ runtime, randomSeed: 1 })
  const f = (x: number) => 1 - 2 * x + 0.5 * x ** 3
  const { x, y } = new RealFunctionDataLayer({ n: 512, batch_size: 64, f, x_lo: -1, x_hi: 1 }).forward()
  const net = new TaylorNet({ dim: 4 })
  const { loss } = new MSELoss().forward({ predictions: net.forward({ x }).yPred, target: y })
  await nf.train({ tensorsToOptimize: [loss], optimizer: 'sgd', optimizationParams: { num_epochs: 100, lr: 0.1 } })
  const [weight, bias] = [await net.fc1.weight.value(), await net.fc1.bias!.value()]
  const [constant, first, second, third] = Array.from(weight.data, Number)
  expect(constant! + Number(bias.data[0])).toBeCloseTo(1, 2)
  expect(first).toBeCloseTo(-2, 1)
  expect(second).toBeCloseTo(0, 2)
  expect(third).toBeCloseTo(0.5, 1)
})
