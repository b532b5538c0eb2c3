import { LanguageModelFileError } from './errors.js'
import { type KenLmHeader, writeKenLmHeader } from './kenLmHeader.js'
import { ProbingModel } from './probingModel.js'
import { bucketsFor, ProbingTable } from './probingTable.js'
import { ProbingVocabulary } from './probingVocabulary.js'
import { storedWords } from './storedWords.js'

/**
 * Reads a probing or rest-probing binary; tables stay where they are in `bytes`.
 *
 * @param bytes - The whole file, at an offset of its buffer that 4 divides.
 * @throws LanguageModelFileError
 */
export function readKenLmProbing(bytes: Uint8Array, header: KenLmHeader, source: string): ProbingModel {
  const { counts, multiplier } = header
  const order = counts.length
  const rest = header.storage === 'rest-probing'
  const memory = bytes.buffer
  let at = bytes.byteOffset + header.end
  const end = bytes.byteOffset + bytes.byteLength
  const take = (size: number, what: string): number => {
    const start = at
    at += size
    if (at > end)
      throw new LanguageModelFileError(
        'NEMO_ASR_KENLM',
        `${source}: the file ends in its ${what}: expected at least ${at - bytes.byteOffset} bytes, found ${bytes.length}. It was cut off.`,
      )
    return start
  }
  const vocabularyBuckets = bucketsFor(counts[0]!, multiplier)
  const vocabularyAt = take(8 + 12 * vocabularyBuckets, 'vocabulary')
  const vocabulary = new ProbingTable(memory, vocabularyAt + 8, 1, vocabularyBuckets)
  for (let i = 0; i < vocabularyBuckets; i++) {
    const number = vocabulary.words[vocabulary.base + 3 * i + 2]!
    if (number > counts[0]!)
      throw new LanguageModelFileError(
        'NEMO_ASR_KENLM',
        `${source}: a word has the number ${number}, but there are ${counts[0]}. The file is damaged.`,
      )
  }
  const unigramSize = rest ? 12 : 8
  const unigramsAt = take(unigramSize * (counts[0]! + 1), 'unigrams')
  const tables = counts.slice(1).map((count, i) => {
    const payload = i + 2 === order ? 1 : rest ? 3 : 2
    const buckets = bucketsFor(count, multiplier)
    const start = take((2 + payload) * 4 * buckets, `n-grams of order ${i + 2}`)
    return new ProbingTable(memory, start, payload, buckets)
  })
  return new ProbingModel({
    counts,
    vocabulary: new ProbingVocabulary(vocabulary),
    unigrams: {
      words: new Uint32Array(memory, 0, Math.floor(memory.byteLength / 4)),
      floats: new Float32Array(memory, 0, Math.floor(memory.byteLength / 4)),
      base: unigramsAt / 4,
    },
    tables,
    rest,
    multiplier,
    words: storedWords(bytes, header, at - bytes.byteOffset, source),
  })
}

/**
 * The model as a probing binary that KenLM reads, in pieces to be written one after another.
 *
 * @throws TypeError for a model with rest costs.
 */
export function* kenLmProbingPieces(model: ProbingModel): Generator<Uint8Array> {
  const { counts, vocabulary, unigrams, tables, rest, multiplier, words } = model.parts
  if (rest) throw new TypeError('A model with rest costs is not written; estimate it anew or keep the file.')
  const raw = (words32: Uint32Array, base: number, length: number): Uint8Array =>
    new Uint8Array(words32.buffer, words32.byteOffset + base * 4, length)
  const stored = words()
  if (!stored) throw new TypeError('The model stores no words, so that it cannot be written.')
  yield writeKenLmHeader(counts, multiplier)
  const head = new Uint8Array(8)
  new DataView(head.buffer).setUint32(4, stored.length, true)
  yield head
  yield raw(vocabulary.table.words, vocabulary.table.base, vocabulary.table.byteLength)
  yield raw(unigrams.words, unigrams.base, 8 * (counts[0]! + 1))
  for (const table of tables) yield raw(table.words, table.base, table.byteLength)
  for (let i = 0; i < stored.length; i += 1 << 16) {
    yield new TextEncoder().encode(`${stored.slice(i, i + (1 << 16)).join('\0')}\0`)
  }
}
