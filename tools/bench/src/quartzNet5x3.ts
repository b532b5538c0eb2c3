import {
  add,
  batchNormTraining,
  cast,
  compile,
  conv,
  ctcLoss,
  dimTensor,
  div,
  equal,
  grad,
  input,
  less,
  logSoftmax,
  mul,
  type Parameter,
  type Program,
  parameter,
  type Runtime,
  range,
  reduceMean,
  reduceSum,
  relu,
  sqrt,
  sub,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@nemo/graph'

/** One block of a Jasper-like encoder. */
export interface Block {
  readonly filters: number
  readonly kernel: number
  readonly repeat: number
  readonly stride: number
  readonly dilation: number
  readonly separable: boolean
  readonly residual: boolean
}

const block = (filters: number, kernel: number, repeat: number, options: Partial<Block> = {}): Block => ({
  filters,
  kernel,
  repeat,
  stride: 1,
  dilation: 1,
  separable: true,
  residual: repeat > 1,
  ...options,
})

/** QuartzNet 5x3 (Kriman et al. 2019, table 1, three sub-blocks in each of five blocks): 4.6 million parameters. */
export const quartzNet5x3: readonly Block[] = [
  block(256, 33, 1, { stride: 2 }),
  block(256, 33, 3),
  block(256, 39, 3),
  block(512, 51, 3),
  block(512, 63, 3),
  block(512, 75, 3),
  block(512, 87, 1, { dilation: 2 }),
  block(1024, 1, 1, { separable: false }),
]

// Kernel sizes and filters of the five groups of blocks.
const groups = [
  [256, 33],
  [256, 39],
  [512, 51],
  [512, 63],
  [512, 75],
] as const

/** QuartzNet 15x5 (the same table, each of the five blocks three times, with five sub-blocks): 18.9 million parameters. */
export const quartzNet15x5: readonly Block[] = [
  block(256, 33, 1, { stride: 2 }),
  ...groups.flatMap(([filters, kernel]) => new Array<Block>(3).fill(block(filters, kernel, 5))),
  block(512, 87, 1, { dilation: 2 }),
  block(1024, 1, 1, { separable: false }),
]

/** The separable Jasper 12x1 of NeMo 0.x's speech recognition tutorial (`apps/asr/conf/jasper/jasper12x1SEP.yaml`). */
export const jasper12x1: readonly Block[] = [
  block(256, 33, 1, { stride: 2 }),
  ...([...groups.slice(0, 4).flatMap((group) => [group, group, group]), groups[4]] as const).map(([filters, kernel]) =>
    block(filters, kernel, 1, { residual: true }),
  ),
  block(1024, 1, 1, { separable: false }),
]

/** Options of `trainingStep`. */
export interface TrainingStepOptions {
  readonly blocks: readonly Block[]
  /** Mel features. */
  readonly features: number
  /** Classes, the blank (last) included. */
  readonly classes: number
  readonly optimizer: 'novograd' | 'sgd'
  readonly learningRate: number
  readonly runtime: Runtime
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/**
 * Compiles a training step: masked convolutions, batch normalisation by the batch's statistics, mean CTC loss,
 * backward pass and optimiser, as `peers/quartznet_step.py` does it.
 *
 * @returns a program with inputs `features` [B, D, T], `length` [B], `targets` [B, U], `target_length` [B] and output
 * `loss`; and its trained parameters.
 */
export async function trainingStep(
  options: TrainingStepOptions,
): Promise<{ program: Program<'loss'>; parameters: readonly Parameter[] }> {
  const network = new Network(options.random)
  const features = input('features', 'float32', ['B', options.features, 'T'])
  const length = input('length', 'int64', ['B'])
  const targets = input('targets', 'int64', ['B', 'U'])
  const targetLength = input('target_length', 'int64', ['B'])

  let x = features
  let lengths = length
  options.blocks.forEach((each, i) => {
    const out = network.block(`encoder.${i}`, x, lengths, each)
    x = out.x
    lengths = out.lengths
  })
  const logits = network.decoder('decoder', x, options.classes)
  const logProbs = logSoftmax(transpose(logits, [0, 2, 1]), -1)
  const losses = ctcLoss(
    { logProbs, targets, inputLengths: lengths, targetLengths: targetLength },
    { blank: options.classes - 1, zeroInfinity: true },
  )
  const loss = reduceMean(losses)

  const gradients = grad(loss, network.parameters)
  const steps = network.parameters.flatMap((p, i) =>
    options.optimizer === 'sgd'
      ? [[p, sub(p, mul(gradients[i]!, options.learningRate))] as const]
      : novograd(p, gradients[i]!, options.learningRate),
  )
  const updates = [...steps, ...network.statistics]
  const program = await compile({ loss }, { runtime: options.runtime, updates })
  return { program, parameters: network.parameters }
}

// Betas 0.8 and 0.5, weight decay 0.001: NeMo's QuartzNet configuration.
function novograd(p: Parameter, gradient: Tensor, learningRate: number): (readonly [Parameter, Tensor])[] {
  const state = (name: string, shape: readonly number[]) =>
    parameter(
      `${p.name}.${name}`,
      filled(shape, () => 0),
      { role: 'state' },
    )
  const momentum = state('exp_avg', p.shape)
  const second = state('exp_avg_sq', [])
  const square = reduceSum(mul(gradient, gradient))
  const newSecond = where(equal(second, 0), square, add(mul(second, 0.5), mul(square, 0.5)))
  const step = add(div(gradient, add(sqrt(newSecond), 1e-8)), mul(p, 1e-3))
  const newMomentum = add(mul(momentum, 0.8), step)
  return [
    [p, sub(p, mul(newMomentum, learningRate))],
    [momentum, newMomentum],
    [second, newSecond],
  ]
}

function filled(shape: readonly number[], draw: () => number) {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw)
  return { dtype: 'float32' as const, shape, data }
}

class Network {
  readonly parameters: Parameter[] = []
  /** Running statistics and their new values. */
  readonly statistics: (readonly [Parameter, Tensor])[] = []
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  block(name: string, x: Tensor, lengths: Tensor, block: Block): { x: Tensor; lengths: Tensor } {
    let y = x
    let n = lengths
    for (let i = 0; i < block.repeat; i++) {
      const part = `${name}.${i}`
      if (block.separable) {
        const depth = this.#maskedConv(`${part}.depthwise`, y, n, y.shape[1] as number, block, y.shape[1] as number)
        y = depth.y
        n = depth.lengths
      }
      const kernel = block.separable ? { kernel: 1, stride: 1, dilation: 1 } : block
      const point = this.#maskedConv(`${part}.pointwise`, y, n, block.filters, kernel)
      y = this.#norm(`${part}.norm`, point.y)
      n = point.lengths
      if (i + 1 < block.repeat) y = relu(y)
    }
    if (block.residual) {
      const shortcut = this.#maskedConv(`${name}.res`, x, lengths, block.filters, { kernel: 1, stride: 1, dilation: 1 })
      y = add(y, this.#norm(`${name}.res.norm`, shortcut.y))
    }
    return { x: relu(y), lengths: n }
  }

  decoder(name: string, x: Tensor, classes: number): Tensor {
    const inputs = x.shape[1] as number
    const weight = this.#weight(`${name}.weight`, [classes, inputs, 1], inputs)
    return conv(
      x,
      weight,
      this.#add(
        `${name}.bias`,
        filled([classes], () => 0),
      ),
    )
  }

  // Zeroes the frames beyond each item's length, then convolves.
  #maskedConv(
    name: string,
    x: Tensor,
    lengths: Tensor,
    filters: number,
    { kernel, stride, dilation }: { kernel: number; stride: number; dilation: number },
    group = 1,
  ): { y: Tensor; lengths: Tensor } {
    const frames = range(dimTensor(x.shape[2]!, [x]))
    const mask = cast(less(unsqueeze(frames, [0]), unsqueeze(lengths, [1])), 'float32')
    const inputs = x.shape[1] as number
    const weight = this.#weight(`${name}.weight`, [filters, inputs / group, kernel], (inputs / group) * kernel)
    const padding = (dilation * (kernel - 1)) / 2
    const y = conv(mul(x, unsqueeze(mask, [1])), weight, undefined, {
      group,
      strides: stride,
      dilations: dilation,
      pads: padding,
    })
    const span = 2 * padding - dilation * (kernel - 1) - 1
    return { y, lengths: stride === 1 ? lengths : add(div(add(lengths, span), stride), 1) }
  }

  #norm(name: string, x: Tensor): Tensor {
    const channels = [x.shape[1] as number]
    const weight = this.#add(
      `${name}.weight`,
      filled(channels, () => 1),
    )
    const bias = this.#add(
      `${name}.bias`,
      filled(channels, () => 0),
    )
    const { y, mean, variance } = batchNormTraining(x, weight, bias, 1e-3)
    const values = cast(mul(dimTensor(x.shape[0]!, [x]), dimTensor(x.shape[2]!, [x])), 'float32')
    this.#follow(`${name}.running_mean`, mean, 0)
    this.#follow(`${name}.running_var`, mul(variance, div(values, sub(values, 1))), 1)
    return y
  }

  #follow(name: string, batch: Tensor, initial: number): void {
    const running = parameter(
      name,
      filled([batch.shape[0] as number], () => initial),
      { role: 'buffer' },
    )
    this.statistics.push([running, add(mul(running, 0.9), mul(batch, 0.1))])
  }

  #weight(name: string, shape: readonly number[], fanIn: number): Parameter {
    const limit = 1 / Math.sqrt(fanIn)
    return this.#add(
      name,
      filled(shape, () => (2 * this.#random() - 1) * limit),
    )
  }

  #add(name: string, value: ReturnType<typeof filled>): Parameter {
    const made = parameter(name, value)
    this.parameters.push(made)
    return made
  }
}
