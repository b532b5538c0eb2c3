import type { ConfigScalar } from './configValue.js'

const BOOLEAN = /^(?:yes|no|true|false|on|off|Yes|No|True|False|On|Off|YES|NO|TRUE|FALSE|ON|OFF)$/
const NULL = /^(?:|~|null|Null|NULL)$/
const BINARY = /^[-+]?0b[01_]+$/
const OCTAL = /^[-+]?0[0-7_]+$/
const DECIMAL = /^[-+]?(?:0|[1-9][0-9_]*)$/
const HEXADECIMAL = /^[-+]?0x[0-9a-fA-F_]+$/
const SEXAGESIMAL_INTEGER = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/
const SEXAGESIMAL_FLOAT = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/
// OmegaConf widens YAML 1.1 here: `1e-3` and `1.5e3` are numbers, not strings.
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+(?:_[0-9]+)*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/
const INFINITE = /^([-+]?)\.(?:inf|Inf|INF)$/
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/

/** Digits in base 60, most significant first: `1:30` is 90. YAML 1.1 reads plain `h:mm:ss` so. */
function sexagesimal(text: string): number {
  const negative = text.startsWith('-')
  const value = text
    .replace(/^[-+]/, '')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0)
  return negative ? -value : value
}

function integer(text: string, radix: 2 | 8 | 10 | 16, prefixLength: number): number {
  const negative = text.startsWith('-')
  const digits = text.replace(/^[-+]/, '').slice(prefixLength)
  const value = digits === '' ? Number.NaN : Number.parseInt(digits, radix)
  return negative ? -value : value
}

/**
 * What an unquoted YAML scalar means to OmegaConf: PyYAML's YAML 1.1 rules, with numbers such as `1e-3` added and
 * timestamps left as text. `yes`, `no`, `on` and `off` are booleans; `y` and `n` are not; `010` is eight; `1:30` is 90.
 *
 * @returns The value; a `RangeError` is thrown for a whole number that a double cannot hold exactly.
 */
export function resolvePlainScalar(text: string): ConfigScalar {
  if (NULL.test(text)) return null
  if (BOOLEAN.test(text)) return /^(?:yes|true|on)$/i.test(text)
  if (!/^[-+0-9.]/.test(text)) return text
  const plain = text.replaceAll('_', '')
  let value: number | undefined
  if (FLOAT.test(text)) return Number(plain)
  if (SEXAGESIMAL_FLOAT.test(text)) return sexagesimal(plain)
  if (BINARY.test(text)) value = integer(plain, 2, 2)
  else if (HEXADECIMAL.test(text)) value = integer(plain, 16, 2)
  else if (OCTAL.test(text)) value = integer(plain, 8, 1)
  else if (DECIMAL.test(text)) value = Number(plain)
  else if (SEXAGESIMAL_INTEGER.test(text)) value = sexagesimal(plain)
  if (value !== undefined) {
    if (Number.isNaN(value)) return text
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(
        `${text} is larger than 2^53 - 1, the largest exact whole number; quote it to keep it as text`,
      )
    }
    return value === 0 ? 0 : value
  }
  const infinite = INFINITE.exec(text)
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (NOT_A_NUMBER.test(text)) return Number.NaN
  return text
}
