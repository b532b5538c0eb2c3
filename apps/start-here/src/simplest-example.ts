/**
 * Fits a sine with a polynomial, by NeMo's first API.
 *
 *   pnpm recipe start-here/simplest-example [num_epochs=3 lr=0.0003 ...]
 *
 * Source: NeMo v0.9.0 examples/start_here/simplest_example.py.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hydraRunner, NeuralModuleFactory, SimpleLossLoggerCallback } from '@nemo/core'
import { z } from 'zod'
import { MSELoss } from './sine/mseLoss.js'
import { RealFunctionDataLayer } from './sine/realFunctionDataLayer.js'
import { TaylorNet } from './sine/taylorNet.js'

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'simplest-example',
    schema: z.strictObject({
      n: z.int().min(1),
      batch_size: z.int().min(1),
      dim: z.int().min(1),
      num_epochs: z.int().min(1),
      lr: z.number().positive(),
      seed: z.int(),
    }),
    description: "Fits a sine with a polynomial, by NeMo's first API.",
  },
  async ({ n, batch_size, dim, num_epochs, lr, seed }) => {
    const nf = new NeuralModuleFactory({ randomSeed: seed })

    // instantiate necessary neural modules
    // RealFunctionDataLayer defaults to f = Math.sin, sampling from x = [-4, 4]
    const dl = new RealFunctionDataLayer({ n, batch_size, seed })
    const fx = new TaylorNet({ dim })
    const mse = new MSELoss()

    // describe activation's flow
    const { x, y } = dl.forward()
    const { yPred: p } = fx.forward({ x })
    const { loss: lss } = mse.forward({ predictions: p, target: y })

    // SimpleLossLoggerCallback will print loss values to console.
    const callback = new SimpleLossLoggerCallback({
      tensors: [lss],
      printFunc: ([value]) => console.log(`Train Loss: ${value!.data[0]}`),
    })

    // Invoke "train" action
    const { metrics } = await nf.train({
      tensorsToOptimize: [lss],
      callbacks: [callback],
      optimizationParams: { num_epochs, lr },
      optimizer: 'sgd',
    })
    await nf.close()
    return { train_loss: metrics.train_loss! }
  },
)
