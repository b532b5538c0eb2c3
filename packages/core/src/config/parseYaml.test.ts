import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigValue } from './configValue.js'
import { parseYaml } from './parseYaml.js'
import { stringifyYaml } from './stringifyYaml.js'

/** Strings that look like something else to YAML, besides arbitrary ones. */
const awkward = fc.constantFrom(
  ...[
    '',
    ' ',
    'yes',
    'No',
    'y',
    'null',
    '~',
    '1e-3',
    '010',
    '1:30',
    '.inf',
    '-',
    '- a',
    'a: b',
    'a #b',
    '#',
    '&a',
    '*a',
  ],
  ...[
    '!t',
    '%a',
    '@a',
    '`',
    '[a',
    '{a}',
    'a,b',
    "it's",
    '"q"',
    ' lead',
    'trail ',
    'new\nline',
    '\t',
    '???',
    '${a.b}',
    '<<',
  ],
  ...[
    '=',
    '---',
    '...',
    '2020-01-01',
    '\u0000',
    '\u0085',
    '\u2028',
    '\ufeff',
    '?',
    ': ',
    'a:',
    '\ud800',
    '😀',
    '0x',
    '_1',
  ],
)
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 12 }),
  awkward,
)
const key = fc.oneof(awkward, fc.string({ minLength: 1, maxLength: 6 }), fc.constant('__proto__'))
const value: fc.Arbitrary<ConfigValue> = fc.letrec<{ value: ConfigValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

describe('parseYaml', () => {
  it('anchors, aliases and merge keys give separate copies that explicit keys override', () => {
    const text = `
base: &base {lr: 1e-3, betas: [0.9, 0.999]}
other: &other {lr: 5, decay: 0.1}
one: {<<: *base, lr: 2}
two:
  <<: [*base, *other]
  name: two
same: *base
`
    expect(parseYaml(text)).toEqual({
      base: { lr: 0.001, betas: [0.9, 0.999] },
      other: { lr: 5, decay: 0.1 },
      one: { lr: 2, betas: [0.9, 0.999] },
      two: { lr: 0.001, betas: [0.9, 0.999], decay: 0.1, name: 'two' },
      same: { lr: 0.001, betas: [0.9, 0.999] },
    })
  })

  it('a quoted << is an ordinary key', () => {
    expect(parseYaml("'<<': 1")).toEqual({ '<<': 1 })
  })

  it('keys keep their spelling', () => {
    expect(Object.keys(parseYaml('on: 1\n1.50: 2\nnull: 3') as object)).toEqual(['on', '1.50', 'null'])
  })

  it('core tags convert and others are refused with line and column', () => {
    expect(parseYaml('{a: !!str 1, b: !!float 3, c: !!int "7", d: !!bool yes, e: !!null ~}')).toEqual({
      a: '1',
      b: 3,
      c: 7,
      d: true,
      e: null,
    })
    expect(() => parseYaml('a: 1\nb: !!python/object/apply:os.system ["x"]', 'evil.yaml')).toThrow(
      /^evil\.yaml:2:\d+: the tag tag:yaml\.org,2002:python\/object\/apply:os\.system is not allowed/,
    )
    expect(() => parseYaml('a: !!int x', 'c.yaml')).toThrow('c.yaml:1:10: "x" is not what its tag !!int says')
  })

  it('errors name file, line and column', () => {
    expect(() => parseYaml('a: 1\na: 2', 'c.yaml')).toThrow('c.yaml:2:1: the key "a" appears twice in one mapping')
    expect(() => parseYaml('a: [1, 2', 'c.yaml')).toThrow(/^c\.yaml:1:9: /)
    expect(() => parseYaml('a: *b', 'c.yaml')).toThrow('c.yaml:1:4: the alias *b has no anchor before it')
    expect(() => parseYaml('a: 1\n---\nb: 2', 'c.yaml')).toThrow(/^c\.yaml:2:1: a config holds one document/)
    expect(() => parseYaml('? [a]\n: 1', 'c.yaml')).toThrow(/^c\.yaml:1:3: a key must be a plain word/)
    expect(() => parseYaml('<<: 3', 'c.yaml')).toThrow('c.yaml:1:1: a merge key (<<) takes a mapping')
    expect(() => parseYaml('a: 9007199254740993', 'c.yaml')).toThrow(/^c\.yaml:1:4: 9007199254740993 is larger/)
  })

  it('an alias bomb stops with an error', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let level = 1; level < 12; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
    }
    expect(() => parseYaml(lines.join('\n'), 'bomb.yaml')).toThrow('bomb.yaml: expands to more than 1000000 values')
  })

  it('an alias inside its own anchor stops with an error', () => {
    expect(() => parseYaml('a: &a {b: *a}', 'c.yaml')).toThrow(/c\.yaml:1:11: the alias \*a/)
  })

  it('extreme nesting is an error, not a crash', () => {
    expect(() => parseYaml('['.repeat(100_000))).toThrow('nested too deeply')
  })

  it('__proto__ in a file stays an ordinary key', () => {
    const parsed = parseYaml('{__proto__: {polluted: true}, a: {<<: {__proto__: {x: 1}}}}') as Record<string, object>
    expect(Object.keys(parsed)).toEqual(['__proto__', 'a'])
    expect((parsed as { polluted?: boolean }).polluted).toBeUndefined()
    expect(Object.keys(parsed.a!)).toEqual(['__proto__'])
  })

  it('a block at the end of a file gets no line break that the file does not have', () => {
    expect(parseYaml('a: |\n  x\n  y')).toEqual({ a: 'x\ny' })
    expect(parseYaml('a: |\n  x\n  y\n')).toEqual({ a: 'x\ny\n' })
    expect(parseYaml('a: |\n  x\nb: 1')).toEqual({ a: 'x\n', b: 1 })
    expect(parseYaml('a: >-\n  x\n  y')).toEqual({ a: 'x y' })
  })

  it('empty text is an empty mapping', () => {
    expect(parseYaml('# nothing\n')).toEqual({})
  })

  it('random text never does anything but return a value or throw a ConfigSyntaxError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab01-:[]{},&*!#"\'|>?%<~ \n\t'), maxLength: 40 }), (text) => {
        try {
          parseYaml(text)
        } catch (error) {
          expect((error as Error).name).toBe('ConfigSyntaxError')
        }
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})

describe('stringifyYaml', () => {
  it('parseYaml reads back what was written', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (config) => {
        expect(parseYaml(stringifyYaml(config))).toStrictEqual(config)
      }),
      { seed: 2, numRuns: 1000 },
    )
  })

  it('numbers with exponents carry the dot that PyYAML needs', () => {
    expect(stringifyYaml({ a: 1e-7, b: 2.5e-9, c: 1e21, d: 0.001, e: -0, f: Number.NaN })).toBe(
      'a: 1.0e-7\nb: 2.5e-9\nc: 1.0e+21\nd: 0.001\ne: -0.0\nf: .nan\n',
    )
  })

  it('nested lists and mappings are written in block style', () => {
    expect(stringifyYaml({ a: [[1, 2], { b: 'x', c: [] }], d: { e: {} }, f: [{ g: [{ h: 1 }] }] })).toBe(
      'a:\n- - 1\n  - 2\n- b: x\n  c: []\nd:\n  e: {}\nf:\n- g:\n  - h: 1\n',
    )
  })
})
