import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importOnnx, mul, ort, type Tensor, type TensorData } from '@nemo/graph'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ActionCallback,
  CheckpointCallback,
  EvaluatorCallback,
  type MetricsLogger,
  type Module,
  NeuralModuleFactory,
  NonFiniteLossError,
  OptimizationLevel,
  type OptimizerPair,
  readTorchFile,
  registerTarget,
  SimpleLossLoggerCallback,
  saveModuleTo,
} from '../../src/index.js'
import { MSELoss, Noisy, PointLayer, TaylorNet } from './toys.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const folders: string[] = []
async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nemo-factory-'))
  folders.push(folder)
  return folder
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

let nf: NeuralModuleFactory
beforeEach(() => {
  nf = new NeuralModuleFactory({ runtime, randomSeed: 1 })
})

const weights = async (module: Module) =>
  [...(await module.stateDict()).values()].map(({ data }) => Array.from(data, Number))
const numbers = ({ data }: TensorData) => Array.from(data, Number)

/** A training graph; with noise it has batch statistics and dropout. */
function graph(options: ConstructorParameters<typeof PointLayer>[0] & { noisy?: boolean; dim?: number } = {}) {
  const layer = new PointLayer(options)
  const net = new TaylorNet(options.dim ?? 2)
  const noisy = new Noisy(0.2)
  const mse = new MSELoss()
  const points = layer.forward()
  const x = options.noisy ? noisy.forward({ x: points.x }).y : points.x
  const { yPred } = net.forward({ x })
  const { loss } = mse.forward({ predictions: yPred, target: points.y })
  return { layer, net, noisy, mse, x, yPred, loss }
}

/** Writes down which hooks ran, and at which step. */
class Hooks extends ActionCallback {
  readonly events: string[] = []
  override onActionStart() {
    this.events.push(`action start ${this.step}`)
  }
  override onActionEnd() {
    this.events.push(`action end ${this.step} ${this.epochNum}`)
  }
  override onEpochStart() {
    this.events.push(`epoch start ${this.epochNum}`)
  }
  override onEpochEnd() {
    this.events.push(`epoch end ${this.epochNum} ${this.step}`)
  }
  override onIterationStart() {
    this.events.push(`start ${this.step}`)
  }
  override onIterationEnd() {
    this.events.push(`end ${this.step}`)
  }
}

describe('train', () => {
  it('moves weights as SGD with momentum 0.9 does', async () => {
    const { layer, net, loss } = graph({ n: 12, batchSize: 4, shuffle: false })
    const points = await Promise.all(
      Array.from({ length: 12 }, (_, index) => layer.points.get({ seed: 0, epoch: 0, index })),
    )
    const [[w0, w1], [b]] = (await weights(net)) as [[number, number], [number]]
    const p = [w0, w1, b]
    const m = [0, 0, 0]
    for (const start of [0, 4, 8, 0, 4, 8]) {
      const batch = points.slice(start, start + 4)
      const g = [0, 0, 0]
      for (const { x, y } of batch) {
        const error = (2 * (p[0]! + p[1]! * x + p[2]! - y)) / 4
        for (const [i, feature] of [1, x, 1].entries()) g[i]! += error * feature
      }
      for (const i of [0, 1, 2]) {
        m[i] = 0.9 * m[i]! + g[i]!
        p[i]! -= 0.01 * m[i]!
      }
    }
    const result = await nf.train({
      tensorsToOptimize: [loss],
      optimizer: 'sgd',
      optimizationParams: { num_epochs: 2, lr: 0.01 },
    })
    expect(result).toMatchObject({ status: 'finished', epoch: 2, globalStep: 6 })
    const found = (await weights(net)).flat()
    for (const i of [0, 1, 2]) expect(found[i]).toBeCloseTo(p[i]!, 5)
  })

  it('takes the mean of batchesPerStep batches, and leaves out those that make no whole step', async () => {
    const whole = graph({ n: 24, batchSize: 8, shuffle: false })
    const params = { optimizer: 'adam', optimizationParams: { num_epochs: 2, lr: 0.05 } }
    await nf.train({ tensorsToOptimize: [whole.loss], ...params })
    nf = new NeuralModuleFactory({ runtime, randomSeed: 1 })
    const parts = graph({ n: 26, batchSize: 4, shuffle: false })
    // 7 batches an epoch: 3 steps of 2, and one batch too many.
    const { globalStep } = await nf.train({ tensorsToOptimize: [parts.loss], ...params, batchesPerStep: 2 })
    expect(globalStep).toBe(6)
    const [a, b] = [(await weights(whole.net)).flat(), (await weights(parts.net)).flat()]
    for (const [i, value] of a.entries()) expect(b[i]).toBeCloseTo(value, 5)
    const few = graph({ n: 4, batchSize: 4 })
    await expect(
      nf.train({ tensorsToOptimize: [few.loss], ...params, batchesPerStep: 2, reset: true }),
    ).rejects.toThrow(/1 batches an epoch, fewer than one step takes \(2\)/)
  })

  it('calls hooks in order, with steps counted from 0', async () => {
    const { loss } = graph({ n: 8, batchSize: 4 })
    const hooks = new Hooks()
    await nf.train({
      tensorsToOptimize: [loss],
      callbacks: [hooks],
      optimizer: 'sgd',
      optimizationParams: { num_epochs: 5, max_steps: 3, lr: 0.01 },
    })
    expect(hooks.events).toEqual([
      'action start 0',
      ...['epoch start 0', 'start 0', 'end 0', 'start 1', 'end 1', 'epoch end 0 2'],
      ...['epoch start 1', 'start 2', 'end 2', 'epoch end 1 3'],
      'action end 3 1',
    ])
  })

  it('draws batch statistics and dropout for training, neither for evaluation', async () => {
    const { loss, noisy, x, layer } = graph({ n: 16, batchSize: 16, noisy: true, shuffle: false })
    const seen: number[][] = []
    const look = new SimpleLossLoggerCallback({
      tensors: x,
      stepFreq: 1,
      printFunc: ([value]) => seen.push(numbers(value!)),
    })
    await nf.train({
      tensorsToOptimize: [loss],
      callbacks: [look],
      optimizer: 'sgd',
      optimizationParams: { max_steps: 2, lr: 0 },
    })
    expect(seen).toHaveLength(2)
    expect(seen[0]!.some((value) => value === 0)).toBe(true)
    expect(seen[1]).not.toEqual(seen[0])
    const state = await noisy.stateDict()
    const [mean, variance] = ['norm.running_mean', 'norm.running_var'].map((name) => Number(state.get(name)!.data[0]))
    expect(mean).not.toBe(0)
    const [[values]] = (await nf.infer({ tensors: [x], verbose: false })) as [[TensorData]]
    const { x: first } = await layer.points.get({ seed: 0, epoch: 0, index: 0 })
    expect(Number(values.data[0])).toBeCloseTo((first - mean!) / Math.sqrt(variance! + 1e-5), 4)
  })

  it('asks lrPolicy for the rate of each step, and records it', async () => {
    const { loss } = graph({ n: 8, batchSize: 4 })
    const asked: number[][] = []
    const writer = new Recorder()
    const logged = new SimpleLossLoggerCallback({
      tensors: [loss],
      stepFreq: 2,
      tbWriter: writer,
      getTbValues: ([value]) => [['loss', value!]],
      logToTbFunc: (to, values, step) => to.logMetrics({ rank: values[0]!.shape.length }, step),
    })
    await nf.train({
      tensorsToOptimize: [loss],
      callbacks: [logged],
      optimizer: 'sgd',
      optimizationParams: { num_epochs: 2, lr: 0.5 },
      lrPolicy: (lr, step, epoch) => {
        asked.push([lr, step, epoch])
        return 0
      },
    })
    expect(asked).toContainEqual([0.5, 0, 0])
    expect(asked).toContainEqual([0.5, 3, 1])
    expect(writer.tags(0)).toEqual(['loss', 'misc/step_time', 'rank'])
    expect(writer.tags(2)).toEqual(['loss', 'misc/epoch', 'misc/epoch_time', 'misc/step_time', 'rank'])
    expect(writer.tags(1)).toEqual([])
  })

  it('leaves a step with NaN out, or stops there', async () => {
    // The second batch has a point without a value.
    let calls = 0
    const f = (x: number) => (++calls === 6 ? Number.NaN : Math.sin(x))
    const { net, loss } = graph({ n: 8, batchSize: 4, shuffle: false, f })
    const params = { tensorsToOptimize: [loss], optimizer: 'adam' }
    await nf.train({ ...params, optimizationParams: { max_steps: 1, lr: 0.1 } })
    const after = await weights(net)
    const { globalStep } = await nf.train({ ...params, optimizationParams: { max_steps: 2, lr: 0 }, reset: true })
    expect(globalStep).toBe(2)
    expect(await weights(net)).toEqual(after)
    await expect(
      nf.train({ ...params, optimizationParams: { max_steps: 2, lr: 0 }, reset: true, stopOnNanLoss: true }),
    ).rejects.toThrow(NonFiniteLossError)
  })

  it('trains what a made optimiser is for, and nothing else', async () => {
    const { net, noisy, loss } = graph({ noisy: true, n: 16 })
    const before = await weights(net)
    const [affine] = await weights(noisy)
    const optimizer = nf.createOptimizer({
      optimizer: 'novograd',
      thingsToOptimize: noisy,
      optimizerParams: { lr: 0.1 },
    })
    await nf.train({ tensorsToOptimize: [optimizer, [loss]], optimizationParams: { max_steps: 2 } })
    expect(await weights(net)).toEqual(before)
    expect((await weights(noisy))[0]).not.toEqual(affine)
  })

  it('lets optimisers take turns, each step one of the next', async () => {
    const { layer, net, loss } = graph({ n: 12, batchSize: 4, shuffle: false })
    const other = new TaylorNet(2)
    const { x, y } = layer.forward()
    const { loss: otherLoss } = new MSELoss().forward({
      predictions: other.forward({ x: mul(net.forward({ x }).yPred, 1) }).yPred,
      target: y,
    })
    const points = await Promise.all(
      Array.from({ length: 12 }, (_, index) => layer.points.get({ seed: 0, epoch: 0, index })),
    )
    const [[a0, a1], [a]] = (await weights(net)) as [[number, number], [number]]
    const [[b0, b1], [b]] = (await weights(other)) as [[number, number], [number]]
    const p = [a0, a1, a]
    const q = [b0, b1, b]
    const policy = (initial: number, step: number, epoch: number) => initial / (1 + step + 10 * epoch)
    for (const [step, start] of [0, 4, 8, 0].entries()) {
      const [own, inner] = step % 2 === 0 ? [p, undefined] : [q, p]
      const rate = policy(step % 2 === 0 ? 0.01 : 0.02, step, Math.floor(step / 3))
      const g = [0, 0, 0]
      for (const { x, y } of points.slice(start, start + 4)) {
        const input = inner ? inner[0]! + inner[1]! * x + inner[2]! : x
        const error = (2 * (own[0]! + own[1]! * input + own[2]! - y)) / 4
        for (const [i, feature] of [1, input, 1].entries()) g[i]! += error * feature
      }
      // Without momentum, so that a step shows which gradient it took.
      for (const i of [0, 1, 2]) own[i]! -= rate * g[i]!
    }
    const optimizer = (module: TaylorNet, lr: number) =>
      nf.createOptimizer({ optimizer: 'sgd', thingsToOptimize: module, optimizerParams: { lr, momentum: 0 } })
    const seen: (number | undefined)[] = []
    const callback = new SimpleLossLoggerCallback({
      tensors: [loss, otherLoss],
      stepFreq: 1,
      printFunc: ([first, second]) => void seen.push(Number(first!.data[0]), Number(second!.data[0])),
    })
    const pairs = [
      [optimizer(net, 0.01), [loss]],
      [optimizer(other, 0.02), [otherLoss]],
    ] as const
    const { globalStep } = await nf.train({
      tensorsToOptimize: pairs,
      optimizationParams: { max_steps: 4 },
      lrPolicy: policy,
      callbacks: [callback],
    })
    expect(globalStep).toBe(4)
    expect(seen).toHaveLength(8)
    for (const [found, wanted] of [
      [(await weights(net)).flat(), p],
      [(await weights(other)).flat(), q],
    ] as const)
      for (const i of [0, 1, 2]) expect(found[i]).toBeCloseTo(wanted[i]!, 5)

    const again = (tensorsToOptimize: OptimizerPair[], batchesPerStep = 1) =>
      nf.train({ tensorsToOptimize, batchesPerStep, optimizationParams: { max_steps: 1 }, reset: true })
    await expect(again([...pairs], 2)).rejects.toThrow(/batchesPerStep: expected 1 where 2 optimisers take turns/)
    const [first] = pairs
    await expect(again([first, [first[0], [otherLoss]]])).rejects.toThrow(/one optimiser is in several pairs/)
  })

  it('says what is wrong with its arguments', async () => {
    const { loss } = graph()
    const optimizationParams = { num_epochs: 1, lr: 0.1 }
    const train = (options: object) =>
      nf.train({ tensorsToOptimize: [loss], optimizer: 'sgd', optimizationParams, ...options })
    await expect(train({ optimizationParams: { lr: 0.1 } })).rejects.toThrow(/give num_epochs or max_steps/)
    await expect(train({ optimizationParams: { num_epochs: 1, lrr: 1 } })).rejects.toThrow(/lrr/)
    await expect(train({ optimizer: 'lamb' })).rejects.toThrow(
      /expected one of sgd, adam, adam_w, novograd, found "lamb"/,
    )
    await expect(train({ optimizer: undefined })).rejects.toThrow(/expected a name/)
    await expect(train({ tensorsToOptimize: [] })).rejects.toThrow(/at least one tensor/)
    await train({})
    await expect(train({})).rejects.toThrow(/has trained already.*reset: true/)
  })
})

class Recorder implements MetricsLogger {
  readonly name = 'recorder'
  readonly entries: { step: number; metrics: Readonly<Record<string, number>> }[] = []
  logMetrics(metrics: Readonly<Record<string, number>>, step: number) {
    this.entries.push({ step, metrics })
  }
  logHyperparams() {}
  flush() {}
  close() {}
  tags(at: number): string[] {
    return this.entries.flatMap(({ step, metrics }) => (step === at ? Object.keys(metrics) : [])).sort()
  }
}

describe('evaluation', () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const evaluator = (loss: Tensor, results: number[], evalStep: number, tbWriter?: MetricsLogger) =>
    new EvaluatorCallback<{ losses: number[] }, Record<string, number>>({
      evalTensors: [loss],
      evalStep,
      tbWriter,
      userIterCallback: (values, globalVars) => {
        globalVars.losses ??= []
        for (const [name, [value]] of Object.entries(values))
          if (name.startsWith('loss~~~MSELoss')) globalVars.losses.push(numbers(value!)[0]!)
      },
      userEpochsDoneCallback: ({ losses }) => {
        results.push(mean(losses!))
        return { eval_loss: mean(losses!) }
      },
    })

  it('runs several graphs beside the training, with its weights, at steps of their own', async () => {
    const { net, mse, loss } = graph({ n: 16, batchSize: 4 })
    const other = (seed: number, n: number) => {
      const { x, y } = new PointLayer({ n, batchSize: 4, shuffle: false, seed }).forward()
      return mse.forward({ predictions: net.forward({ x }).yPred, target: y }).loss
    }
    const [first, second]: [number[], number[]] = [[], []]
    const writer = new Recorder()
    await nf.train({
      tensorsToOptimize: [loss],
      callbacks: [evaluator(other(2, 8), first, 2, writer), evaluator(other(3, 12), second, 4)],
      optimizer: 'sgd',
      optimizationParams: { num_epochs: 1, lr: 0.01 },
    })
    // After the steps 0 and 2, or 0 alone, and at the end.
    expect([first.length, second.length]).toEqual([3, 2])
    expect(new Set(first).size).toBe(3)
    expect(writer.entries.map(({ step }) => step)).toEqual([0, 2, 4])
    expect(writer.entries[2]!.metrics).toEqual({ eval_loss: first[2] })
  })

  it('happens once in eval, on weights as they are', async () => {
    const { net, layer, loss } = graph({ n: 8, batchSize: 4 })
    const results: number[] = []
    await nf.eval({ callbacks: [evaluator(loss, results, 1)] })
    const [[w0, w1], [b]] = (await weights(net)) as [[number, number], [number]]
    const errors = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const { x, y } = await layer.points.get({ seed: 0, epoch: 0, index })
        return (w0 + w1 * x + b - y) ** 2
      }),
    )
    expect(results).toHaveLength(1)
    expect(results[0]).toBeCloseTo(mean(errors), 4)
    await expect(nf.eval({ callbacks: [] })).rejects.toThrow(/at least one EvaluatorCallback/)
  })
})

describe('checkpoints', () => {
  const run = async (folder: string | undefined, max_steps: number, more: object = {}) => {
    nf = new NeuralModuleFactory({ runtime, randomSeed: 1 })
    const made = graph({ n: 40, batchSize: 8, noisy: true })
    const callbacks = folder === undefined ? [] : [new CheckpointCallback({ folder, stepFreq: 3, ...more })]
    const result = await nf.train({
      tensorsToOptimize: [made.loss],
      callbacks,
      optimizer: 'novograd',
      optimizationParams: { max_steps, lr: 0.05 },
    })
    return { ...made, result, state: [...(await weights(made.net)), ...(await weights(made.noisy))] }
  }

  it('go on with the same bits as a run that was not stopped', async () => {
    const folder = await scratch()
    const whole = await run(undefined, 13)
    await run(folder, 7)
    const resumed = await run(folder, 13)
    expect(resumed.result.globalStep).toBe(13)
    expect(resumed.state).toEqual(whole.state)
  })

  it('are files by module and step, of which the last ones stay', async () => {
    const folder = await scratch()
    const { net } = await run(folder, 11, { checkpointsToKeep: 2 })
    expect((await readdir(folder)).sort()).toEqual(
      ['Noisy', 'TaylorNet', 'trainer'].flatMap((name) => [`${name}-STEP-11.pt`, `${name}-STEP-9.pt`]),
    )
    const state = (await readTorchFile(join(folder, 'TaylorNet-STEP-11.pt'))) as Map<string, TensorData>
    expect([...state.keys()]).toEqual(['fc1.weight', 'fc1.bias'])
    expect(numbers(state.get('fc1.weight')!)).toEqual((await weights(net))[0])
  })

  it('are written by epochs where that is asked', async () => {
    const folder = await scratch()
    await run(folder, 10, { stepFreq: -1, epochFreq: 1 })
    expect((await readdir(folder)).filter((file) => file.startsWith('trainer')).sort()).toEqual([
      'trainer-EPOCH-0.pt',
      'trainer-EPOCH-1.pt',
      'trainer-EPOCH-2.pt',
    ])
  })

  it('start a new training from weights alone', async () => {
    const folder = await scratch()
    const { net } = await run(folder, 4)
    for (const file of await readdir(folder)) if (file.startsWith('trainer')) await rm(join(folder, file))
    const trained = await weights(net)
    nf = new NeuralModuleFactory({ runtime, randomSeed: 2 })
    const fresh = graph({ n: 40, batchSize: 8, noisy: true })
    await nf.train({
      tensorsToOptimize: [fresh.loss],
      callbacks: [new CheckpointCallback({ folder, forceLoad: true })],
      optimizer: 'novograd',
      optimizationParams: { max_steps: 1, lr: 0 },
    })
    expect(await weights(fresh.net)).toEqual(trained)
  })

  it('are missed aloud with forceLoad', async () => {
    const folder = await scratch()
    await expect(run(join(folder, 'none'), 1, { forceLoad: true })).rejects.toThrow(/no checkpoint folder/)
    await expect(run(folder, 1, { forceLoad: true })).rejects.toThrow(/No checkpoint of (Noisy|TaylorNet) in/)
  })

  it('need different names', async () => {
    const { mse, x, yPred } = graph()
    const { loss } = mse.forward({ predictions: yPred, target: new TaylorNet(3).forward({ x }).yPred })
    const callbacks = [new CheckpointCallback({ folder: await scratch(), stepFreq: 1 })]
    const params = { optimizer: 'sgd', optimizationParams: { max_steps: 1, lr: 0.1 } }
    await expect(nf.train({ tensorsToOptimize: [loss], callbacks, ...params })).rejects.toThrow(
      /Two modules are named TaylorNet.*toString/,
    )
  })
})

describe('infer', () => {
  it('gives each tensor its values, batch by batch', async () => {
    const { yPred, loss } = graph({ n: 10, batchSize: 4, shuffle: false })
    const [predictions, losses] = await nf.infer({ tensors: [yPred, loss], verbose: false })
    expect(predictions!.map(({ shape }) => shape)).toEqual([
      [4, 1],
      [4, 1],
      [2, 1],
    ])
    expect(losses).toHaveLength(3)
  })

  it('computes from its cache without reading data again', async () => {
    const { layer, yPred, loss } = graph({ n: 8, batchSize: 4, noisy: true, shuffle: false })
    const [plain] = await nf.infer({ tensors: [loss], verbose: false })
    await nf.infer({ tensors: [yPred], verbose: false, cache: true })
    const reads = layer.points.reads
    const [cached] = await nf.infer({ tensors: [loss], verbose: false, useCache: true })
    expect(layer.points.reads).toBe(reads)
    expect(cached!.map(numbers)).toEqual(plain!.map(numbers))
    await expect(nf.infer({ tensors: [loss], cache: true })).rejects.toThrow(/cache is full/)
    nf.clearCache()
    await expect(nf.infer({ tensors: [loss], useCache: true })).rejects.toThrow(/cache is empty/)
    await expect(nf.infer({ tensors: [loss], useCache: true, cache: true })).rejects.toThrow(/give one of them/)
  })

  it('takes weights from a checkpoint folder', async () => {
    const folder = await scratch()
    const trained = graph({ n: 8, shuffle: false })
    const [expected] = await nf.infer({ tensors: [trained.yPred], verbose: false })
    await saveModuleTo(trained.net, join(folder, 'TaylorNet-STEP-9.pt'))
    await trained.net.fc1.weight.set([[7, 7]])
    await saveModuleTo(trained.net, join(folder, 'TaylorNet-STEP-8.pt'))
    const fresh = graph({ n: 8, shuffle: false })
    const [found] = await nf.infer({ tensors: [fresh.yPred], verbose: false, checkpointDir: folder })
    expect(found!.map(numbers)).toEqual(expected!.map(numbers))
    const [older] = await nf.infer({
      tensors: [fresh.yPred],
      verbose: false,
      checkpointDir: folder,
      ckptPattern: 'STEP-8',
    })
    expect(older!.map(numbers)).not.toEqual(expected!.map(numbers))
    await expect(
      nf.infer({ tensors: [fresh.yPred], checkpointDir: folder, modulesToRestore: fresh.mse }),
    ).rejects.toThrow(/MSELoss has no weights/)
  })
})

describe('deploymentExport', () => {
  it('writes an ONNX file that computes what the module does', async () => {
    const output = join(await scratch(), 'net.onnx')
    const net = new TaylorNet(3)
    const inputExample = { x: [[0.5], [2]] }
    const outputExample = await net.run(inputExample, { runtime })
    await nf.deploymentExport({ module: net, output, dFormat: 'ONNX', inputExample, outputExample })
    const { readFile } = await import('node:fs/promises')
    const imported = importOnnx(await readFile(output))
    expect(Object.keys(imported.outputs)).toEqual(['y_pred'])
    await expect(nf.deploymentExport({ module: net, output })).rejects.toThrow(/exists already/)
    const wrong = { yPred: { ...outputExample.yPred!, data: new Float32Array(2) } }
    await expect(
      nf.deploymentExport({ module: net, output: `${output}.2`, inputExample, outputExample: wrong }),
    ).rejects.toThrow(/does not give outputExample.yPred/)
  })

  it('writes a state dict for PyTorch', async () => {
    const output = join(await scratch(), 'net.pt')
    const net = new TaylorNet(3)
    await nf.deploymentExport({ module: net, output, dFormat: 'PYTORCH' })
    const state = (await readTorchFile(output)) as Map<string, TensorData>
    expect(numbers(state.get('fc1.weight')!)).toEqual((await weights(net))[0])
  })
})

describe('the factory', () => {
  it('makes modules by name', async () => {
    registerTarget('nemo.tutorials.ToyTaylorNet', ({ dim }) => new TaylorNet(dim as number))
    const net = await nf.getModule({ name: 'ToyTaylorNet', collection: 'tutorials', params: { dim: 5 } })
    expect((net as TaylorNet).dim).toBe(5)
    await expect(nf.getModule({ name: 'ToyTaylorNett', collection: 'tutorials' })).rejects.toThrow(/nearest known/)
  })

  it('keeps logs, events and copies in its folder', async () => {
    const logDir = await scratch()
    const factory = new NeuralModuleFactory({
      runtime,
      logDir,
      createTbWriter: true,
      filesToCopy: [import.meta.filename],
    })
    factory.logger.info('hello')
    await factory.close()
    const files = await readdir(logDir)
    for (const pattern of [/^log_globalrank-0_localrank-0.txt$/, /^cmd-args_.*\.log$/, /^actions.test_.*\.ts$/])
      expect(files.some((file) => pattern.test(file))).toBe(true)
    expect(factory.checkpointDir).toBe(join(logDir, 'checkpoints'))
    expect(await readdir(join(logDir, 'tensorboard'))).toHaveLength(1)
    expect(factory.optimLevel).toBe(OptimizationLevel.mxprO0)
    expect(() => new NeuralModuleFactory({ runtime, createTbWriter: true })).toThrow(/give a logDir/)
  })
})
