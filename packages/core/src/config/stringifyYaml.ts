import { type ConfigObject, type ConfigScalar, type ConfigValue, isConfigObject } from './configValue.js'
import { resolvePlainScalar } from './yamlScalar.js'

/** A number as both PyYAML and OmegaConf read it: PyYAML needs a dot before an exponent. */
function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  const text = String(value)
  const exponent = text.indexOf('e')
  if (exponent < 0) {
    if (Object.is(value, -0)) return '-0.0'
    // Beyond 2^53 a whole number is only an approximation, which a float says.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? `${text}.0` : text
  }
  const mantissa = text.slice(0, exponent)
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}${text.slice(exponent)}`
}

function staysText(text: string): boolean {
  try {
    return typeof resolvePlainScalar(text) === 'string'
  } catch {
    return false
  }
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\0': '\\0' }

// Characters that need double quotes and an escape: controls, lone surrogates, and what YAML counts as line breaks.
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being looked for
  /[\u0000-\u001F\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

function formatString(text: string): string {
  if (UNPRINTABLE.test(text)) {
    let quoted = ''
    for (const character of text) {
      const escaped = ESCAPES[character]
      if (escaped !== undefined) quoted += escaped
      else if (UNPRINTABLE.test(character)) quoted += `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
      else quoted += character
    }
    return `"${quoted}"`
  }
  const plain =
    text !== '' &&
    text === text.trim() &&
    staysText(text) &&
    // `y` and `n` are booleans to other YAML 1.1 readers; dates and `=`, `<<` have meanings of their own.
    !/^(?:[yYnN]|<<|=|---.*|\.\.\..*|\d{4}-\d\d?-\d\d?.*)$/.test(text) &&
    !/^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]/.test(text) &&
    !/: |:$| #|[[\]{},\t]/.test(text)
  return plain ? text : `'${text.replaceAll("'", "''")}'`
}

function formatScalar(value: ConfigScalar): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'number' ? formatNumber(value) : formatString(value)
}

function writeMap(map: ConfigObject, indent: string, lines: string[], lead: string): void {
  let prefix = lead
  for (const [key, value] of Object.entries(map)) {
    const start = `${prefix}${formatString(key)}:`
    prefix = indent
    if (Array.isArray(value) && value.length > 0) {
      lines.push(start)
      writeList(value, indent, lines, indent)
    } else if (isConfigObject(value) && Object.keys(value).length > 0) {
      lines.push(start)
      writeMap(value, `${indent}  `, lines, `${indent}  `)
    } else {
      lines.push(`${start} ${formatEmptyOrScalar(value)}`)
    }
  }
}

function writeList(list: ConfigValue[], indent: string, lines: string[], lead: string): void {
  let prefix = lead
  for (const value of list) {
    const start = `${prefix}- `
    prefix = indent
    if (Array.isArray(value) && value.length > 0) writeList(value, `${indent}  `, lines, start)
    else if (isConfigObject(value) && Object.keys(value).length > 0) writeMap(value, `${indent}  `, lines, start)
    else lines.push(`${start}${formatEmptyOrScalar(value)}`)
  }
}

function formatEmptyOrScalar(value: ConfigValue): string {
  if (Array.isArray(value)) return '[]'
  if (isConfigObject(value)) return '{}'
  return formatScalar(value)
}

/**
 * Writes a config as YAML that PyYAML, OmegaConf and {@link parseYaml} read back to the same value: block style, keys in
 * order, strings quoted where a bare one would mean something else. Ends with a newline.
 */
export function stringifyYaml(value: ConfigValue): string {
  const lines: string[] = []
  if (Array.isArray(value) && value.length > 0) writeList(value, '', lines, '')
  else if (isConfigObject(value) && Object.keys(value).length > 0) writeMap(value, '', lines, '')
  else lines.push(formatEmptyOrScalar(value))
  return `${lines.join('\n')}\n`
}
