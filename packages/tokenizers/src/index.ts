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
export { readModelFile } from './sentencePiece/modelFile.js'
export { SentencePieceModel } from './sentencePiece/sentencePieceModel.js'
export { SentencePieceTokenizer, type SentencePieceTokenizerOptions } from './sentencePieceTokenizer.js'
export type { Tokenizer } from './tokenizer.js'
export { parseVocabularyFile } from './vocabularyFile.js'
export { type BasicTokenizerOptions, basicTokenize } from './wordPiece/basicTokenizer.js'
export { WordPieceTokenizer, type WordPieceTokenizerOptions } from './wordPiece/wordPieceTokenizer.js'
export { WordTokenizer, type WordTokenizerOptions } from './wordTokenizer.js'
