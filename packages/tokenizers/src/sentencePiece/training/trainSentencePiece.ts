import { TokenizerError } from '../../errors.js'
import type { Piece, SentencePieceModelFile, SentencePieceModelType, TrainerSpec } from '../modelFile.js'
import { Normalizer } from '../normalizer.js'
import { PieceTrie } from '../pieceTrie.js'
import { type NormalizationRule, normalizationRules } from '../rules/normalizationRules.js'
import { trainBpe } from './trainBpe.js'
import { trainCharacters, trainWords } from './trainCharactersAndWords.js'
import type { TrainedPiece } from './trainedPiece.js'
import { readTrainingCorpus, type TrainingCorpus } from './trainingCorpus.js'
import { trainUnigram } from './trainUnigram.js'

/** Options of SentencePiece training; names and meanings are SentencePiece's, defaults are NeMo's. */
export interface SentencePieceTrainingOptions {
  /** Pieces wanted, special ones included. Fewer come out where the text does not give so many. */
  readonly vocabSize: number
  /** Default `bpe`. */
  readonly modelType?: SentencePieceModelType
  /** Share of all characters that the vocabulary covers; rarer ones become the unknown. Default 1. */
  readonly characterCoverage?: number
  /** Sentences drawn at random to learn from; 0 for all. Default 0. */
  readonly inputSentenceSize?: number
  /** Of that draw. Default 0. */
  readonly seed?: number
  /** Characters that a piece has at most. Default 16. */
  readonly maxSentencePieceLength?: number
  /** Default `nmt_nfkc`; `nmt_nfkc_cf` folds to lower case too. */
  readonly normalizationRule?: NormalizationRule
  /** Add `<s>`. Default false. */
  readonly bos?: boolean
  /** Add `</s>`. Default false. */
  readonly eos?: boolean
  /** Add `<pad>`. Default false. */
  readonly pad?: boolean
  /** Pieces for ids that no text has. */
  readonly controlSymbols?: readonly string[]
  /** Pieces that are never split. */
  readonly userDefinedSymbols?: readonly string[]
  /** Spell characters without a piece as bytes of UTF-8: 256 more pieces. Default false. */
  readonly byteFallback?: boolean
}

/** What training gives. */
export interface TrainedSentencePiece {
  readonly file: SentencePieceModelFile
  /** Sentences learnt from. */
  readonly sentences: number
  /** Sentences left out: longer than 4192 bytes, or with U+2585. */
  readonly skipped: number
}

const DEFAULT_MAX_LENGTH = 16

/**
 * Trains a SentencePiece model from sentences; `writeModelFile` makes a `.model` of it that SentencePiece reads.
 *
 * @param sentences - Texts, for example the lines of a file; they are read once and not kept.
 * @throws TokenizerError for options that cannot be, texts without a sentence, and a `vocabSize` below the number of characters.
 *
 * Source: Kudo and Richardson 2018; SentencePiece 0.2.
 */
export async function trainSentencePiece(
  sentences: Iterable<string> | AsyncIterable<string>,
  options: SentencePieceTrainingOptions,
): Promise<TrainedSentencePiece> {
  const { vocabSize, modelType = 'bpe', characterCoverage = 1, normalizationRule = 'nmt_nfkc' } = options
  const maxPieceLength = options.maxSentencePieceLength ?? DEFAULT_MAX_LENGTH
  checkOptions(options)
  const special = specialPieces(options)
  const normalizerSpec = {
    name: normalizationRule,
    precompiledCharsmap: await normalizationRules(normalizationRule),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  }
  const userDefined = new PieceTrie()
  for (const [i, symbol] of (options.userDefinedSymbols ?? []).entries()) userDefined.set(symbol, i)
  const corpus = await readTrainingCorpus(sentences, {
    normalizer: new Normalizer(normalizerSpec, { userDefined, treatWhitespaceAsSuffix: false }),
    metaPieces: special.map(({ piece }) => piece),
    characterCoverage,
    inputSentenceSize: options.inputSentenceSize ?? 0,
    seed: options.seed ?? 0,
  })
  const needed = corpus.requiredCharacters.length + special.length
  if ((modelType === 'bpe' || modelType === 'unigram') && needed > vocabSize)
    throw new TokenizerError(
      `vocabSize: expected at least ${needed} (${corpus.requiredCharacters.length} characters and ${special.length} special pieces), found ${vocabSize}. Raise it, or lower characterCoverage, ${characterCoverage}.`,
    )
  const trained = trainPieces(corpus, modelType, vocabSize, special.length, maxPieceLength)
  const taken = new Set(special.map(({ piece }) => piece))
  const pieces: Piece[] = [
    ...special,
    ...trained
      .filter(({ piece }) => !taken.has(piece))
      .map(({ piece, score }) => ({ piece, score: Math.fround(score), type: 'normal' as const })),
  ]
  const trainerSpec: TrainerSpec = {
    modelType,
    byteFallback: options.byteFallback ?? false,
    treatWhitespaceAsSuffix: false,
    unkSurface: ' \u2047 ',
    unkPiece: '<unk>',
    bosPiece: '<s>',
    eosPiece: '</s>',
    padPiece: '<pad>',
  }
  const { sentences: used, skipped } = corpus
  return { file: { pieces, trainerSpec, normalizerSpec, denormalizerSpec: null }, sentences: used, skipped }
}

function trainPieces(
  corpus: TrainingCorpus,
  modelType: SentencePieceModelType,
  vocabSize: number,
  special: number,
  maxPieceLength: number,
): TrainedPiece[] {
  const size = vocabSize - special
  switch (modelType) {
    case 'bpe':
      return trainBpe(corpus, size, maxPieceLength)
    case 'unigram':
      return trainUnigram(corpus, size, maxPieceLength, vocabSize)
    case 'char':
      return trainCharacters(corpus, size)
    case 'word':
      return trainWords(corpus, size)
  }
}

function specialPieces(options: SentencePieceTrainingOptions): Piece[] {
  const control = [
    ...(options.bos ? ['<s>'] : []),
    ...(options.eos ? ['</s>'] : []),
    ...(options.pad ? ['<pad>'] : []),
    ...(options.controlSymbols ?? []),
  ]
  const pieces: Piece[] = [
    { piece: '<unk>', score: 0, type: 'unknown' },
    ...control.map((piece) => ({ piece, score: 0, type: 'control' as const })),
    ...(options.userDefinedSymbols ?? []).map((piece) => ({ piece, score: 0, type: 'userDefined' as const })),
  ]
  if (options.byteFallback) {
    for (let byte = 0; byte < 256; byte++)
      pieces.push({ piece: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, score: 0, type: 'byte' })
  }
  const names = pieces.map(({ piece }) => piece)
  const repeated = names.find((name, i) => name === '' || names.indexOf(name) !== i)
  if (repeated !== undefined)
    throw new TokenizerError(`Special pieces: expected each once and none empty, found ${JSON.stringify(repeated)}.`)
  return pieces
}

function checkOptions({ vocabSize, characterCoverage = 1, ...options }: SentencePieceTrainingOptions): void {
  const refuse = (name: string, expected: string, found: unknown): never => {
    throw new TokenizerError(`${name}: expected ${expected}, found ${String(found)}.`)
  }
  if (!Number.isInteger(vocabSize) || vocabSize < 2) refuse('vocabSize', 'a whole number above 1', vocabSize)
  if (!(characterCoverage > 0 && characterCoverage <= 1))
    refuse('characterCoverage', 'a number above 0, at most 1', characterCoverage)
  const { inputSentenceSize = 0, maxSentencePieceLength = DEFAULT_MAX_LENGTH } = options
  if (!Number.isInteger(inputSentenceSize) || inputSentenceSize < 0)
    refuse('inputSentenceSize', 'a whole number, 0 for all', inputSentenceSize)
  if (!Number.isInteger(maxSentencePieceLength) || maxSentencePieceLength < 1)
    refuse('maxSentencePieceLength', 'a whole number above 0', maxSentencePieceLength)
}
