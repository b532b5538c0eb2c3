import {
  compile,
  input,
  logSoftmax,
  type Program,
  type Runtime,
  swapAxes,
  type TensorData,
  unsqueeze,
} from '@nemo/graph'
import type { RNNTDecoder } from '../../modules/rnntDecoder.js'
import type { RNNTJoint } from '../../modules/rnntJoint.js'

/** What the prediction network knows of a hypothesis. */
export interface PredictionState {
  /** The joint network's projection of the prediction, `[jointHidden]`. */
  readonly predicted: Float32Array
  /** `[layers, hidden]` */
  readonly hidden: Float32Array
  /** `[layers, hidden]` */
  readonly cell: Float32Array
}

/** Encoded frames of one utterance as the joint network sees them. */
export interface EncodedFrames {
  /** `[length, jointHidden]` */
  readonly data: Float32Array
  readonly length: number
}

interface Programs {
  readonly project: Program<'frames'>
  readonly predict: Program<'predicted' | 'next_hidden' | 'next_cell'>
  readonly score: Program<'log_probs'>
}

/**
 * The networks of a transducer as three programs that searches call step by step. Weights are read anew by each call,
 * so a model may go on training.
 */
export class TransducerSteps {
  readonly #decoder: RNNTDecoder
  readonly #joint: RNNTJoint
  readonly #jointHidden: number
  readonly #programs: Promise<Programs>

  constructor(decoder: RNNTDecoder, joint: RNNTJoint, runtime: Runtime) {
    this.#decoder = decoder
    this.#joint = joint
    this.#jointHidden = joint.enc.outFeatures
    this.#programs = this.#compile(runtime)
    // A failure is for the first caller.
    this.#programs.catch(() => undefined)
  }

  /** Index of the blank. */
  get blank(): number {
    return this.#decoder.blank
  }

  async #compile(runtime: Runtime): Promise<Programs> {
    const [decoder, joint, H] = [this.#decoder, this.#joint, this.#jointHidden]
    const encoded = input('encoded', 'float32', ['B', joint.enc.inFeatures, 'T'])
    const labels = input('labels', 'int64', ['N'])
    const state = (name: string) => input(name, 'float32', ['N', decoder.predRnnLayers, decoder.predHidden])
    const [hidden, cell] = [state('hidden'), state('cell')]
    const frames = input('frames', 'float32', ['N', 'W', H])
    const predicted = input('predicted', 'float32', ['N', H])
    const drawn = decoder.withMode(false, () =>
      joint.withMode(false, () => {
        const next = decoder.predict(labels, { hidden: swapAxes(hidden, 0, 1), cell: swapAxes(cell, 0, 1) })
        return {
          project: { frames: joint.projectFrames(swapAxes(encoded, 1, 2)) },
          predict: {
            predicted: joint.projectLabels(next.output),
            next_hidden: swapAxes(next.state.hidden, 0, 1),
            next_cell: swapAxes(next.state.cell, 0, 1),
          },
          score: { log_probs: logSoftmax(joint.combine(frames, unsqueeze(predicted, 1)), -1) },
        }
      }),
    )
    const [project, predict, score] = await Promise.all([
      compile(drawn.project, { runtime }),
      compile(drawn.predict, { runtime }),
      compile(drawn.score, { runtime }),
    ])
    return { project, predict, score }
  }

  /**
   * Frames of each utterance, without padding.
   *
   * @param encoded - `[B, D, T]`
   * @param lengths - Frames of each utterance.
   */
  async project(encoded: TensorData, lengths: ArrayLike<number | bigint>): Promise<EncodedFrames[]> {
    const { project } = await this.#programs
    const { frames } = await project.run({ encoded })
    const [B, T, H] = frames.shape as readonly [number, number, number]
    return Array.from({ length: B }, (_, b) => {
      const length = Number(lengths[b])
      const data = (frames.data as Float32Array).slice(b * T * H, (b * T + length) * H)
      return { data, length }
    })
  }

  /** The state before the first label. */
  async start(): Promise<PredictionState> {
    const size = this.#decoder.predRnnLayers * this.#decoder.predHidden
    const empty = { predicted: new Float32Array(), hidden: new Float32Array(size), cell: new Float32Array(size) }
    const [state] = await this.predict([this.blank], [empty])
    return state!
  }

  /** States after one more label each. */
  async predict(labels: readonly number[], states: readonly PredictionState[]): Promise<PredictionState[]> {
    const { predict } = await this.#programs
    const shape = [labels.length, this.#decoder.predRnnLayers, this.#decoder.predHidden]
    const joined = (key: 'hidden' | 'cell'): TensorData => ({
      dtype: 'float32',
      shape,
      data: joinRows(states.map((state) => state[key])),
    })
    const next = await predict.run({ labels: [...labels], hidden: joined('hidden'), cell: joined('cell') })
    return labels.map((_, n) => ({
      predicted: rowOf(next.predicted, n),
      hidden: rowOf(next.next_hidden, n),
      cell: rowOf(next.next_cell, n),
    }))
  }

  /**
   * Log-probabilities of the next class.
   *
   * @param windows - Frames from `from` on, `width` of them; frames past the end are zeros.
   * @returns `[N, width, classes]`
   */
  async score(
    windows: readonly { readonly frames: EncodedFrames; readonly from: number; readonly state: PredictionState }[],
    width = 1,
  ): Promise<TensorData> {
    const { score } = await this.#programs
    const H = this.#jointHidden
    const data = new Float32Array(windows.length * width * H)
    for (const [n, { frames, from }] of windows.entries())
      data.set(frames.data.subarray(from * H, (from + width) * H), n * width * H)
    const { log_probs } = await score.run({
      frames: { dtype: 'float32', shape: [windows.length, width, H], data },
      predicted: {
        dtype: 'float32',
        shape: [windows.length, H],
        data: joinRows(windows.map(({ state }) => state.predicted)),
      },
    })
    return log_probs
  }

  /** Frees the programs. */
  async dispose(): Promise<void> {
    const programs = await this.#programs
    await Promise.all(Object.values(programs).map((program) => program.dispose()))
  }
}

function joinRows(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const size = rows[0]?.length ?? 0
  const joined = new Float32Array(rows.length * size)
  for (const [n, row] of rows.entries()) joined.set(row, n * size)
  return joined
}

function rowOf({ data, shape }: TensorData, n: number): Float32Array {
  const size = shape.slice(1).reduce((product, dim) => product * dim, 1)
  return (data as Float32Array).slice(n * size, (n + 1) * size)
}
