import type { RandomGenerator } from '@nemo/audio'

/** Kinds of background noise that `makeNoise` can draw without recordings. */
export type NoiseColour = 'white' | 'pink' | 'brown' | 'hum'

/**
 * Background noise of unit root mean square.
 *
 * `white` is flat, `pink` falls by about 3 dB an octave (three one-pole filters), `brown` by 6 dB, `hum` is a mains tone of
 * 50 or 60 Hz with weakening harmonics over a little pink noise.
 *
 * @param colour - Which one.
 * @param length - Number of samples.
 * @param sampleRate - In Hz.
 * @param random - Where the noise comes from.
 */
export function makeNoise(
  colour: NoiseColour,
  length: number,
  sampleRate: number,
  random: RandomGenerator,
): Float32Array {
  const noise = new Float32Array(length)
  switch (colour) {
    case 'white':
      for (let t = 0; t < length; t++) noise[t] = random.uniform(-1, 1)
      break
    case 'pink':
      addPink(noise, random, 1)
      break
    case 'brown': {
      let level = 0
      for (let t = 0; t < length; t++) {
        level = 0.98 * level + random.uniform(-1, 1)
        noise[t] = level
      }
      break
    }
    case 'hum': {
      const mainsHz = random.choice([50, 60])
      for (let harmonic = 1; harmonic <= 7; harmonic++) {
        const step = (2 * Math.PI * mainsHz * harmonic) / sampleRate
        const phase = random.uniform(0, 2 * Math.PI)
        const amplitude = random.uniform(0.3, 1) / harmonic
        for (let t = 0; t < length; t++) noise[t] = noise[t]! + amplitude * Math.sin(phase + step * t)
      }
      addPink(noise, random, 0.3)
      break
    }
  }
  return scaleToRms(noise, 1)
}

/** One-pole low-pass filters with time constants a factor of about seven apart sum to nearly 1/f. */
function addPink(noise: Float32Array, random: RandomGenerator, amplitude: number): void {
  let slow = 0
  let middle = 0
  let fast = 0
  for (let t = 0; t < noise.length; t++) {
    const white = random.uniform(-amplitude, amplitude)
    slow = 0.9975 * slow + 0.1 * white
    middle = 0.963 * middle + 0.297 * white
    fast = 0.57 * fast + 1.05 * white
    noise[t] = noise[t]! + slow + middle + fast + 0.185 * white
  }
}

/**
 * The murmur of several people: speakers laid over one another from random starts, of unit root mean square.
 *
 * @param voices - Clips of speech to lay over one another, at the wanted sample rate; none may be empty.
 * @param length - Number of samples.
 * @param speakers - How many talk at once.
 */
export function makeBabble(
  voices: readonly Float32Array[],
  length: number,
  speakers: number,
  random: RandomGenerator,
): Float32Array {
  const babble = new Float32Array(length)
  for (let speaker = 0; speaker < speakers; speaker++) {
    const voice = random.choice(voices)
    const start = random.integer(0, voice.length - 1)
    const gain = random.uniform(0.5, 1)
    for (let t = 0; t < length; t++) babble[t] = babble[t]! + gain * voice[(start + t) % voice.length]!
  }
  return scaleToRms(babble, 1)
}

/** Root mean square of the samples; 0 for none. */
export function rootMeanSquare(samples: Float32Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length)
}

/**
 * Root mean square of the parts that carry speech: of the 20 ms frames within 30 dB of the loudest one. Pauses and padding do
 * not lower it as they lower the plain root mean square. 0 for silence.
 */
export function speechRms(samples: Float32Array, sampleRate: number): number {
  const frame = Math.max(1, Math.round(0.02 * sampleRate))
  const powers: number[] = []
  for (let start = 0; start < samples.length; start += frame) {
    powers.push(rootMeanSquare(samples.subarray(start, start + frame)) ** 2)
  }
  const threshold = Math.max(0, ...powers) * 1e-3
  const active = powers.filter((power) => power > threshold)
  return active.length === 0 ? 0 : Math.sqrt(active.reduce((sum, power) => sum + power, 0) / active.length)
}

/** Adds noise of unit root mean square to speech, in place, so that speech stands `snrDb` decibels above it. */
export function addNoise(speech: Float32Array, noise: Float32Array, snrDb: number, sampleRate: number): void {
  const gain = speechRms(speech, sampleRate) * 10 ** (-snrDb / 20)
  for (let t = 0; t < speech.length; t++) speech[t] = speech[t]! + gain * (noise[t] ?? 0)
}

/** Scales in place to a root mean square. Silence stays silence. */
export function scaleToRms(samples: Float32Array, rms: number): Float32Array {
  const found = rootMeanSquare(samples)
  if (found > 0) for (let t = 0; t < samples.length; t++) samples[t] = (samples[t]! * rms) / found
  return samples
}
