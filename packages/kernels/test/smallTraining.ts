import {
  batchNormTraining,
  compile,
  conv,
  ctcLoss,
  grad,
  input,
  logSoftmax,
  mul,
  type Parameter,
  parameter,
  type Runtime,
  reduceMean,
  relu,
  sub,
  type Tensor,
  transpose,
} from '@nemo/graph'
import { seededRandom } from './runCheck.js'

const [FEATURES, CHANNELS, CLASSES, BATCH, LABELS, STEPS] = [4, 6, 5, 3, 4, 4]

/** What a small training gives. */
export interface SmallTraining {
  /** The loss of each step. */
  readonly losses: number[]
  /** A weight after the last step. */
  readonly weight: number[]
}

/** Trains a depthwise-separable block with batch normalisation and a decoder by CTC and gradient descent. */
export async function trainSmall(runtime: Runtime): Promise<SmallTraining> {
  const random = seededRandom(7)
  const weights: Parameter[] = []
  const weight = (name: string, shape: readonly number[]) => {
    const count = shape.reduce((n, size) => n * size, 1)
    const made = parameter(name, {
      dtype: 'float32',
      shape,
      data: Float32Array.from({ length: count }, () => random() - 0.5),
    })
    weights.push(made)
    return made
  }
  const signal = input('signal', 'float32', ['B', FEATURES, 'T'])
  const targets = input('targets', 'int64', ['B', 'U'])
  const [frames, labels] = [input('frames', 'int64', ['B']), input('labels', 'int64', ['B'])]
  let h: Tensor = conv(signal, weight('depthwise', [FEATURES, 1, 3]), undefined, { group: FEATURES, pads: 1 })
  h = conv(h, weight('pointwise', [CHANNELS, FEATURES, 1]))
  h = relu(batchNormTraining(h, weight('scale', [CHANNELS]), weight('bias', [CHANNELS]), 1e-3).y)
  const logits = conv(h, weight('decoder', [CLASSES, CHANNELS, 1]), weight('decoder bias', [CLASSES]))
  const logProbs = logSoftmax(transpose(logits, [0, 2, 1]))
  const loss = reduceMean(
    ctcLoss(
      { logProbs, targets, inputLengths: frames, targetLengths: labels },
      { blank: CLASSES - 1, zeroInfinity: true },
    ),
  )
  const gradients = grad(loss, weights)
  const updates = weights.map((w, i) => [w, sub(w, mul(gradients[i]!, 0.05))] as const)
  const program = await compile({ loss }, { runtime, updates })
  const losses: number[] = []
  for (let step = 0; step < STEPS; step++) {
    // Every step has lengths of its own.
    const T = 11 + step
    const data = Float32Array.from({ length: BATCH * FEATURES * T }, () => random() * 2 - 1)
    const result = await program.run({
      signal: { dtype: 'float32', shape: [BATCH, FEATURES, T], data },
      targets: Array.from({ length: BATCH }, () =>
        Array.from({ length: LABELS }, () => Math.floor(random() * (CLASSES - 1))),
      ),
      frames: [T, T - 1, T - 2],
      labels: [LABELS, 2, 0],
    })
    losses.push(result.loss.data[0] as number)
  }
  const last = Array.from((await weights[0]!.value()).data as Float32Array)
  await program.dispose()
  return { losses, weight: last }
}
