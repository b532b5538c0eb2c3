import type { RandomGenerator } from '@nemo/audio'
import { digitWords } from './digitWords.js'
import type { Espeak } from './espeak.js'

/** Someone who speaks: an accent and a speaker, as espeak-ng names them. */
export interface Voice {
  /** `accent+variant`; goes into manifests. */
  speaker: string
  /** espeak-ng voice, for example `en-gb-scotland`. */
  accent: string
  /** espeak-ng variant, built in or invented. */
  variant: string
  /** As the speaker sounds: `female` from about 135 Hz mean pitch. Children count as female. */
  sex: 'female' | 'male'
}

/** English accents of the training voices. `en-029` is Caribbean, `gbclan` Lancastrian, `gbcwmd` of the West Midlands. */
export const trainingAccents = [
  'en-us',
  'en-gb',
  'en-gb-x-rp',
  'en-029',
  'en-gb-x-gbclan',
  'en-gb-x-gbcwmd',
  'en-us-nyc',
] as const

/** The accent that no training voice has. */
export const heldOutAccent = 'en-gb-scotland'

/**
 * Variants that no training voice uses. Variants with nearly the same formants (f2 and f5, f4 and aunty and linda and
 * belinda) are on the same side, so that a held-out voice is a new voice.
 */
export const heldOutVariants = {
  dev: { female: ['f1', 'grandma'], male: ['m6', 'Gene', 'Gene2', 'mike2'] },
  test: { female: ['f2', 'f4', 'f5', 'aunty', 'linda', 'belinda'], male: ['m2', 'm3', 'm5', 'Denis'] },
} as const

/**
 * Built-in variants for training: those whose digits a nearest-neighbour classifier (dynamic time warping over cepstra,
 * templates of 35 other variants, three accents) always recognised, without the whispering and robotic ones (`whisper`,
 * `whisperf`, `caleb`, `Demonic`, `UniRobot`, `robosoft*`), those with an artificial echo (`Alicia`, `Marco`,
 * `RicishayMax*`, `anikaRobot`), the faint ones (`klatt`, `klatt2`), and near copies of one another.
 */
export const trainingVariants = {
  female: ['f3', 'Andrea', 'Annie', 'anika', 'shelby', 'steph', 'steph2', 'zac'],
  male: [
    ...['Alex', 'Andy', 'AnxiousAndy', 'Diogo', 'Henrique', 'Hugo', 'Jacky', 'Lee', 'Mario', 'Michael'],
    ...['Mike', 'Mr serious', 'Nguyen', 'Reed', 'Storm', 'Tweaky', 'adam', 'announcer', 'antonio', 'benjamin', 'boris'],
    ...[
      'croak',
      'david',
      'ed',
      'edward',
      'edward2',
      'grandpa',
      'gustave',
      'ian',
      'iven',
      'iven3',
      'john',
      'klatt3',
      'klatt4',
      'klatt6',
    ],
    ...[
      'm1',
      'm4',
      'm7',
      'm8',
      'marcelo',
      'max',
      'michel',
      'miguel',
      'norbert',
      'pablo',
      'paul',
      'pedro',
      'quincy',
      'rob',
    ],
    ...['robert', 'sandro', 'travis', 'victor'],
  ],
} as const

/** An invented speaker: a name and the lines of its espeak-ng variant file. */
export interface InventedSpeaker {
  name: string
  sex: 'female' | 'male'
  definition: string[]
}

/**
 * Invents a speaker: pitch, vocal tract length, formant strengths and widths, voicing, breath and spectral tilt are drawn
 * from ranges around those of espeak-ng's own variants, so that a recogniser hears hundreds of people instead of a few dozen.
 *
 * @param name - Name for `Espeak.defineVariant`.
 * @param random - Stream of that speaker.
 */
export function inventSpeaker(name: string, random: RandomGenerator): InventedSpeaker {
  const kind = random.choice(['man', 'man', 'woman', 'woman', 'child'] as const)
  const [lowestHz, highestHz, shortest, longest] = {
    man: [65, 130, 0.86, 1.08],
    woman: [140, 225, 1.04, 1.24],
    child: [210, 290, 1.18, 1.36],
  }[kind] as [number, number, number, number]
  const baseHz = random.uniform(lowestHz, highestHz)
  const tract = random.uniform(shortest, longest)
  const whole = (value: number) => Math.round(value)
  const definition = [
    `gender ${kind === 'man' ? 'male' : 'female'}`,
    `pitch ${whole(baseHz)} ${whole(baseHz * random.uniform(1.15, 1.7))}`,
    `flutter ${random.integer(0, 8)}`,
    `roughness ${random.integer(0, 4)}`,
    `voicing ${random.integer(60, 150)}`,
    `consonants ${random.integer(30, 140)} ${random.integer(50, 140)}`,
  ]
  if (random.random() < 0.3) definition.push(`klatt ${random.integer(3, 6)}`)
  if (random.random() < 0.3)
    definition.push(`breath 0 ${Array.from({ length: 7 }, () => random.integer(0, 5)).join(' ')}`)
  if (random.random() < 0.4) definition.push(`intonation ${random.integer(1, 4)}`)
  if (random.random() < 0.4) {
    definition.push(
      `tone 600 ${random.integer(140, 255)} 1300 ${random.integer(70, 255)} 3500 ${random.integer(40, 200)}`,
    )
  }
  for (let formant = 0; formant <= 8; formant++) {
    const frequency = formant === 0 ? 100 : 100 * tract * (1 + 0.035 * random.normal())
    const upper = formant >= 4
    const height = random.integer(upper ? 40 : 75, upper ? 110 : 120)
    definition.push(`formant ${formant} ${whole(frequency)} ${height} ${random.integer(70, 160)}`)
  }
  return { name, sex: kind === 'man' ? 'male' : 'female', definition }
}

/**
 * The ten digits as a speaker of another language, who reads English by that language's sounds, says them: spelled in the
 * language's own letters for espeak-ng's voice of that language. The index is the digit.
 */
export const foreignDigits: Readonly<Record<string, readonly string[]>> = {
  'fr-fr': ['zirô', 'ouane', 'tou', 'sri', 'fore', 'faïve', 'sixe', 'sévène', 'éïte', 'naïne'],
  de: ['siero', 'wann', 'tuh', 'sri', 'fohr', 'feif', 'ßix', 'sewwen', 'äit', 'nein'],
  el: ['ζίροου', 'ουάν', 'του', 'θρι', 'φορ', 'φάιβ', 'σιξ', 'σέβεν', 'έιτ', 'νάιν'],
  it: ['siro', 'uan', 'tu', 'tri', 'for', 'faiv', 'sics', 'seven', 'eit', 'nain'],
  es: ['sirou', 'uan', 'tu', 'tri', 'for', 'faif', 'six', 'seven', 'eit', 'nain'],
  'pt-br': ['zirou', 'uan', 'tu', 'tri', 'fór', 'faiv', 'siks', 'séven', 'eit', 'nain'],
  nl: ['ziero', 'wan', 'toe', 'srie', 'foor', 'faif', 'siks', 'seven', 'eet', 'nain'],
  pl: ['ziroł', 'łan', 'tu', 'sri', 'for', 'fajw', 'siks', 'sewen', 'ejt', 'najn'],
  ru: ['зиро', 'ван', 'ту', 'сри', 'фор', 'файв', 'сикс', 'сэвэн', 'эйт', 'найн'],
  tr: ['ziro', 'van', 'tu', 'tri', 'for', 'fayv', 'siks', 'sevın', 'eyt', 'nayn'],
  hi: ['ज़ीरो', 'वन', 'टू', 'थ्री', 'फ़ोर', 'फ़ाइव', 'सिक्स', 'सेवन', 'एट', 'नाइन'],
}

/**
 * The text that makes a voice say a digit string.
 *
 * @param accent - An English accent, or a key of `foreignDigits`.
 * @param pauseAfter - Indices after which the speaker pauses briefly.
 */
export function digitSpeech(accent: string, digits: readonly number[], pauseAfter: ReadonlySet<number>): string {
  const words = foreignDigits[accent] ?? digitWords
  return digits.map((digit, at) => (words[digit] ?? '') + (pauseAfter.has(at) ? ',' : '')).join(' ')
}

/** Makes invented speakers known to a synthesiser. */
export function introduceSpeakers(espeak: Espeak, speakers: readonly InventedSpeaker[]): void {
  for (const { name, definition } of speakers) espeak.defineVariant(name, definition)
}
