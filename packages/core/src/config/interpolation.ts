import { InterpolationError } from './errors.js'
import { describeGrammarError, GrammarError, type TextPart, ValueScanner } from './valueGrammar.js'

/** True if a string must go through {@link parseInterpolatedText} before it is used. */
export function hasInterpolation(value: unknown): value is string {
  return typeof value === 'string' && value.includes('${')
}

/**
 * Splits a config string into literal text and interpolations. `\${` is a literal `${`; backslashes are otherwise
 * ordinary, except that a run of them right before an interpolation is halved, as in OmegaConf.
 *
 * @param keyPath - For messages: the key whose value this is.
 * @throws InterpolationError that shows the text and the place.
 */
export function parseInterpolatedText(text: string, keyPath = ''): TextPart[] {
  const parts: TextPart[] = []
  const scanner = new ValueScanner(text, { functions: false })
  let literal = ''
  try {
    while (!scanner.atEnd) {
      const start = text.indexOf('${', scanner.position)
      if (start < 0) {
        literal += text.slice(scanner.position)
        break
      }
      let backslashes = 0
      while (start - backslashes > scanner.position && text[start - backslashes - 1] === '\\') backslashes += 1
      literal += text.slice(scanner.position, start - backslashes) + '\\'.repeat(Math.floor(backslashes / 2))
      if (backslashes % 2 === 1) {
        literal += '${'
        scanner.position = start + 2
        continue
      }
      scanner.position = start
      if (literal !== '') parts.push(literal)
      literal = ''
      parts.push(scanner.readInterpolation())
    }
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const where = keyPath === '' ? '' : `${keyPath}: `
    throw new InterpolationError(keyPath, `${where}malformed interpolation: ${describeGrammarError(text, error)}`, {
      cause: error,
    })
  }
  if (literal !== '') parts.push(literal)
  return parts
}
