import { add, dropout, mul, ort, type Tensor } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { Dropout } from '../layers/dropout.js'
import { Linear } from '../layers/linear.js'
import { ChannelType, LengthsType } from '../neuralTypes/elementTypes.js'
import { port } from '../neuralTypes/neuralType.js'
import type { Inputs, Outputs } from '../neuralTypes/ports.js'
import { typecheck } from '../neuralTypes/typecheck.js'
import { ModuleError } from './errors.js'
import { defaultRuntime, NeuralModule } from './neuralModule.js'

afterAll(() => defaultRuntime().dispose())

class Shift extends NeuralModule {
  static readonly inputTypes = {
    xIn: port('B D', ChannelType),
    offset: port('B D', ChannelType, { optional: true }),
  }
  static readonly outputTypes = { yOut: port('B D', ChannelType), extra: port('B D', ChannelType, { optional: true }) }
  readonly linear = this.addModule('linear', new Linear(2, 2))
  readonly dropout = this.addModule('dropout', new Dropout(0.5))
  built = 0

  @typecheck()
  forward({ xIn, offset }: Inputs<typeof Shift>): Outputs<typeof Shift> {
    this.built++
    const y = this.dropout.forward(offset ? add(xIn, offset) : xIn)
    return { yOut: y, ...(offset && { extra: mul(y, 2) }) } as Outputs<typeof Shift>
  }
}

const x = [[1, 2]]
const values = (tensor: { readonly data: ArrayLike<number | bigint> } | undefined) => Array.from(tensor!.data, Number)

it('run computes outputs from arrays, optional ports or not', async () => {
  const module = new Shift().eval()
  const plain = await module.run({ xIn: x })
  expect(Object.keys(plain)).toEqual(['yOut'])
  expect(values(plain.yOut)).toEqual([1, 2])
  const both = await module.run({ offset: [[10, 10]], xIn: x })
  expect(values(both.yOut)).toEqual([11, 12])
  expect(values(both.extra)).toEqual([22, 24])
})

it('run compiles once per set of ports, mode of any part, and runtime', async () => {
  const module = new Shift().eval()
  for (let i = 0; i < 3; i++) await module.run({ xIn: x })
  expect(module.built).toBe(1)
  await module.run({ xIn: x, offset: x })
  await module.run({ offset: x, xIn: x })
  expect(module.built).toBe(2)
  module.train()
  await module.run({ xIn: x }, { seed: 1 })
  expect(module.built).toBe(3)
  module.dropout.eval()
  expect(values((await module.run({ xIn: x })).yOut)).toEqual([1, 2])
  expect(module.built).toBe(4)
  const runtime = ort({ threads: 1 })
  await module.run({ xIn: x }, { runtime })
  await module.run({ xIn: x }, { runtime })
  expect(module.built).toBe(5)
  await module.clearPrograms()
  await runtime.dispose()
  // The other runtime is gone; the default one is not asked for its program.
  expect(values((await module.run({ xIn: x })).yOut)).toEqual([1, 2])
  expect(module.built).toBe(6)
})

it('run takes batches of any size with one program', async () => {
  const module = new Shift().eval()
  expect((await module.run({ xIn: [[1, 2]] })).yOut!.shape).toEqual([1, 2])
  expect(
    (
      await module.run({
        xIn: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      })
    ).yOut!.shape,
  ).toEqual([3, 2])
  expect(module.built).toBe(1)
})

it('run in training mode draws the same numbers for the same seed, whatever was built before', async () => {
  const draw = async () => values((await new Shift().run({ xIn: [Array(50).fill(1)] }, { seed: 3 })).yOut)
  const first = await draw()
  dropout(new Shift().linear.weight, 0.5)
  expect(await draw()).toEqual(first)
  expect(new Set(first)).toEqual(new Set([0, 2]))
})

it('run in training mode without a seed says what to pass', async () => {
  await expect(new Shift().run({ xIn: x })).rejects.toThrow(/seed/)
})

it('unknown and missing ports are named', async () => {
  const module = new Shift()
  await expect(module.run({ x_in: x })).rejects.toThrow('Shift has no port x_in; its ports are xIn, offset.')
  await expect(module.run({ offset: x })).rejects.toThrow('Shift needs the port xIn too.')
  await expect(module.run({ offset: x })).rejects.toBeInstanceOf(ModuleError)
  await expect(module.run({ toString: x } as never)).rejects.toThrow('no port toString')
})

it('arrays that do not fit are named', async () => {
  await expect(new Shift().eval().run({ xIn: [1, 2] })).rejects.toThrow(
    /Input x_in: expected float32\[B, dimension_x_in\], found shape \[2\]/,
  )
  await expect(
    new Shift().eval().run({
      xIn: x,
      offset: [
        [1, 2],
        [3, 4],
      ],
    }),
  ).rejects.toThrow(/offset, axis 0/)
})

it('a module without ports cannot run', async () => {
  class Bare extends NeuralModule {
    forward(): object {
      return {}
    }
  }
  await expect(new Bare().run({})).rejects.toThrow(/Bare declares no input ports/)
})

it('a graph that cannot be built fails each call, and works once it can', async () => {
  class Moody extends NeuralModule {
    static readonly inputTypes = { x: port('B', LengthsType) }
    static readonly outputTypes = { y: port('B', LengthsType) }
    fails = true
    forward({ x: lengths }: { readonly x: Tensor }): object {
      if (this.fails) throw new Error('not today')
      return { y: add(lengths, 1) }
    }
  }
  const module = new Moody()
  await expect(module.run({ x: [1] })).rejects.toThrow('not today')
  await expect(module.run({ x: [1] })).rejects.toThrow('not today')
  module.fails = false
  expect(values((await module.run({ x: [1] })).y)).toEqual([2])
})

it('the summary lists the parts with their weights', () => {
  const module = new Shift()
  module.linear.bias!.requiresGrad = false
  expect(module.summary()).toBe(
    [
      '         Shift                6',
      'linear   Linear               6',
      'dropout  Dropout              0',
      'weights: 6, trained: 4',
    ].join('\n'),
  )
})
