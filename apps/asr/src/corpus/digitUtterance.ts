import { type RandomGenerator, resample } from '@nemo/audio'
import type { Acoustics } from './acoustics.js'
import { type Band, drawBand, limitBand } from './bandFilter.js'
import { digitTranscript } from './digitWords.js'
import { SpeechSynthesisError } from './errors.js'
import type { Espeak, Speech } from './espeak.js'
import { addNoise, makeBabble, makeNoise, rootMeanSquare, speechRms } from './noise.js'
import { addRoomEcho, drawRoom } from './roomEcho.js'
import { trimQuietEnds } from './trimQuietEnds.js'
import { digitSpeech, foreignDigits, type Voice } from './voices.js'

/** One utterance of a corpus. */
export interface DigitUtterance {
  samples: Float32Array
  text: string
  voice: Voice
}

/** espeak-ng clips inside at its full volume for the strongest variants; levels are set afterwards anyway. */
const synthesisVolume = 20
/** Of the resampling filter: a quarter of the default is steep enough for training data and four times as fast. */
const zeroCrossings = 16
const loudestPeak = 0.97
const attempts = 20

/** Speech of other people for `makeBabble`, at one sample rate. */
export function speakBabble(espeak: Espeak, voices: readonly Voice[], sampleRate: number): Float32Array[] {
  const sentences = [
    'they were talking about the weather and what to cook for dinner when the train arrived',
    'nobody remembers who painted the old bridge but everybody likes the colour of it',
    'please put the letters on the table and open a window before you leave the room',
  ]
  return voices.map(({ accent, variant }, at) => {
    const text = sentences[at % sentences.length] ?? ''
    const speech = espeak.synthesize(text, { voice: accent, variant, volume: synthesisVolume })
    return resample(speech.samples, speech.sampleRate, sampleRate, { zeroCrossings })
  })
}

/**
 * Makes one utterance: draws rate, pitch, pauses, echo, noise, band and level, speaks the digits and applies all of it.
 *
 * @param espeak - Knows the voice's variant.
 * @param voice - Who speaks.
 * @param digits - What is said.
 * @param babble - Clips of `speakBabble` at the acoustics' sample rate.
 * @param random - Stream of this utterance; nothing else decides how it sounds.
 */
export function makeDigitUtterance(
  espeak: Espeak,
  voice: Voice,
  digits: readonly number[],
  acoustics: Acoustics,
  babble: readonly Float32Array[],
  random: RandomGenerator,
): DigitUtterance {
  const { sample_rate: sampleRate } = acoustics
  const speech = speakClearly(espeak, voice, digits, acoustics, random)
  const before = Math.round(random.uniform(...acoustics.padding_seconds) * sampleRate)
  const after = Math.round(random.uniform(...acoustics.padding_seconds) * sampleRate)
  const samples = new Float32Array(before + speech.length + after)
  samples.set(speech, before)
  if (random.random() < acoustics.echo) addRoomEcho(samples, sampleRate, drawRoom(random))
  if (random.random() >= acoustics.clean) {
    const kind = random.choice(['white', 'pink', 'pink', 'brown', 'hum', 'babble', 'babble'] as const)
    const noise =
      kind === 'babble'
        ? makeBabble(babble, samples.length, random.integer(2, 6), random)
        : makeNoise(kind, samples.length, sampleRate, random)
    addNoise(samples, noise, random.uniform(...acoustics.snr_db), sampleRate)
  }
  const band: Band = drawBand(random, acoustics.telephone)
  limitBand(samples, sampleRate, band)
  setLevel(samples, sampleRate, random.uniform(...acoustics.level_db))
  return { samples, text: digitTranscript(digits), voice }
}

/** Speaks until the result is intelligible by its numbers; draws new rates and pitches each time. */
function speakClearly(
  espeak: Espeak,
  voice: Voice,
  digits: readonly number[],
  acoustics: Acoustics,
  random: RandomGenerator,
): Float32Array {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const speech = speak(espeak, voice, digits, acoustics, random)
    if (isClear(speech, digits.length)) return toBandwidth(speech, acoustics)
  }
  throw new SpeechSynthesisError(
    `${voice.speaker} could not say "${digitTranscript(digits)}" clearly in ${attempts} attempts.`,
  )
}

function speak(
  espeak: Espeak,
  { accent, variant }: Voice,
  digits: readonly number[],
  { rate_wpm, isolated, trim_db }: Acoustics,
  random: RandomGenerator,
): Speech {
  const options = {
    voice: accent,
    variant,
    rateWpm: random.uniform(...rate_wpm),
    pitch: random.uniform(25, 75),
    range: random.uniform(15, 85),
    volume: synthesisVolume,
  }
  const oneByOne = random.random() < isolated
  if (!oneByOne) {
    const pauses = new Set([...digits.keys()].filter((at) => at + 1 < digits.length && random.random() < 0.12))
    return trim(espeak.synthesize(digitSpeech(accent, digits, pauses), options), trim_db, random)
  }
  const words = digits.map((digit) => {
    const word = espeak.synthesize(digitSpeech(accent, [digit], new Set()), {
      ...options,
      rateWpm: clamp(options.rateWpm * random.uniform(0.85, 1.15), 80, 450),
      pitch: clamp(options.pitch + 8 * random.normal(), 0, 99),
    })
    return trim(word, trim_db, random)
  })
  const { sampleRate } = words[0]!
  const gaps = words.map(() => Math.round(random.uniform(0.02, 0.3) * sampleRate))
  const joined = new Float32Array(words.reduce((sum, word, at) => sum + word.samples.length + gaps[at]!, 0))
  let end = 0
  for (const [at, word] of words.entries()) {
    joined.set(word.samples, end)
    end += word.samples.length + gaps[at]!
  }
  return { samples: joined, sampleRate }
}

/** Cuts what is too faint at both ends; see `trim_db`. */
function trim({ samples, sampleRate }: Speech, trimDb: Acoustics['trim_db'], random: RandomGenerator): Speech {
  if (trimDb === null) return { samples, sampleRate }
  return { samples: trimQuietEnds(samples, random.uniform(...trimDb)), sampleRate }
}

/**
 * Whether speech can be understood, judged by numbers: 0.1 to 1.6 s for each digit, not faint, not clipped. Odd variants at
 * odd rates sometimes fail; the digits of those that pass were told apart by a nearest-neighbour classifier.
 */
function isClear({ samples, sampleRate }: Speech, digits: number): boolean {
  const secondsPerDigit = samples.length / sampleRate / digits
  if (secondsPerDigit < 0.1 || secondsPerDigit > 1.6) return false
  if (speechRms(samples, sampleRate) < 0.002) return false
  let clipped = 0
  for (const sample of samples) if (Math.abs(sample) > 0.999) clipped++
  return clipped <= samples.length * 1e-4
}

function toBandwidth({ samples, sampleRate }: Speech, acoustics: Acoustics): Float32Array {
  const narrowRate = Math.min(2 * acoustics.bandwidth_hz, acoustics.sample_rate)
  const narrow = resample(samples, sampleRate, narrowRate, { zeroCrossings })
  return narrowRate === acoustics.sample_rate
    ? narrow
    : resample(narrow, narrowRate, acoustics.sample_rate, { zeroCrossings })
}

/** Sets the level of the speech, in place, as far as no sample clips. */
function setLevel(samples: Float32Array, sampleRate: number, levelDb: number): void {
  const rms = speechRms(samples, sampleRate) || rootMeanSquare(samples)
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  if (peak === 0) return
  const gain = Math.min(10 ** (levelDb / 20) / rms, loudestPeak / peak)
  for (let t = 0; t < samples.length; t++) samples[t] = samples[t]! * gain
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest)
}

/** Whether a voice reads English by another language's sounds. */
export function isForeign({ accent }: Voice): boolean {
  return accent in foreignDigits
}
