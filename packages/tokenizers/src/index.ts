export { type CharEncoding, CharTokenizer, type CharTokenizerOptions, type UnknownCharacters } from './charTokenizer.js'
export { TokenizerError } from './errors.js'
