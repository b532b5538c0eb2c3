// Reference numbers: NeMo v1.0.0, golden case "perturb" (a copy of the parts used here stands in fixtures/perturb).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AudioArgumentError,
  AudioRangeError,
  AudioSegment,
  addWhiteNoise,
  nonSilentRange,
  perturbationNames,
  processAugmentations,
  RandomGenerator,
  readAudio,
  writeManifest,
} from '../src/index.js'
import { fixture, fixtureBytes, float32Npy, maxDifference } from './npy.js'

interface GoldenCase {
  sample_rate: number
  perturbations: { name: string; aug_type: string; config: Record<string, unknown>; file?: string; array: string }[]
  reading: {
    file: string
    arguments: { offset?: number; duration?: number; int_values?: boolean }
    sample_rate: number
    duration: number
    samples: string
  }[]
  subsegment: { start: number | null; end: number | null; num_samples?: number; first_sample_index?: number }[]
  integers: { dtype: 'int16' | 'int32'; input: number[]; samples: number[] }[]
  rms: { rms_db: number; rms_db_after_gain_6: number }
  trim: { trim_db: number; start: number; end: number }[]
  white_noise: { min_level: number; max_level: number; rms_db_expected: number; tolerance_db: number }[]
}

const golden = JSON.parse(new TextDecoder().decode(fixtureBytes('perturb/case.json'))) as GoldenCase
const segment = new AudioSegment(float32Npy('perturb/samples.npy'), golden.sample_rate)
const random = new RandomGenerator(1)

describe('perturbations equal NeMo', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nemo-audio-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(golden.perturbations)('$name', async ({ aug_type, config, file, array, name }) => {
    const options: Record<string, unknown> = { prob: 1, ...config }
    if (file !== undefined) {
      const manifest = join(folder, `${name}.json`)
      await writeManifest(manifest, [{ audio_filepath: fixture(`perturb/${file}`), duration: 0 }])
      options.manifest_path = manifest
    }
    const perturbed = await processAugmentations({ [aug_type]: options })!.perturb(segment, random)
    const want = float32Npy(`perturb/${array}.npy`)
    expect(perturbed.samples.length).toBe(want.length)
    perturbed.samples.forEach((sample, t) => {
      expect(Math.abs(sample - want[t]!)).toBeLessThanOrEqual(1e-5 + 1e-4 * Math.abs(want[t]!))
    })
  })

  it('leaves the segment it is given as it was', () => {
    expect(segment.samples).toEqual(float32Npy('perturb/samples.npy'))
  })

  it.each(golden.white_noise)('white noise of $min_level dB has that level', (level) => {
    const silence = new AudioSegment(new Float32Array(100_000), 16_000)
    const noise = addWhiteNoise(silence, level.min_level, random)
    expect(Math.abs(noise.rmsDb - level.rms_db_expected)).toBeLessThan(level.tolerance_db)
  })

  it('knows every NeMo perturbation that is no codec or mixture of others', () => {
    expect(perturbationNames()).toEqual(
      expect.arrayContaining(['gain', 'impulse', 'noise', 'shift', 'silence', 'speed', 'white_noise']),
    )
  })
})

describe('reading equals NeMo', () => {
  it.each(golden.reading.filter(({ file }) => file !== 'stereo16.wav'))(
    '$file with $arguments',
    async ({ file, arguments: { offset, duration }, sample_rate, duration: seconds, samples }) => {
      const read = await readAudio(fixture(`perturb/${file}`), { offset, duration })
      expect(maxDifference(read.samples, float32Npy(`perturb/${samples}.npy`))).toBeLessThanOrEqual(1e-7)
      expect(read.sampleRate).toBe(sample_rate)
      expect(read.duration).toBe(seconds)
      expect(read.origSr).toBe(sample_rate)
    },
  )

  it('stereo is the mean of its channels, where NeMo averages over time', async () => {
    const path = fixture('perturb/stereo16.wav')
    const [mono, left, right] = [
      await readAudio(path),
      await readAudio(path, { channel: 0 }),
      await readAudio(path, { channel: 1 }),
    ]
    expect(mono.numSamples).toBe(left.numSamples)
    mono.samples.forEach((sample, t) => {
      expect(sample).toBeCloseTo((left.samples[t]! + right.samples[t]!) / 2, 7)
    })
  })
})

describe('segments equal NeMo', () => {
  it.each(golden.subsegment)('subsegment from $start to $end', ({ start, end, num_samples, first_sample_index }) => {
    const cut = () => segment.subsegment({ start: start ?? undefined, end: end ?? undefined })
    if (num_samples === undefined) {
      expect(cut).toThrow(AudioRangeError)
      return
    }
    expect(cut().samples).toEqual(segment.samples.slice(first_sample_index, first_sample_index! + num_samples))
  })

  it.each(golden.integers)('$dtype samples scale to [-1, 1]', ({ dtype, input, samples }) => {
    const integers = dtype === 'int16' ? Int16Array.from(input) : Int32Array.from(input)
    expect(Array.from(AudioSegment.fromSamples(integers, 16_000).samples)).toEqual(samples)
  })

  it('unsigned bytes are refused', () => {
    expect(() => AudioSegment.fromSamples(new Uint8Array(4) as unknown as Int8Array, 16_000)).toThrow(
      AudioArgumentError,
    )
  })

  it('power in dB', () => {
    expect(segment.rmsDb).toBeCloseTo(golden.rms.rms_db, 4)
    expect(segment.gainDb(6).rmsDb).toBeCloseTo(golden.rms.rms_db_after_gain_6, 4)
  })

  it('padding goes to the end, or to both ends', () => {
    const ten = segment.subsegment({ end: 10 / 16_000 })
    expect(ten.pad(5).numSamples).toBe(15)
    expect(ten.pad(5).samples[0]).toBe(ten.samples[0])
    expect(ten.pad(3, { symmetric: true }).numSamples).toBe(16)
    expect(Array.from(ten.pad(3, { symmetric: true }).samples.subarray(0, 3))).toEqual([0, 0, 0])
  })
})

describe('trimming equals librosa 0.8', () => {
  it.each(golden.trim)('at $trim_db dB', ({ trim_db, start, end }) => {
    expect(nonSilentRange(float32Npy('perturb/trim/input.npy'), { topDb: trim_db })).toEqual({ start, end })
  })

  it("the transcription case's recording keeps samples 3584 to 17920", async () => {
    const { samples } = await readAudio(fixture('four-five.wav'))
    expect(nonSilentRange(samples)).toEqual({ start: 3584, end: 17_920 })
    const trimmed = await readAudio(fixture('four-five.wav'), { trim: true })
    expect(trimmed.samples).toEqual(samples.slice(3584, 17_920))
  })
})
