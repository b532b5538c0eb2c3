import { add, compile, constant, grad, input, ort, type Tensor, type TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import {
  DiscriminatorLoss,
  FeatureMatchingLoss,
  GeneratorLoss,
  MultiResolutionSTFTLoss,
  SpectralConvergenceLoss,
  STFTLoss,
} from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface LossesCase {
  readonly stft_losses: readonly {
    readonly fft_sizes: readonly number[]
    readonly hop_sizes: readonly number[]
    readonly win_lengths: readonly number[]
    readonly input_lengths: readonly number[] | null
    readonly x: string
    readonly y: string
    readonly sc_loss: string
    readonly mag_loss: string
    readonly grad_x: string
  }[]
  readonly parts: readonly ('mpd' | 'msd')[]
}

const golden = goldenFixture<LossesCase>('losses')
const runtime = ort()

async function valuesOf(outputs: Record<string, Tensor>, feeds: Record<string, TensorData> = {}) {
  const program = await compile(outputs, { runtime })
  const values = await program.run(feeds)
  await program.dispose()
  return values
}

const joined = (values: readonly TensorData[]): TensorData => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values, ({ data }) => Number(data[0])),
})

describe('MultiResolutionSTFTLoss and its gradient equal NeMo v1.0.0', () => {
  it.each(golden.json.stft_losses)('fft_sizes $fft_sizes, lengths $input_lengths', async (entry) => {
    const { fft_sizes, hop_sizes, win_lengths, input_lengths } = entry
    const loss = new MultiResolutionSTFTLoss({ fft_sizes, hop_sizes, win_lengths })
    const [x, y] = [input('x', 'float32', ['B', 'L']), input('y', 'float32', ['B', 'L'])]
    const inputLengths = input_lengths ? constant([...input_lengths], 'int64') : undefined
    const { scLoss, magLoss } = loss.forward({ x, y, inputLengths })
    const total = [...scLoss, ...magLoss].reduce((sum: Tensor, term) => add(sum, term))
    const outputs = Object.fromEntries([
      ...scLoss.map((term, i) => [`sc${i}`, term] as const),
      ...magLoss.map((term, i) => [`mag${i}`, term] as const),
      ['gradient', grad(total, [x])[0]!] as const,
    ])
    const values = await valuesOf(outputs, { x: golden.array(entry.x), y: golden.array(entry.y) })
    golden.expectClose(entry.sc_loss, joined(scLoss.map((_, i) => values[`sc${i}`]!)))
    golden.expectClose(entry.mag_loss, joined(magLoss.map((_, i) => values[`mag${i}`]!)))
    golden.expectClose(entry.grad_x, values.gradient)
  })
})

describe('HiFi-GAN losses equal NeMo v1.0.0', () => {
  it.each(golden.json.parts)('%s', async (part) => {
    const scores = (kind: 'real' | 'fake'): Tensor[] => {
      const found: Tensor[] = []
      for (let i = 0; golden.has(`${part}/eval/score_${kind}_${i}`); i++)
        found.push(constant(golden.array(`${part}/eval/score_${kind}_${i}`)))
      return found
    }
    const [real, fake] = [scores('real'), scores('fake')]
    const { loss: disc } = new DiscriminatorLoss().forward({ discRealOutputs: real, discGeneratedOutputs: fake })
    const { loss: gen } = new GeneratorLoss().forward({ discOutputs: fake })
    const values = await valuesOf({ disc, gen })
    golden.expectClose(`${part}/eval/disc_loss`, values.disc)
    golden.expectClose(`${part}/eval/gen_loss`, values.gen)
  })

  it('FeatureMatchingLoss is twice the sum of mean absolute differences', async () => {
    const fmapR = [[constant([1, 2]), constant([[0], [4]])], [constant([1])]]
    const fmapG = [[constant([0, 0]), constant([[1], [1]])], [constant([1])]]
    const { loss } = new FeatureMatchingLoss().forward({ fmapR, fmapG })
    expect((await valuesOf({ loss })).loss!.data[0]).toBeCloseTo(2 * (1.5 + 2))
  })

  it('lists of different lengths, and empty ones, are errors', () => {
    const score = constant([[1]])
    expect(() => new DiscriminatorLoss().forward({ discRealOutputs: [score], discGeneratedOutputs: [] })).toThrow(
      /found 1 and 0/,
    )
    expect(() => new GeneratorLoss().forward({ discOutputs: [] })).toThrow(/NEMO_LOSS_LISTS/)
  })
})

it('equal waveforms have no loss', async () => {
  const wave = constant([Array.from({ length: 500 }, (_, t) => Math.sin(t))])
  const { scLoss, magLoss } = new STFTLoss({ fft_size: 64, shift_size: 16, win_length: 64 }).forward({
    x: wave,
    y: wave,
  })
  const values = await valuesOf({ scLoss, magLoss })
  expect([values.scLoss!.data[0], values.magLoss!.data[0]]).toEqual([0, 0])
})

it('SpectralConvergenceLoss is relative to the true magnitudes', async () => {
  const { loss } = new SpectralConvergenceLoss().forward({ xMag: constant([[[1, 1]]]), yMag: constant([[[4, 5]]]) })
  expect((await valuesOf({ loss })).loss!.data[0]).toBeCloseTo(5 / Math.sqrt(41))
})

it('lists of sizes of different lengths are an error that names the key', () => {
  const config = { fft_sizes: [64, 128], hop_sizes: [16], win_lengths: [64, 128] }
  expect(() => new MultiResolutionSTFTLoss(config)).toThrow(/hop_sizes.*expected as many as fft_sizes, 2, found 1/s)
})
