import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigValue } from './configValue.js'
import { OverrideError } from './errors.js'
import { expandSweeps } from './hydraRunner.js'
import { formatOverrideValue, parseOverride, sameConfigValue } from './override.js'
import { enumerateSweep } from './sweep.js'

const text = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: fc.constantFrom(...'\\\'"${}[](),:= ab1.-_'), maxLength: 10 }),
  fc.constantFrom('null', 'True', '1e3', 'inf', '', ' ', '1_0', 'a b', '中文', 'a/b.c', '\\', "\\'", '~x'),
)
const value: fc.Arbitrary<ConfigValue> = fc.letrec<{ value: ConfigValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double(),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

describe('parseOverride', () => {
  it('reads back every value that formatOverrideValue writes', () => {
    fc.assert(
      fc.property(value, (expected) => {
        const override = parseOverride(`model.optim.lr=${formatOverrideValue(expected)}`)
        expect(override.sweep).toBeUndefined()
        // -0 is written "0": the grammar has no negative zero.
        expect(sameConfigValue(override.value!, normaliseZero(expected))).toBe(true)
      }),
      { seed: 3, numRuns: 2000 },
    )
  })

  it('reads back every choice of values', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 4 }), fc.boolean(), (list, explicit) => {
        const written = list.map(formatOverrideValue).join(',')
        const { sweep } = parseOverride(explicit ? `a=choice(${written})` : `a=${written}`)
        const values = enumerateSweep(sweep!)
        expect(values.length).toBe(list.length)
        values.forEach((item, index) => {
          expect(sameConfigValue(item, normaliseZero(list[index]!))).toBe(true)
        })
      }),
      { seed: 4, numRuns: 500 },
    )
  })

  it('random text gives an override or an OverrideError', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'ab1+~@./=,:()[]{}$\\\'" -'), maxLength: 24 })
    fc.assert(
      fc.property(noise, (input) => {
        try {
          parseOverride(input)
        } catch (error) {
          expect(error).toBeInstanceOf(OverrideError)
        }
      }),
      { seed: 5, numRuns: 3000 },
    )
  })

  it('values may hold "=" and letters of every script without quotes', () => {
    expect(parseOverride('ckpt=epoch=3-val_wer=0.1.ckpt').value).toBe('epoch=3-val_wer=0.1.ckpt')
    expect(parseOverride('path=/数据/train.json').value).toBe('/数据/train.json')
    expect(parseOverride('a=${b.${c}}').value).toBe('${b.${c}}')
    expect(parseOverride("labels=[\" \",a,'\\'']").value).toEqual([' ', 'a', "'"])
  })

  it('keys may hold list positions', () => {
    expect(parseOverride('model.encoder.jasper[0].filters=64').key).toBe('model.encoder.jasper[0].filters')
  })

  it('deep nesting is an error, not a crash', () => {
    expect(() => parseOverride(`a=${'['.repeat(5000)}`)).toThrow(/nested more than 200 levels/)
  })

  it('errors show the place', () => {
    expect(() => parseOverride('model.lr=[0.1,0.2')).toThrow(
      'override "[" is never closed\n  model.lr=[0.1,0.2\n           ^',
    )
    expect(() => parseOverride("name=it's")).toThrow("the quote ' must enclose the whole value")
    expect(() => parseOverride('a=choise(1,2)')).toThrow('did you mean choice(...)?')
    expect(() => parseOverride('model.lr')).toThrow('a value is missing; write model.lr=VALUE, or ~model.lr')
    expect(() => parseOverride('model lr=1')).toThrow('"model lr" is no key')
    expect(() => parseOverride('a==1')).toThrow('a single "=" separates key and value')
  })
})

describe('enumerateSweep', () => {
  const values = (input: string): unknown => enumerateSweep(parseOverride(input).sweep!)

  it('ranges have no rounding noise and exclude the stop', () => {
    expect(values('a=range(0,1,0.1)')).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    expect(values('a=range(1,0,-0.25)')).toEqual([1, 0.75, 0.5, 0.25])
    expect(values('a=range(5,5)')).toEqual([])
  })

  it('shuffle keeps the values and gives the same order every time', () => {
    const once = values('a=shuffle(range(20))') as number[]
    expect(values('a=shuffle(range(20))')).toEqual(once)
    expect(once).not.toEqual([...once].sort((a, b) => a - b))
    expect(new Set(once).size).toBe(20)
  })

  it('endless, huge and continuous sweeps are refused', () => {
    expect(() => values('a=range(0,1,0)')).toThrow('never ends')
    expect(() => values('a=range(0,1e9)')).toThrow('more than 100000 values')
    expect(() => values('a=interval(0,1)')).toThrow('an interval has no separate values')
  })
})

describe('expandSweeps', () => {
  it('gives every combination, the last key fastest', () => {
    const runs = expandSweeps(['a=1,2', 'b=x', "c=choice('p q',[1])"].map(parseOverride))
    expect(runs.map((run) => run.map(({ input }) => input).join(' '))).toEqual([
      "a=1 b=x c='p q'",
      'a=1 b=x c=[1]',
      "a=2 b=x c='p q'",
      'a=2 b=x c=[1]',
    ])
  })
})

function normaliseZero(item: ConfigValue): ConfigValue {
  if (Array.isArray(item)) return item.map(normaliseZero)
  if (typeof item === 'object' && item !== null) {
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, normaliseZero(inner)]))
  }
  return item === 0 ? 0 : item
}
