import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError, ManifestError } from '../errors.js'
import { writeManifest } from '../manifest/writeManifest.js'
import { RandomGenerator } from '../randomGenerator.js'
import { resample } from '../resample.js'
import { writeWav } from '../writeWav.js'
import { processAugmentations, registerPerturbation } from './audioAugmentor.js'
import { GainPerturbation } from './gain.js'
import { convolveImpulse } from './impulse.js'
import { addNoise } from './noise.js'
import { shiftAudio } from './shift.js'
import { addSilence, SilencePerturbation } from './silence.js'
import { changeSpeed, SpeedPerturbation } from './speed.js'
import { WhiteNoisePerturbation } from './whiteNoise.js'

function white(length: number, seed = 1, sampleRate = 1000): AudioSegment {
  const random = new RandomGenerator(seed)
  return new AudioSegment(
    Float32Array.from({ length }, () => 0.1 * random.normal()),
    sampleRate,
  )
}

const segment = white(1000)

describe('speed', () => {
  it('a rate above 1 makes the audio longer, as NeMo does', () => {
    const slower = changeSpeed(segment, 1.1)
    expect(slower.sampleRate).toBe(1000)
    expect(slower.samples).toEqual(resample(segment.samples, 1000, 1100))
  })

  it('draws from evenly spaced rates, leaves out 1, and stays within its promise of length', () => {
    const speed = new SpeedPerturbation({ min_speed_rate: 0.9, max_speed_rate: 1.1, num_rates: 5 })
    const random = new RandomGenerator(3)
    const lengths = new Set(Array.from({ length: 60 }, () => speed.perturb(segment, random).numSamples))
    expect([...lengths].sort((a, b) => a - b)).toEqual([900, 950, 1000, 1050, 1100])
    expect(speed.maxAugmentationLength(1000)).toBe(1100)
  })

  it('num_rates of 0 or less draws any rate between', () => {
    const speed = new SpeedPerturbation({ num_rates: -1 })
    const random = new RandomGenerator(4)
    const lengths = new Set(Array.from({ length: 20 }, () => speed.perturb(segment, random).numSamples))
    expect(lengths.size).toBeGreaterThan(10)
  })

  it('a rate that leaves no sample rate is refused', () => {
    expect(() => changeSpeed(segment, 0)).toThrow(AudioArgumentError)
  })
})

describe('shift', () => {
  it('keeps the length; what goes in one direction is what remains', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: -80, max: 80, noNaN: true }), (length, ms) => {
        const audio = white(length)
        const shift = Math.floor(ms)
        const shifted = Array.from(shiftAudio(audio, ms).samples)
        const want = Array.from({ length }, (_, t) => audio.samples[t + shift] ?? 0)
        expect(shifted).toEqual(Math.abs(ms) / 1000 > audio.duration ? Array.from(audio.samples) : want)
      }),
      { seed: 16 },
    )
  })
})

describe('silence', () => {
  it('goes to both ends, in whole samples', () => {
    const longer = addSilence(segment, { startSeconds: 0.0109, endSeconds: 0.005, value: 0.5 })
    expect(longer.numSamples).toBe(1015)
    expect(longer.samples.subarray(10, 1010)).toEqual(segment.samples)
    expect([longer.samples[9], longer.samples[1010]]).toEqual([0.5, 0.5])
  })

  it('its length is drawn', () => {
    const silence = new SilencePerturbation({
      max_start_silence_secs: 0.1,
      min_end_silence_secs: 0.2,
      max_end_silence_secs: 0.2,
    })
    const random = new RandomGenerator(5)
    const lengths = Array.from({ length: 50 }, () => silence.perturb(segment, random).numSamples)
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1200)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1300)
    expect(new Set(lengths).size).toBeGreaterThan(20)
  })
})

describe('noise', () => {
  it('reaches the signal-to-noise ratio', () => {
    const noise = white(1000, 2).gainDb(7).samples
    const noisy = addNoise(segment, noise, { snrDb: 12 }, new RandomGenerator(6))
    const added = segment.withSamples(noisy.samples.map((sample, t) => sample - segment.samples[t]!))
    expect(segment.rmsDb - added.rmsDb).toBeCloseTo(12, 3)
  })

  it('shorter noise is put somewhere, longer noise is cut', () => {
    const random = new RandomGenerator(7)
    const places = Array.from({ length: 30 }, () => {
      const noisy = addNoise(segment, new Float32Array(100).fill(0.2), { snrDb: 0 }, random)
      const changed = noisy.samples.map((sample, t) => (sample === segment.samples[t] ? 0 : 1))
      expect(changed.reduce((sum, one) => sum + one, 0)).toBe(100)
      return changed.indexOf(1)
    })
    expect(new Set(places).size).toBeGreaterThan(20)
    expect(addNoise(segment, white(5000, 3).samples, { snrDb: 0 }, random).numSamples).toBe(1000)
  })

  it('silent noise, silent audio and empty noise change nothing', () => {
    const random = new RandomGenerator(8)
    const silence = new AudioSegment(new Float32Array(1000), 1000)
    expect(addNoise(segment, silence.samples, { snrDb: 0 }, random)).toEqual(segment)
    expect(addNoise(silence, segment.samples, { snrDb: 0 }, random)).toEqual(silence)
    expect(addNoise(segment, new Float32Array(), { snrDb: 0 }, random)).toEqual(segment)
  })

  it('white noise needs room between its levels', () => {
    expect(() => new WhiteNoisePerturbation({ min_level: -60, max_level: -60 })).toThrow(
      'augmentation "white_noise": expected min_level below max_level',
    )
  })
})

describe('impulse', () => {
  it('a response of 1 at its middle leaves the audio', () => {
    const { samples } = convolveImpulse(segment, Float32Array.of(0, 3, 0))
    samples.forEach((sample, t) => {
      expect(sample).toBeCloseTo(segment.samples[t]!, 6)
    })
  })

  it('a constant or empty response is refused', () => {
    expect(() => convolveImpulse(segment, new Float32Array(5))).toThrow('found 5 sample(s), all alike')
    expect(() => convolveImpulse(segment, new Float32Array())).toThrow(AudioArgumentError)
  })
})

describe('augmentor', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nemo-augment-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is a pure function of segment, config and generator', async () => {
    await writeWav(join(folder, 'noise/n.wav'), white(300, 9, 2000))
    const manifest = join(folder, 'noise.json')
    await writeManifest(manifest, [{ audio_filepath: 'noise/n.wav', duration: 0.1, offset: 0.02 }])
    const augmentor = processAugmentations({
      speed: { prob: 0.7, num_rates: -1 },
      gain: { prob: 0.5 },
      noise: { prob: 0.5, manifest_path: manifest, min_snr_db: 0, max_snr_db: 20 },
      white_noise: { prob: 0.5, min_level: -60, max_level: -40 },
    })!
    const before = segment.samples.slice()
    const run = (key: number) => augmentor.perturb(segment, new RandomGenerator(1, key))
    const results = await Promise.all(Array.from({ length: 12 }, (_, key) => run(key)))
    expect(await Promise.all(Array.from({ length: 12 }, (_, key) => run(key)))).toEqual(results)
    expect(new Set(results.map(({ samples }) => samples.join())).size).toBeGreaterThan(8)
    expect(segment.samples).toEqual(before)
    for (const { numSamples } of results) expect(numSamples).toBeLessThanOrEqual(augmentor.maxAugmentationLength(1000))
  })

  it('prob is how often a perturbation is applied', async () => {
    const augmentor = processAugmentations({ gain: { prob: 0.25, min_gain_dbfs: 6, max_gain_dbfs: 6 } })!
    const random = new RandomGenerator(10)
    let applied = 0
    for (let i = 0; i < 2000; i++) if ((await augmentor.perturb(segment, random)) !== segment) applied++
    expect(applied / 2000).toBeCloseTo(0.25, 1)
  })

  it('no config, no augmentor', () => {
    expect(processAugmentations(undefined)).toBeUndefined()
    expect(processAugmentations(null)).toBeUndefined()
  })

  it.each([
    [{ gain: {} }, 'augmentation "augmentor", key gain.prob: expected a "prob" from 0 to 1'],
    [{ gain: { prob: 1.5 } }, 'augmentation "augmentor", key gain.prob'],
    [{ gain: { prob: 1, max_gain: 3 } }, 'augmentation "gain": Unrecognized key: "max_gain"'],
    [{ gain: { prob: 1, max_gain_dbfs: 'loud' } }, 'found "loud"'],
    [
      { blur: { prob: 1 } },
      'unknown augmentation "blur". Use one of gain, impulse, noise, rir_noise_aug, shift, silence, speed, transcode_aug, white_noise',
    ],
    [{ toString: { prob: 1 } }, 'unknown augmentation "toString"'],
    [{ noise: { prob: 1 } }, 'augmentation "noise", key manifest_path'],
    [{ noise: { prob: 1, manifest_path: 'm', audio_tar_filepaths: 'x.tar' } }, 'unpack the tar files'],
    ['gain', 'augmentation "augmentor"'],
  ])('%j is refused', (config, message) => {
    expect(() => processAugmentations(config)).toThrow(AudioArgumentError)
    expect(() => processAugmentations(config)).toThrow(message)
  })

  it('a manifest of noises without entries is an error when it is needed', async () => {
    const manifest = join(folder, 'empty.json')
    await writeManifest(manifest, [])
    const augmentor = processAugmentations({ noise: { prob: 1, manifest_path: manifest } })!
    await expect(augmentor.perturb(segment, new RandomGenerator(1))).rejects.toThrow(ManifestError)
  })

  it('perturbations of your own can be registered once', async () => {
    registerPerturbation('test_louder', () => new GainPerturbation({ min_gain_dbfs: 20, max_gain_dbfs: 20 }))
    const augmentor = processAugmentations({ test_louder: { prob: 1 } })!
    const louder = await augmentor.perturb(segment, new RandomGenerator(1))
    expect(louder.rmsDb - segment.rmsDb).toBeCloseTo(20, 4)
    expect(() => registerPerturbation('gain', () => new GainPerturbation())).toThrow(
      'a perturbation named "gain" exists',
    )
  })
})
