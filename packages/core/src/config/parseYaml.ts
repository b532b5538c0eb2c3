import type { Document, Node } from 'yaml'
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import { type ConfigObject, type ConfigValue, isConfigObject, setOwn } from './configValue.js'
import { ConfigSyntaxError } from './errors.js'
import { resolvePlainScalar } from './yamlScalar.js'

// A few kilobytes of nested aliases can stand for billions of values.
const MAX_VALUES = 1_000_000
type Range = [number, number, number] | null | undefined

const TAG_PREFIX = 'tag:yaml.org,2002:'

/**
 * Reads YAML text as OmegaConf does: anchors, aliases and merge keys (`<<`); unquoted scalars by
 * {@link resolvePlainScalar}; one document; a key at most once per mapping. Interpolations and `???` stay strings.
 * Keys keep their spelling, so a key `on` stays `on` where OmegaConf makes it `True`.
 *
 * @param text - The YAML text. Empty text is an empty mapping.
 * @param source - Name for messages, usually the file's path. Default `<string>`.
 * @throws ConfigSyntaxError with file, line and column. Tags outside YAML's core (such as `!!python/object`) are refused.
 */
export function parseYaml(text: string, source = '<string>'): ConfigValue {
  const lineCounter = new LineCounter()
  const fail = (message: string, offset: number | undefined): never => {
    const position = offset === undefined ? undefined : lineCounter.linePos(offset)
    throw new ConfigSyntaxError(`${source}${position ? `:${position.line}:${position.col}` : ''}: ${message}`)
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text.replace(/^\uFEFF/, ''), {
      version: '1.1',
      schema: 'failsafe',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter,
    })
  } catch (error) {
    // Thousands of nested brackets exhaust the parser's stack.
    throw new ConfigSyntaxError(`${source}: cannot be parsed: ${(error as Error).message}`, { cause: error })
  }
  const problem = document.errors[0]
  if (problem !== undefined) {
    let what = problem.message
    if (problem.code === 'MULTIPLE_DOCS') what = 'a config holds one document, but a second one starts here'
    else if (/call stack/i.test(what)) what = 'nested too deeply'
    fail(what, problem.pos[0])
  }

  // An alias stands for the last anchor of its name before it.
  const anchors = new Map<string, Node>()
  const targets = new Map<Node, Node>()
  visit(document, {
    Alias: (_, alias) => {
      const target = anchors.get(alias.source)
      if (target !== undefined) targets.set(alias, target)
    },
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })

  let values = 0
  const open = new Set<Node>()

  const buildScalar = (node: { value: unknown; type?: string; tag?: string }, range: Range): ConfigValue => {
    const at = range?.[0]
    let content = node.value === null || node.value === undefined ? '' : String(node.value)
    // A block (| or >) that ends the file gets no line break that the file does not have, as in PyYAML.
    const endsFile = node.type?.startsWith('BLOCK') && !text.endsWith('\n') && (range?.[1] ?? 0) >= text.length
    if (endsFile && content.endsWith('\n')) content = content.slice(0, -1)
    const plain = node.type === undefined || node.type === 'PLAIN'
    const tag = node.tag?.startsWith(TAG_PREFIX) ? node.tag.slice(TAG_PREFIX.length) : node.tag
    const resolved = (): ConfigValue => {
      try {
        return resolvePlainScalar(content)
      } catch (error) {
        return fail((error as Error).message, at)
      }
    }
    const expect = (ok: boolean, value: ConfigValue): ConfigValue =>
      ok ? value : fail(`"${content}" is not what its tag !!${tag} says`, at)
    switch (tag) {
      case undefined:
        return plain ? resolved() : content
      case 'str':
      case '!':
        return content
      case 'null':
        return null
      case 'bool': {
        const value = resolved()
        return expect(typeof value === 'boolean', value)
      }
      case 'int':
      case 'float': {
        const value = resolved()
        const number = typeof value === 'number' ? value : Number(content.replaceAll('_', ''))
        return expect(content.trim() !== '' && (!Number.isNaN(number) || /nan/i.test(content)), number)
      }
      default:
        return fail(`the tag ${node.tag} is not allowed in a config; only plain YAML values are`, at)
    }
  }

  const build = (node: unknown): ConfigValue => {
    values += 1
    if (values > MAX_VALUES) fail(`expands to more than ${MAX_VALUES} values`, undefined)
    if (node === null || node === undefined) return null
    if (isAlias(node)) {
      const at = node.range?.[0]
      const target = targets.get(node)
      if (target === undefined) return fail(`the alias *${node.source} has no anchor before it`, at)
      if (open.has(target)) return fail(`the alias *${node.source} contains itself`, at)
      return build(target)
    }
    if (isScalar(node)) return buildScalar(node as { value: unknown; type?: string; tag?: string }, node.range)
    if (isSeq(node)) {
      checkTag(node, 'seq')
      open.add(node)
      const list = node.items.map((item) => {
        if (isPair(item)) return fail('a pair in a list needs braces: {key: value}', node.range?.[0])
        return build(item)
      })
      open.delete(node)
      return list
    }
    if (isMap(node)) {
      checkTag(node, 'map')
      open.add(node)
      const map = buildMap(node)
      open.delete(node)
      return map
    }
    return fail('this kind of node is not allowed in a config', undefined)
  }

  const checkTag = (node: { tag?: string; range?: Range }, kind: 'seq' | 'map'): void => {
    if (node.tag !== undefined && node.tag !== `${TAG_PREFIX}${kind}` && node.tag !== '!') {
      fail(`the tag ${node.tag} is not allowed in a config; only plain YAML values are`, node.range?.[0])
    }
  }

  const buildMap = (node: { items: { key: unknown; value?: unknown }[] }): ConfigObject => {
    const own: [string, ConfigValue][] = []
    const merged: ConfigObject[] = []
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      const keyNode = isAlias(key) ? targets.get(key) : key
      const at = (key as Node | null)?.range?.[0]
      if (keyNode !== null && keyNode !== undefined && !isScalar(keyNode)) {
        return fail('a key must be a plain word or string, not a list or mapping', at)
      }
      const scalar = keyNode as { value: unknown; type?: string } | null | undefined
      const name = scalar?.value === null || scalar?.value === undefined ? '' : String(scalar.value)
      if (name === '<<' && scalar?.type === 'PLAIN') {
        const base = build(value)
        const bases = Array.isArray(base) ? base : [base]
        for (const item of bases) {
          if (!isConfigObject(item)) return fail('a merge key (<<) takes a mapping or a list of mappings', at)
        }
        // In a list of bases the earlier one wins, so the later is laid down first.
        merged.push(...([...bases].reverse() as ConfigObject[]))
        continue
      }
      if (name === '' && (scalar === null || scalar === undefined || scalar.type === 'PLAIN')) {
        return fail('a key is empty', at)
      }
      if (seen.has(name)) return fail(`the key "${name}" appears twice in one mapping`, at)
      seen.add(name)
      own.push([name, build(value)])
    }
    const map: ConfigObject = {}
    for (const base of merged) for (const [name, value] of Object.entries(base)) setOwn(map, name, value)
    for (const [name, value] of own) setOwn(map, name, value)
    return map
  }

  if (document.contents === null) return {}
  try {
    return build(document.contents)
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigSyntaxError(`${source}: nested too deeply`, { cause: error })
    throw error
  }
}
