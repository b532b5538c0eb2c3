import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AudioSegment,
  processAugmentations,
  RandomGenerator,
  transcodeAudio,
  writeManifest,
  writeWav,
} from '../index.js'

const RATE = 16_000
const sine = (hz: number, level = 0.2) =>
  new AudioSegment(
    Float32Array.from({ length: RATE / 2 }, (_, t) => level * Math.sin((2 * Math.PI * hz * t) / RATE)),
    RATE,
  )
const snrDb = (clean: AudioSegment, coded: AudioSegment) => {
  // Resampling rings at the ends.
  const inner = (samples: Float32Array) => samples.subarray(800, samples.length - 800)
  const [x, y] = [inner(clean.samples), inner(coded.samples)]
  const power = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0)
  return 10 * Math.log10(power(x) / power(y.map((sample, t) => sample - x[t]!)))
}

describe('transcode_aug', () => {
  it.each([
    ['g711', 33],
    ['g711-mulaw', 33],
    ['adpcm', 15],
  ] as const)('%s keeps a tone of 600 Hz with its own noise, and no tone of 6 kHz', (codec, least) => {
    const coded = transcodeAudio(sine(600), codec)
    expect(coded.numSamples).toBe(RATE / 2)
    const ratio = snrDb(sine(600), coded)
    expect(ratio).toBeGreaterThan(least)
    expect(ratio).toBeLessThan(50)
    expect(transcodeAudio(sine(6000), codec).rmsDb).toBeLessThan(sine(6000).rmsDb - 30)
  })

  it('is known to configs; silence stays', async () => {
    const augmentor = processAugmentations({ transcode_aug: { prob: 1 } })!
    const noisy = await augmentor.perturb(sine(600), new RandomGenerator(1))
    expect(noisy.samples).not.toEqual(sine(600).samples)
    const silence = new AudioSegment(new Float32Array(100), RATE)
    expect((await augmentor.perturb(silence, new RandomGenerator(1))).samples).toEqual(silence.samples)
    expect(() => processAugmentations({ transcode_aug: { prob: 1, codecs: ['amr'] } })).toThrow(/codecs/)
  })
})

describe('rir_noise_aug', () => {
  let folder: string
  const manifests: Record<string, string> = {}
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nemo-room-'))
    const response = Float32Array.from({ length: 400 }, (_, t) => (t === 100 ? 1 : t === 300 ? 0.5 : 0))
    for (const [name, samples] of Object.entries({
      room: response,
      noise: sine(1000).samples,
      hum: sine(100).samples,
    })) {
      const path = join(folder, `${name}.wav`)
      await writeWav(path, { sampleRate: RATE, channels: [samples] }, { encoding: 'float32' })
      manifests[name] = join(folder, `${name}.json`)
      await writeManifest(manifests[name], [{ audio_filepath: path, duration: 0 }])
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const perturb = (options: object, segment = sine(400)) =>
    processAugmentations({ rir_noise_aug: { prob: 1, ...options } })!.perturb(segment, new RandomGenerator(3))

  it('the room repeats the audio after its delay', async () => {
    const click = new AudioSegment(new Float32Array(1000).fill(0), RATE)
    click.samples[50] = 1
    const { samples } = await perturb({ rir_manifest_path: manifests.room, rir_prob: 1 }, click)
    expect(samples[50]).toBeCloseTo(1, 4)
    expect(samples[250]).toBeCloseTo(0.5, 4)
  })

  it('background noise has the ratio asked for', async () => {
    const clean = sine(400)
    const noisy = await perturb({ bg_noise_manifest_paths: [manifests.hum], bg_min_snr_db: 12, bg_max_snr_db: 12 })
    expect(snrDb(clean, noisy)).toBeCloseTo(12, 0)
    expect(noisy.numSamples).toBe(clean.numSamples)
  })

  it('foreground noise is heard for a part of the time', async () => {
    const clean = sine(400)
    const noisy = await perturb({
      noise_manifest_paths: [manifests.noise],
      min_snr_db: [0],
      max_snr_db: [1],
      max_additions: 1,
      max_duration: 0.2,
    })
    const changed = Array.from(noisy.samples).filter((sample, t) => sample !== clean.samples[t]).length
    expect(changed).toBeGreaterThan(10)
    expect(changed).toBeLessThanOrEqual(0.2 * RATE)
  })

  it('no manifest at all, or none for a level, is refused', () => {
    expect(() => processAugmentations({ rir_noise_aug: { prob: 1 } })).toThrow(/found none/)
    const options = { prob: 1, noise_manifest_paths: ['a', 'b'], min_snr_db: [1] }
    expect(() => processAugmentations({ rir_noise_aug: options })).toThrow(/number 1/)
  })
})
