import { type Parameter, relu, type Tensor, type TensorData, tensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { BatchNorm1d } from '../layers/batchNorm1d.js'
import { Linear } from '../layers/linear.js'
import { Layer, ModuleList, Sequential } from './containers.js'
import { ModuleError, StateDictError } from './errors.js'
import { Module } from './module.js'

class Block extends Module {
  readonly scale: Parameter
  readonly steps: Parameter
  readonly hidden: Parameter
  readonly linear: Linear
  readonly norm: BatchNorm1d

  constructor() {
    super()
    // Registered in another order than PyTorch lists them: parameters, buffers, children.
    this.linear = this.addModule('linear', new Linear(2, 3))
    this.steps = this.addBuffer('steps', tensorData(0, 'float32'))
    this.hidden = this.addBuffer('hidden', tensorData([1], 'float32'), { persistent: false })
    this.scale = this.addParameter('scale', tensorData([1, 2], 'float32'))
    this.norm = this.addModule('norm', new BatchNorm1d(3))
  }
}

class Tied extends Module {
  readonly encoder = this.addModule('encoder', new Linear(2, 2, { bias: false }))
  readonly decoder = this.shareParameter('decoder_weight', this.encoder.weight)
}

class Parts extends Module {
  override addModule<M extends Module>(name: string, module: M): M {
    return super.addModule(name, module)
  }
  override addParameter(name: string, value: TensorData): Parameter {
    return super.addParameter(name, value)
  }
}

const state = async (module: Module) =>
  Object.fromEntries([...(await module.stateDict())].map(([name, { data }]) => [name, Array.from(data, Number)]))

describe('names', () => {
  it('of a state dict are those of PyTorch, in its order: parameters, buffers, then children', () => {
    expect([...new Block().namedTensors().keys()]).toEqual([
      'scale',
      'steps',
      'linear.weight',
      'linear.bias',
      'norm.weight',
      'norm.bias',
      'norm.running_mean',
      'norm.running_var',
      'norm.num_batches_tracked',
    ])
  })

  it('of buffers that are not persistent stay out of state dicts', () => {
    const block = new Block()
    expect([...block.namedBuffers().keys()]).not.toContain('hidden')
    expect([...block.namedBuffers({ all: true }).keys()]).toContain('hidden')
  })

  it('are written into parameters and buffers', () => {
    const block = new Block().nameParameters('model.')
    expect(block.linear.weight.name).toBe('model.linear.weight')
    expect(block.norm.runningMean.name).toBe('model.norm.running_mean')
    expect(block.hidden.name).toBe('model.hidden')
  })

  it('that are taken, empty or hold a slash are refused', () => {
    const parts = new Parts()
    parts.addModule('a', new Block())
    expect(() => parts.addParameter('a', tensorData(1, 'float32'))).toThrow(ModuleError)
    expect(() => parts.addModule('a', new Block())).toThrow('Parts has two parts named a')
    expect(() => parts.addModule('', new Block())).toThrow(/is no name/)
    expect(() => parts.addModule('a/b', new Block())).toThrow(/'a\/b' is no name/)
  })

  it('of a list are its indices', () => {
    const list = new ModuleList([new Linear(1, 1), new Linear(1, 1)]).append(new Linear(1, 1, { bias: false }))
    expect([...list.namedParameters().keys()]).toEqual(['0.weight', '0.bias', '1.weight', '1.bias', '2.weight'])
    expect(list.length).toBe(3)
    expect(list.at(-1)).toBe([...list][2])
    expect(list.at(5)).toBeUndefined()
  })

  it('modules come parents first', () => {
    const block = new Block()
    expect(block.modules()).toEqual([block, block.linear, block.norm])
    expect([...block.children.keys()]).toEqual(['linear', 'norm'])
  })
})

describe('shared parameters', () => {
  it('are trained once and stored under each name', async () => {
    const tied = new Tied()
    expect(tied.parameters()).toEqual([tied.encoder.weight])
    expect([...tied.namedParameters().keys()]).toEqual(['decoder_weight'])
    expect([...tied.namedParameters({ all: true }).keys()]).toEqual(['decoder_weight', 'encoder.weight'])
    expect([...(await tied.stateDict()).keys()]).toEqual(['decoder_weight', 'encoder.weight'])
    expect(tied.numWeights).toBe(4)
  })

  it('load from a state dict that holds both names', async () => {
    const tied = new Tied()
    const copy = new Tied()
    copy.loadStateDict(await tied.stateDict())
    expect(await state(copy)).toEqual(await state(tied))
    expect(copy.decoder).toBe(copy.encoder.weight)
  })
})

describe('state dicts', () => {
  it('go round', async () => {
    const block = new Block()
    const other = new Block()
    expect(await state(other)).not.toEqual(await state(block))
    expect(other.loadStateDict(await block.stateDict())).toEqual({ missing: [], unexpected: [] })
    expect(await state(other)).toEqual(await state(block))
  })

  it('that do not fit name what is missing and what is too much, and change nothing', async () => {
    const block = new Block()
    const wrong = await new Block().stateDict()
    wrong.delete('norm.bias')
    wrong.set('extra', tensorData(1, 'float32'))
    const before = await state(block)
    expect(() => block.loadStateDict(wrong)).toThrow(StateDictError)
    expect(() => block.loadStateDict(wrong)).toThrow(
      /does not fit Block\. Missing: norm.bias\. Unexpected: extra\. Load with strict: false/,
    )
    expect(await state(block)).toEqual(before)
  })

  it('are taken as far as they fit without strict', async () => {
    const block = new Block()
    const wrong = await new Block().stateDict()
    wrong.delete('norm.bias')
    wrong.set('extra', tensorData(1, 'float32'))
    expect(block.loadStateDict(wrong, { strict: false })).toEqual({ missing: ['norm.bias'], unexpected: ['extra'] })
    expect((await state(block))['linear.weight']).toEqual(Array.from(wrong.get('linear.weight')!.data, Number))
  })

  it('with other shapes or types name all of them, also without strict, and change nothing', async () => {
    const block = new Block()
    const wrong = await new Block().stateDict()
    wrong.set('scale', tensorData([1, 2, 3], 'float32'))
    wrong.set('steps', tensorData(1, 'int64'))
    const before = await state(block)
    expect(() => block.loadStateDict(wrong, { strict: false })).toThrow(
      /scale is float32\[3\], expected float32\[2\]; steps is int64\[\], expected float32\[\]/,
    )
    expect(await state(block)).toEqual(before)
  })

  it('name only the first of many', async () => {
    const list = new ModuleList(Array.from({ length: 10 }, () => new Linear(1, 1)))
    expect(() => list.loadStateDict(new Map())).toThrow(/3.bias and 12 more/)
  })
})

describe('freezing', () => {
  const trained = (module: Module) => module.parameters().map((parameter) => parameter.requiresGrad)

  it('stops training of all parameters and switches to evaluation, as NeMo does', () => {
    const block = new Block()
    expect(block.numWeights).toBe(2 + 9 + 6)
    block.freeze()
    expect(new Set(trained(block))).toEqual(new Set([false]))
    expect(block.numWeights).toBe(0)
    expect(block.modules().every((module) => !module.training)).toBe(true)
    block.unfreeze()
    expect(new Set(trained(block))).toEqual(new Set([true]))
    expect(block.modules().every((module) => module.training)).toBe(true)
  })

  it('never makes buffers trained', () => {
    const block = new Block()
    block.freeze()
    block.unfreeze()
    expect(block.norm.runningMean.requiresGrad).toBe(false)
  })

  it('keeps a part in evaluation mode while a training graph is built around it', () => {
    const block = new Block()
    block.norm.freeze()
    expect(block.withMode(true, () => [block.training, block.linear.training, block.norm.training])).toEqual([
      true,
      true,
      false,
    ])
    // Unless somebody says so.
    block.norm.train()
    expect(block.withMode(true, () => block.norm.training)).toBe(true)
    block.norm.freeze()
    block.eval()
    expect(block.withMode(true, () => block.norm.training)).toBe(false)
  })

  it('for a while restores what was', async () => {
    const block = new Block()
    block.linear.bias!.requiresGrad = false
    block.eval()
    block.linear.train()
    block.norm.freeze()
    const before = trained(block)
    const result = await block.asFrozen(async () => {
      await Promise.resolve()
      expect(trained(block)).not.toContain(true)
      return 7
    })
    expect(result).toBe(7)
    expect(trained(block)).toEqual(before)
    expect([block.training, block.linear.training]).toEqual([false, true])
    expect(block.withMode(true, () => [block.linear.training, block.norm.training])).toEqual([true, false])
    await expect(block.asFrozen(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
    expect(trained(block)).toEqual(before)
  })
})

describe('modes', () => {
  it('train and eval reach all parts', () => {
    const block = new Block()
    expect(block.eval().norm.training).toBe(false)
    expect(block.train().norm.training).toBe(true)
  })

  it('withMode restores each part, also after an error', () => {
    const block = new Block()
    block.norm.eval()
    expect(block.withMode(false, () => block.modules().some((module) => module.training))).toBe(false)
    expect(() =>
      block.withMode(true, () => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(block.modules().map((module) => module.training)).toEqual([true, true, false])
  })
})

it('a sequence applies its layers one after the other, each in its own scope', () => {
  class Rectifier extends Layer {
    override forward(x: Tensor): Tensor {
      return relu(x)
    }
  }
  const x = new Linear(2, 2).weight
  const y = new Sequential([new Rectifier(), new Rectifier()]).forward(x)
  expect(y.node.scope).toBe('1')
  const inner = y.node.inputs[0]!
  expect(inner.node.scope).toBe('0')
  expect(inner.node.inputs).toEqual([x])
  expect(new Sequential().forward(x)).toBe(x)
})
