import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixturePath } from '../../test/checkpoint/describeValue.js'
import { TinyModel, tinyModel, weightsOf } from '../../test/trainer/tinyModel.js'
import { OpaqueObject, OrderedDict, PythonFloat, type PythonValue } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { lightningModules } from '../checkpoint/torchGlobals.js'
import { writeTorchFile } from '../checkpoint/writeTorch.js'
import { ModelCheckpoint } from '../trainer/callbacks/modelCheckpoint.js'
import { Trainer } from '../trainer/trainer.js'
import { fromPython, toPython } from './hyperParameters.js'
import { Model } from './model.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-checkpoint-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

it('a run’s checkpoint gives back its model, with its config', async () => {
  const model = tinyModel({ channels: 6, dropout: 0.25 })
  const checkpoints = new ModelCheckpoint({ dirpath: scratch, save_top_k: 0 })
  await new Trainer({ max_epochs: 1 }, { callbacks: [checkpoints], runtime }).fit(model)
  for (const type of [TinyModel, Model]) {
    const loaded = (await type.loadFromCheckpoint(checkpoints.lastPath)) as TinyModel
    expect(loaded.cfg).toEqual({ ...model.cfg, target: 'test.TinyModel' })
    expect(await weightsOf(loaded)).toEqual(await weightsOf(model))
    expect(loaded.training).toBe(false)
  }
})

it('a checkpoint without config needs one', async () => {
  const model = tinyModel({ channels: 6 })
  const path = join(scratch, 'bare.ckpt')
  const weights = new OrderedDict(await model.stateDict()) as unknown as PythonValue
  await writeTorchFile(path, new Map([['state_dict', weights]]) as PythonValue)
  await expect(TinyModel.loadFromCheckpoint(path)).rejects.toThrow(/bare.ckpt holds no config.*overrideConfig/)
  const loaded = await TinyModel.loadFromCheckpoint(path, { overrideConfig: { channels: 6 } })
  expect(await weightsOf(loaded)).toEqual(await weightsOf(model))
  await expect(Model.loadFromCheckpoint(path, { overrideConfig: { channels: 6 } })).rejects.toThrow(
    /names no target.*loadFromCheckpoint on the class/,
  )
})

it('OmegaConf’s objects are read as the config they hold', () => {
  const omega = (name: string, state: Record<string, PythonValue>) => {
    const object = new OpaqueObject(`omegaconf.${name}`, [])
    object.state = new Map(Object.entries(state))
    return object
  }
  const node = (value: PythonValue) => omega('nodes.AnyNode', { _metadata: null, _parent: null, _val: value })
  const dict = (content: Record<string, PythonValue>) =>
    omega('dictconfig.DictConfig', { _metadata: null, _content: new Map(Object.entries(content)) })
  const list = (...content: PythonValue[]) => omega('listconfig.ListConfig', { _metadata: null, _content: content })
  const cfg = dict({
    lr: node(new PythonFloat(1)),
    labels: list(node('a'), node(null)),
    encoder: dict({ filters: node(3), on: node(true), ref: node('${model.lr}') }),
  })
  expect(fromPython(cfg, 'cfg')).toEqual({
    lr: 1,
    labels: ['a', null],
    encoder: { filters: 3, on: true, ref: '${model.lr}' },
  })
  expect(() => fromPython(dict({ a: list(new OpaqueObject('nemo.Thing', [])) }), 'cfg')).toThrow(
    /cfg\.a\[0\]: expected a value of a config, found nemo\.Thing/,
  )
  const plain = { a: [1, 2.5, null, 'x'], b: { c: true } }
  expect(fromPython(toPython(plain), 'cfg')).toEqual(plain)
})

it('the config of a file that Lightning itself saved, with OmegaConf’s objects, is read', async () => {
  const contents = await readTorchFile(fixturePath('lightning1.9.ckpt'), { opaque: lightningModules })
  const saved = (contents as Map<string, Map<string, PythonValue>>).get('hyper_parameters')?.get('cfg')
  expect(fromPython(saved, 'cfg')).toEqual({ labels: ['a', 'b'], copy: '${labels}', lr: 1e-3 })
})
