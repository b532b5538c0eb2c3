import { closeSync, openSync, writeSync } from 'node:fs'
import { randomNumbers } from './randomNumbers.js'

const WORDS = 60_000
/** Words that follow a word more often than others. */
const FOLLOWERS = 60
const FOLLOWER_SHARE = 0.7
const LENGTHS = [3, 26] as const
const [CONSONANTS, VOWELS] = ['bcdfghklmnprstvwz', 'aeiou']

/**
 * Writes sentences in which a few words are common and most are rare, and in which each word has followers that it likes, so
 * that counts of n-grams fall off as they do in real text. The same seed writes the same.
 */
export function writeMadeUpText(path: string, sentences: number, seed: number): void {
  const random = randomNumbers(seed)
  const words = Array.from({ length: WORDS }, (_, i) => spell(i + 1))
  const rank = (share: number): number => Math.min(WORDS - 1, Math.floor(WORDS ** share) - 1)
  const file = openSync(path, 'w')
  try {
    let text = ''
    for (let i = 0; i < sentences; i++) {
      const length = LENGTHS[0] + Math.floor(random() * (LENGTHS[1] - LENGTHS[0] + 1))
      let previous = -1
      for (let k = 0; k < length; k++) {
        const follows = previous >= 0 && random() < FOLLOWER_SHARE
        const follower = Math.floor(FOLLOWERS ** random())
        const share = follows ? (Math.imul(previous * 64 + follower, 0x9e3779b1) >>> 0) / 2 ** 32 : random()
        previous = rank(share)
        text += k === 0 ? words[previous]! : ` ${words[previous]!}`
      }
      text += '\n'
      if (text.length > 1 << 20 || i === sentences - 1) {
        writeSync(file, text)
        text = ''
      }
    }
  } finally {
    closeSync(file)
  }
}

function spell(number: number): string {
  let word = ''
  for (let rest = number; rest > 0; rest = Math.floor(rest / (CONSONANTS.length * VOWELS.length))) {
    word += CONSONANTS[rest % CONSONANTS.length]! + VOWELS[Math.floor(rest / CONSONANTS.length) % VOWELS.length]!
  }
  return word
}
