import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from './config.js'
import { InterpolationError, MissingValueError } from './errors.js'
import { mergeConfigs } from './mergeConfigs.js'
import { registerResolver } from './resolvers.js'

const tiny = (): Config =>
  Config.fromYaml(
    `
name: tiny
data: {sample_rate: 16000, manifest: ???}
model:
  sample_rate: \${data.sample_rate}
  manifest: \${data.manifest}
  encoder:
    jasper: [{filters: 32}, {filters: 64}]
  decoder: {feat_in: "\${..encoder.jasper[1].filters}"}
`,
    'tiny.yaml',
  )

describe('Config', () => {
  it('reads resolved values by key path and by view', () => {
    const config = tiny()
    expect(config.get('model.sample_rate')).toBe(16000)
    expect(config.get('model.encoder.jasper[1].filters')).toBe(64)
    const { model } = config.view() as unknown as {
      model: { decoder: { feat_in: number }; encoder: { jasper: object[] } }
    }
    expect(model.decoder.feat_in).toBe(64)
    expect(model.encoder.jasper.map((block) => ({ ...block }))).toEqual([{ filters: 32 }, { filters: 64 }])
  })

  it('a missing value raises only when it is read, with its full key', () => {
    const config = tiny()
    const view = config.view() as unknown as { data: { sample_rate: number; manifest: string } }
    expect(view.data.sample_rate).toBe(16000)
    expect(() => view.data.manifest).toThrow(
      'data.manifest is mandatory and has no value (???) in tiny.yaml; set it in the config or give data.manifest=VALUE on the command line',
    )
    expect(() => config.get('model.manifest')).toThrow(MissingValueError)
    expect(() => config.get('model.manifest')).toThrow(/^data\.manifest, needed by model\.manifest, is mandatory/)
    expect(config.select('data.manifest', 'none')).toBe('none')
    expect(config.isMissing('data.manifest')).toBe(true)
    expect(config.missingKeys()).toEqual(['data.manifest'])
    expect(config.toObject().model).toMatchObject({ manifest: '???', sample_rate: 16000 })
    expect(() => config.toObject({ throwOnMissing: true })).toThrow(MissingValueError)
  })

  it('a section is a resolved mapping, or an error', () => {
    const config = Config.fromYaml('rate: 8000\nmodel: { sample_rate: "${rate}" }')
    expect(config.section('model')).toEqual({ sample_rate: 8000 })
    expect(() => config.section('models')).toThrow('models: the config has no such key; it has rate, model')
    expect(() => config.section('rate')).toThrow('rate: expected a mapping, found 8000')
  })

  it('an unknown key names the nearest known one', () => {
    expect(() => tiny().get('model.encdoer.jasper')).toThrow(
      'there is no key "model.encdoer" in tiny.yaml; did you mean "model.encoder.jasper"?',
    )
    expect(() => tiny().get('model.zzz')).toThrow('known here: sample_rate, manifest, encoder, decoder')
    expect(() => tiny().get('name.first')).toThrow('name.first: "name" is "tiny", which has no keys in tiny.yaml')
  })

  it('circles are found and shown', () => {
    const config = new Config({ a: '${b}', b: 'x${c}', c: '${a}', d: { e: '${d}' } })
    expect(() => config.get('a')).toThrow('interpolations run in a circle: a -> b -> c -> a')
    expect(() => config.toObject()).toThrow(InterpolationError)
    expect(() => new Config({ d: { e: '${d}' } }).toObject()).toThrow('contains itself through an interpolation')
  })

  it('interpolation errors name the key, the text and the nearest key', () => {
    const config = new Config({ model: { lr: '${modle.x}', other: '${.lrr}', bad: '${x', f: '${ocenv:A}' } })
    expect(() => config.get('model.lr')).toThrow('model.lr: ${modle.x}: there is no key "modle"; did you mean "model"?')
    expect(() => config.get('model.other')).toThrow(
      'model.other: ${.lrr}: there is no key "model.lrr"; did you mean "model.lr"?',
    )
    expect(() => config.get('model.bad')).toThrow(
      'model.bad: malformed interpolation: "${" is never closed by "}"\n  ${x\n  ^',
    )
    expect(() => config.get('model.f')).toThrow('there is no resolver "ocenv"; did you mean "oc.env"?')
  })

  it('text and trees that double at each step stop with an error', () => {
    const texts: Record<string, string> = { t0: 'x'.repeat(100) }
    const trees: Record<string, string | string[]> = { t0: ['x'] }
    for (let level = 1; level < 40; level += 1) {
      texts[`t${level}`] = `\${t${level - 1}}\${t${level - 1}}`
      trees[`t${level}`] = [`\${t${level - 1}}`, `\${t${level - 1}}`]
    }
    expect(() => new Config(texts).get('t39')).toThrow('longer than 1000000 characters')
    expect(() => new Config(trees).toObject()).toThrow('expand to more than 1000000 values')
  })

  it('a long chain of interpolations resolves', () => {
    const chain: Record<string, string | number> = { k0: 7 }
    for (let index = 1; index < 500; index += 1) chain[`k${index}`] = `\${k${index - 1}}`
    expect(new Config(chain).get('k499')).toBe(7)
  })

  it('env reads typed values and oc.env text', () => {
    process.env.NEMO_TEST_LIST = '[1,2.5,a]'
    try {
      const config = new Config({
        a: '${env:NEMO_TEST_LIST}',
        b: '${oc.env:NEMO_TEST_LIST}',
        c: '${env:NEMO_TEST_NO,3}',
      })
      expect(config.toObject()).toEqual({ a: [1, 2.5, 'a'], b: '[1,2.5,a]', c: 3 })
    } finally {
      delete process.env.NEMO_TEST_LIST
    }
    expect(() => new Config({ a: '${oc.env:NEMO_TEST_NO}' }).get('a')).toThrow(
      'a: ${oc.env:NEMO_TEST_NO}: the environment variable NEMO_TEST_NO is not set',
    )
  })

  it('now formats one moment for the whole run', () => {
    const config = new Config({ a: '${now:%Y-%m-%d_%H-%M-%S}', b: '${now:%Y-%m-%d_%H-%M-%S}' })
    expect(config.get('a')).toMatch(/^\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$/)
    expect(config.get('a')).toBe(config.get('b'))
  })

  it('own resolvers get resolved arguments', () => {
    registerResolver('test.multiply', ([a, b]) => Number(a) * Number(b))
    expect(new Config({ a: 3, b: '${test.multiply:${a},2}' }).get('b')).toBe(6)
    expect(() => registerResolver('test.multiply', () => 0)).toThrow('registered already')
    expect(() => registerResolver('not a name', () => 0)).toThrow('identifiers')
  })

  it('what a resolver returns is final', () => {
    process.env.NEMO_TEST_TEXT = '${secret}'
    try {
      expect(new Config({ secret: 1, a: '${oc.env:NEMO_TEST_TEXT}' }).get('a')).toBe('${secret}')
    } finally {
      delete process.env.NEMO_TEST_TEXT
    }
  })

  it('set changes known keys, adds on request, and copies what an interpolation shares', () => {
    const config = new Config({ base: { lr: 1 }, a: '${base}', list: [1, 2] })
    config.set('a.lr', 5)
    config.set('list[1]', 7)
    config.set('new.deep.key', true, { add: true })
    expect(config.toObject()).toEqual({ base: { lr: 1 }, a: { lr: 5 }, list: [1, 7], new: { deep: { key: true } } })
    expect(() => config.set('bsae.lr', 2)).toThrow('there is no key "bsae"; did you mean "base"?')
    expect(() => config.set('base.lr.x', 2, { add: true })).toThrow('"base.lr" is 1, which cannot hold a key')
    expect(() => config.set('list[9]', 2)).toThrow('list[9]: the list has 2 items, there is no item 9')
    config.delete('base.lr')
    expect(config.get('base')).toEqual({})
  })

  it('merge follows OmegaConf: mappings by key, lists whole, ??? never overwrites', () => {
    expect(
      mergeConfigs(
        { a: 1, b: { c: 1, d: [1, 2] }, e: { x: 1 } },
        { a: '???', b: { d: [3], f: null }, e: 5 },
        { g: { h: 1 } },
      ),
    ).toEqual({ a: 1, b: { c: 1, d: [3], f: null }, e: 5, g: { h: 1 } })
    expect(() => mergeConfigs({ a: { b: [1] } }, { a: { b: { c: 1 } } })).toThrow(
      'a.b: a mapping cannot be merged into the list that is there',
    )
    expect(new Config({ x: { b: 1 }, a: '${x}' }).merge({ a: { c: 2 } }).raw()).toEqual({
      x: { b: 1 },
      a: { b: 1, c: 2 },
    })
  })

  it('an interpolation to any tree gives the tree itself', () => {
    const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.stringMatching(/^[a-z ]*$/))
    const tree = fc.object({
      key: fc.stringMatching(/^[a-z]{1,4}$/),
      values: [leaf],
      maxDepth: 3,
      withNullPrototype: false,
    })
    fc.assert(
      fc.property(tree, fc.integer({ min: 0, max: 4 }), (value, hops) => {
        const config: Record<string, unknown> = { target: value }
        for (let hop = 0; hop < hops; hop += 1) config[`hop${hop}`] = hop === 0 ? '${target}' : `\${hop${hop - 1}}`
        const resolved = new Config(config as never).toObject()
        for (let hop = 0; hop < hops; hop += 1) expect(resolved[`hop${hop}`]).toEqual(value)
      }),
      { seed: 6, numRuns: 300 },
    )
  })

  it('escaped text of any content resolves to itself', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab${}\\.:,'), maxLength: 12 })
    fc.assert(
      fc.property(text, (plain) => {
        // Backslashes count only where they touch an interpolation, so those are doubled too.
        const escaped = plain.replace(/(\\*)\$\{/g, (_, slashes: string) => `${slashes}${slashes}\\\${`)
        expect(new Config({ a: escaped }).get('a')).toBe(plain)
      }),
      { seed: 7, numRuns: 1000 },
    )
  })

  it('random interpolations resolve or raise a ConfigError', () => {
    const noise = fc.string({
      unit: fc.constantFrom('${', '}', '.', 'a', 'b', '[', ']', ':', ',', "'", '"', '\\', ' ', '0'),
      maxLength: 14,
    })
    fc.assert(
      fc.property(noise, noise, (a, b) => {
        try {
          new Config({ a, b: { a: b, b: [a, 1] } }).toObject()
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^NEMO_CONFIG_/)
        }
      }),
      { seed: 8, numRuns: 3000 },
    )
  })
})
