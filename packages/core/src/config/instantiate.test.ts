import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Config } from './config.js'
import type { ConfigObject } from './configValue.js'
import { UnknownTargetError } from './errors.js'
import { instantiate } from './instantiate.js'
import { registerTarget, resolveTarget, TargetRegistry } from './targetRegistry.js'
import { validateConfig } from './validateConfig.js'

class Encoder {
  constructor(readonly args: Record<string, unknown>) {}
}

function registryWithEncoder(): TargetRegistry {
  const registry = new TargetRegistry()
  registry.register(
    ['nemo.collections.asr.modules.ConvASREncoder', 'nemo.collections.asr.modules.conv_asr.ConvASREncoder'],
    (args) => new Encoder(args),
  )
  registry.register('nemo.collections.asr.modules.ConvASRDecoder', (args) => ({ decoder: args }))
  registry.register('torch.nn.Fails', () => {
    throw new Error('feat_in must be positive')
  })
  return registry
}

describe('instantiate', () => {
  const registry = registryWithEncoder()

  it('calls the factory with resolved arguments, nested nodes first, extras over them', () => {
    const config = new Config({
      width: 64,
      _target_: 'nemo.collections.asr.modules.ConvASREncoder',
      feat_in: '${width}',
      blocks: [{ decoder: { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', n: '${width}' } }],
    })
    const made = instantiate<Encoder>(config, { width: 1, extra: 'x' }, { registry })
    expect(made).toBeInstanceOf(Encoder)
    expect(made.args).toEqual({ width: 1, feat_in: 64, blocks: [{ decoder: { decoder: { n: 64 } } }], extra: 'x' })
  })

  it('every alias leads to the same target', () => {
    const one = registry.resolve('nemo.collections.asr.modules.ConvASREncoder')
    expect(registry.resolve('nemo.collections.asr.modules.conv_asr.ConvASREncoder')).toBe(one)
    expect(one.name).toBe('nemo.collections.asr.modules.ConvASREncoder')
  })

  it('an unknown target is named exactly, with its key path and the nearest known ones', () => {
    const config = { encoder: { _target_: 'nemo.collections.tts.modules.ConvASREncodr' } }
    const node = { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', ...config }
    expect(() => instantiate(node, {}, { registry, keyPath: 'model' })).toThrow(
      'model.encoder._target_: unknown target "nemo.collections.tts.modules.ConvASREncodr"; nearest known: nemo.collections.asr.modules.ConvASREncoder, nemo.collections.asr.modules.conv_asr.ConvASREncoder',
    )
    try {
      instantiate(node, {}, { registry, keyPath: 'model' })
    } catch (error) {
      expect(error).toBeInstanceOf(UnknownTargetError)
      expect((error as UnknownTargetError).target).toBe('nemo.collections.tts.modules.ConvASREncodr')
      expect((error as UnknownTargetError).keyPath).toBe('model.encoder._target_')
    }
  })

  it('a node without a target, a missing value and a failing factory say where', () => {
    expect(() => instantiate({ a: 1 }, {}, { registry, keyPath: 'model' })).toThrow(
      'model._target_: must name what to make',
    )
    expect(() => instantiate({ _target_: 3 }, {}, { registry })).toThrow('_target_: must name what to make; found 3')
    const node = { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', list: [{ path: '???' }] }
    expect(() => instantiate(node, {}, { registry, keyPath: 'model' })).toThrow('model.list[0].path is mandatory')
    expect(() => instantiate({ _target_: 'torch.nn.Fails' }, {}, { registry, keyPath: 'model.x' })).toThrow(
      'model.x: cannot make torch.nn.Fails: feat_in must be positive',
    )
  })

  it('what a factory finds wrong with its node is named from the root of the config', () => {
    const schema = z.object({ jasper: z.array(z.object({ filters: z.number() })), width: z.number().optional() })
    const strict = new TargetRegistry()
    strict.register('test.Encoder', (args) => validateConfig(schema, args, { source: 'Encoder' }))
    strict.register('test.Model', ({ encoder }) =>
      instantiate(encoder as ConfigObject, {}, { registry: strict, keyPath: 'encoder' }),
    )
    const build = (encoder: ConfigObject) => () =>
      instantiate({ _target_: 'test.Model', _recursive_: false, encoder }, {}, { registry: strict, keyPath: 'model' })
    expect(build({ _target_: 'test.Encoder', jasper: [{ filter: 3 }] })).toThrow(
      [
        '2 problems in Encoder',
        '  model.encoder.jasper[0].filter: unknown key; did you mean model.encoder.jasper[0].filters?',
        '  model.encoder.jasper[0].filters: is required: expected a number',
      ].join('\n'),
    )
    expect(build({ _target_: 'test.Decoder' })).toThrow('model.encoder._target_: unknown target "test.Decoder"')
    expect(build({ _target_: 'test.Encoder', jasper: '???' })).toThrow(
      /^model\.encoder\.jasper is mandatory.*give model\.encoder\.jasper=VALUE/,
    )
  })

  it('_recursive_: false leaves nested nodes plain and _partial_ waits for arguments', () => {
    const inner = { _target_: 'unknown.Thing', path: '???' }
    const plain = { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', _recursive_: false, inner }
    expect(instantiate(plain, {}, { registry })).toEqual({ decoder: { inner } })
    const partial = { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', _partial_: true, a: 1 }
    const make = instantiate<(args: object) => unknown>(partial, {}, { registry })
    expect(make({ b: 2 })).toEqual({ decoder: { a: 1, b: 2 } })
  })

  it('a name is registered once, and only dotted names are', () => {
    registerTarget('test.core.Once', () => 1)
    expect(resolveTarget('test.core.Once').factory({})).toBe(1)
    expect(() => registerTarget('test.core.Once', () => 2)).toThrow('registered already')
    registerTarget('test.core.Once', () => 2, { replace: true })
    expect(resolveTarget('test.core.Once').factory({})).toBe(2)
    expect(() => registerTarget('rm -rf /', () => 1)).toThrow('identifiers joined by dots')
    expect(() => new TargetRegistry().resolve('a.B', 'model._target_')).toThrow(
      'model._target_: unknown target "a.B"; no target is registered: import the collection that has it',
    )
  })
})
