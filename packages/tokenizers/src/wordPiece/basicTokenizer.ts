/** Options of BERT's basic tokenizer. */
export interface BasicTokenizerOptions {
  /** Fold to lower case. */
  readonly lowercase: boolean
  /** Remove combining marks. */
  readonly stripAccents: boolean
}

/**
 * Splits text at white space, around punctuation and around Chinese characters; leaves out control characters and
 * U+FFFD.
 *
 * Source: Devlin et al. 2018, the `BasicTokenizer` of BERT.
 */
export function basicTokenize(text: string, { lowercase, stripAccents }: BasicTokenizerOptions): string[] {
  const clean = text
    .replace(/[\t\n\r]/g, ' ')
    .replace(INVISIBLE, '')
    .replace(CHINESE, ' $& ')
  const words = clean.split(/\s+/u).filter((word) => word !== '')
  return words.flatMap((word) => {
    const folded = lowercase ? word.toLowerCase() : word
    const bare = stripAccents ? folded.normalize('NFD').replace(/\p{Mn}/gu, '') : folded
    return bare
      .replace(PUNCTUATION, ' $& ')
      .split(' ')
      .filter((part) => part !== '')
  })
}

// The blocks that BERT treats so; no kana, no Hangul.
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu

// All of ASCII that is neither letter, digit nor space counts, though Unicode calls some of it symbols.
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/gu

// Characters that Unicode has not assigned stay: which those are depends on its version.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu
