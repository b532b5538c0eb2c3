import { type ConfigObject, type ConfigValue, setOwn } from './configValue.js'
import { describeGrammarError, GrammarError, type TextPart, type ValueNode, ValueScanner } from './valueGrammar.js'

const rawText = (parts: readonly TextPart[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : part.raw)).join('')

/** The value of a parsed element whose interpolations stay text, to be resolved when the config is read. */
export function valueOfNode(node: ValueNode): ConfigValue {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'text':
      return rawText(node.parts)
    case 'list':
      return node.items.map(valueOfNode)
    case 'dict': {
      const map: ConfigObject = {}
      for (const { key, value } of node.entries) setOwn(map, key, valueOfNode(value))
      return map
    }
    case 'call':
      throw new GrammarError(0, `${node.name}(...) cannot stand here`)
  }
}

/**
 * Reads one value as it would be written on the command line: `3`, `1e-3`, `true`, `null`, `[a,b]`, `{a:1}`, `'text'`,
 * or a bare word.
 *
 * @throws Error that shows the text and the place.
 */
export function resolveElementText(text: string): ConfigValue {
  const scanner = new ValueScanner(text, { functions: false })
  try {
    if (text.trim() === '') return ''
    const node = scanner.readElement('')
    if (!scanner.atEnd) scanner.fail(`"${text[scanner.position]}" is not expected here`)
    return valueOfNode(node)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw new Error(describeGrammarError(text, error), { cause: error })
  }
}
