export { type CharEncoding, CharTokenizer, type CharTokenizerOptions, type UnknownCharacters } from './charTokenizer.js'
export { TokenizerError } from './errors.js'
export type {
  NormalizerSpec,
  Piece,
  PieceType,
  SentencePieceModelFile,
  SentencePieceModelType,
  TrainerSpec,
} from './sentencePiece/modelFile.js'
export { readModelFile, writeModelFile } from './sentencePiece/modelFile.js'
export type { NormalizationRule } from './sentencePiece/rules/normalizationRules.js'
export { SentencePieceModel } from './sentencePiece/sentencePieceModel.js'
export {
  type SentencePieceTrainingOptions,
  type TrainedSentencePiece,
  trainSentencePiece,
} from './sentencePiece/training/trainSentencePiece.js'
export { nemoVocabulary, vocabText, wordPieceSpelling } from './sentencePiece/vocabularyText.js'
export { SentencePieceTokenizer, type SentencePieceTokenizerOptions } from './sentencePieceTokenizer.js'
export type { Tokenizer } from './tokenizer.js'
export { parseVocabularyFile } from './vocabularyFile.js'
export { type BasicTokenizerOptions, basicTokenize } from './wordPiece/basicTokenizer.js'
export { trainWordPiece, type WordPieceTrainingOptions } from './wordPiece/trainWordPiece.js'
export { WordPieceTokenizer, type WordPieceTokenizerOptions } from './wordPiece/wordPieceTokenizer.js'
export { WordTokenizer, type WordTokenizerOptions } from './wordTokenizer.js'
