import { describe, expect, test } from 'vitest'
import { compile } from './compile.js'
import { CompileError, FeedError, RuntimeError } from './errors.js'
import { grad } from './grad.js'
import { add, mul, sub } from './ops/arithmetic.js'
import { cast } from './ops/cast.js'
import { concat } from './ops/concat.js'
import { gather } from './ops/gather.js'
import { constant, input } from './ops/leaves.js'
import { matMul } from './ops/matMul.js'
import { randomUniform } from './ops/random.js'
import { reduceMean, reduceSum } from './ops/reduction.js'
import { parameter } from './parameter.js'
import { ort } from './runtime/ort/ort.js'

const runtime = ort({ threads: 1 })
const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe('feeds', () => {
  const x = input('x', 'float32', ['B', 'T'])
  const w = input('w', 'float32', ['T', 2])
  const program = compile({ y: matMul(x, w) }, { runtime })

  test('are nested lists, typed arrays or tensor data', async () => {
    const { run } = { run: (await program).run.bind(await program) }
    const expected = [1, 2, 3, 4]
    const eye = [
      [1, 0],
      [0, 1],
    ]
    expect(
      numbers(
        (
          await run({
            x: [
              [1, 2],
              [3, 4],
            ],
            w: eye,
          })
        ).y.data,
      ),
    ).toEqual(expected)
    const data = Float32Array.of(1, 2, 3, 4)
    expect(
      numbers((await run({ x: { dtype: 'float32', shape: [2, 2], data }, w: Float32Array.of(1, 0, 0, 1) })).y.data),
    ).toEqual(expected)
  })

  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['missing', { x: [[1]] }, 'Input w (float32[T, 2]) was not fed'],
    ['unknown', { x: [[1]], w: [[1, 2]], z: [1] }, 'Unknown input z; the program reads x, w'],
    ['of another rank', { x: [1], w: [[1, 2]] }, 'Input x: expected float32[B, T], found shape [1]'],
    [
      'of another size',
      { x: [[1]], w: [[1, 2, 3]] },
      'Input w, axis 1: expected 2, found 3 (shape [1, 3], declared float32[T, 2])',
    ],
    [
      'of unequal symbols',
      { x: [[1, 2]], w: [[1, 2]] },
      'Input w, axis 0: expected T = 2 as in another input, found 1',
    ],
    [
      'of another dtype',
      { x: { dtype: 'int32', shape: [1, 1], data: Int32Array.of(1) }, w: [[1, 2]] },
      'Input x: Expected float32, found int32. Cast it first.',
    ],
    ['ragged', { x: [[1, 2], [3]], w: [[1, 2]] }, 'Input x: Nested array is ragged'],
    [
      'flat, with rows that do not come out even',
      { x: [[1, 2]], w: Float32Array.of(1, 2, 3) },
      'Input w: expected float32[T, 2], found shape [3]',
    ],
    [
      'with fewer elements than their shape',
      { x: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1) }, w: [[1, 2]] },
      'Shape [2, 2] needs 4 elements, found 1',
    ],
  ]
  for (const [title, feeds, message] of cases) {
    test(`${title} are an error that says so`, async () => {
      const failing = (await program).run(feeds as never)
      await expect(failing).rejects.toThrow(FeedError)
      await expect((await program).run(feeds as never)).rejects.toThrow(message)
    })
  }

  test('numbers that an integer input cannot hold are an error', async () => {
    const n = input('n', 'int64', [])
    const count = await compile({ sum: add(n, n) }, { runtime })
    await expect(count.run({ n: 1.5 })).rejects.toThrow(FeedError)
    expect((await count.run({ n: 3n })).sum.data[0]).toBe(6n)
  })

  test('of derived sizes are checked against the symbols they come from', async () => {
    const half = input('half', 'float32', ['floor((N)/2)'])
    const whole = input('whole', 'float32', ['N'])
    const both = await compile({ y: reduceSum(whole), z: reduceSum(half) }, { runtime })
    expect(numbers((await both.run({ whole: [1, 2, 3], half: [4] })).z.data)).toEqual([4])
  })

  test('a fixed program is fed nothing', async () => {
    const three = await compile({ y: add(constant([1, 2]), 1) }, { runtime })
    expect(three.inputs).toEqual([])
    expect(numbers((await three.run()).y.data)).toEqual([2, 3])
  })
})

describe('outputs', () => {
  const x = input('x', 'float32', ['N'])
  const w = parameter('w', [5, 6])

  test('may be inputs, parameters, constants, or one tensor twice', async () => {
    const y = add(x, x)
    const program = await compile({ same: x, w, c: constant([7]), y, again: y }, { runtime })
    const found = await program.run({ x: [1, 2, 3] })
    expect(Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, numbers(data)]))).toEqual({
      same: [1, 2, 3],
      w: [5, 6],
      c: [7],
      y: [2, 4, 6],
      again: [2, 4, 6],
    })
  })

  test('belong to the caller: writing to them changes no parameter', async () => {
    const program = await compile({ w }, { runtime })
    const first = await program.run()
    ;(first.w.data as Float32Array).fill(0)
    expect(numbers((await program.run()).w.data)).toEqual([5, 6])
  })

  test('may have no elements', async () => {
    const program = await compile({ y: mul(x, 2), s: reduceSum(x) }, { runtime })
    const found = await program.run({ x: new Float32Array(0) })
    expect([found.y.shape, found.y.data.length, found.s.data[0]]).toEqual([[0], 0, 0])
  })

  test('may not have the name of an input, as in ONNX files', async () => {
    await expect(compile({ x: add(x, 1) }, { runtime })).rejects.toThrow(CompileError)
  })

  test('of two inputs with one name are an error', async () => {
    await expect(compile({ y: reduceSum(x), z: reduceSum(input('x', 'float32', [])) }, { runtime })).rejects.toThrow(
      'Two different inputs are named x',
    )
  })
})

describe('updates', () => {
  test('apply once a run, all from the old values', async () => {
    const [a, b] = [parameter('a', [1, 1]), parameter('b', [10, 20])]
    const program = await compile(
      { before: a, sum: add(a, b) },
      {
        runtime,
        updates: [
          [a, b],
          [b, add(a, b)],
        ],
      },
    )
    const first = await program.run()
    expect([numbers(first.before.data), numbers(first.sum.data)]).toEqual([
      [1, 1],
      [11, 21],
    ])
    expect(numbers((await a.value()).data)).toEqual([10, 20])
    expect(numbers((await b.value()).data)).toEqual([11, 21])
    await program.run()
    await program.run()
    expect(numbers((await a.value()).data)).toEqual([21, 41])
    expect(numbers((await b.value()).data)).toEqual([32, 62])
  })

  test('of runs that overlap come one after the other', async () => {
    const n = parameter('n', 0)
    const program = await compile({ n }, { runtime, updates: [[n, add(n, 1)]] })
    const seen = await Promise.all(Array.from({ length: 5 }, () => program.run()))
    expect(seen.map(({ n: value }) => value.data[0])).toEqual([0, 1, 2, 3, 4])
    expect((await n.value()).data[0]).toBe(5)
  })

  test('may set a parameter to an input or to a constant', async () => {
    const w = parameter('w', [0, 0])
    const x = input('x', 'float32', [2])
    const program = await compile({}, { runtime, updates: [[w, x]] })
    await program.run({ x: [3, 4] })
    expect(numbers((await w.value()).data)).toEqual([3, 4])
    await (await compile({}, { runtime, updates: [[w, constant([7, 8])]] })).run()
    expect(numbers((await w.value()).data)).toEqual([7, 8])
  })

  test('train: a line is fitted by gradient descent in one program', async () => {
    const [slope, offset] = [parameter('slope', 0), parameter('offset', 0)]
    const [x, y] = [input('x', 'float32', ['N']), input('y', 'float32', ['N'])]
    const error = sub(add(mul(x, slope), offset), y)
    const loss = reduceMean(mul(error, error))
    const [dSlope, dOffset] = grad(loss, [slope, offset])
    const step = await compile(
      { loss },
      {
        runtime,
        updates: [
          [slope, sub(slope, mul(dSlope!, 0.1))],
          [offset, sub(offset, mul(dOffset!, 0.1))],
        ],
      },
    )
    const xs = [-2, -1, 0, 1, 2]
    for (let i = 0; i < 200; i++) await step.run({ x: xs, y: xs.map((v) => 3 * v - 1) })
    expect((await slope.value()).data[0]).toBeCloseTo(3, 4)
    expect((await offset.value()).data[0]).toBeCloseTo(-1, 4)
  })

  test('a failed run changes nothing', async () => {
    const n = parameter('n', 1)
    const i = input('i', 'int64', [1])
    const picked = reduceSum(gather(constant([1, 2]), i))
    const program = await compile({ picked }, { runtime, updates: [[n, add(n, picked)]] })
    await expect(program.run({ i: [5] })).rejects.toThrow(RuntimeError)
    expect([n.version, (await n.value()).data[0]]).toEqual([0, 1])
    await program.run({ i: [1] })
    expect((await n.value()).data[0]).toBe(3)
  })

  test('twice for one parameter, or of another shape, are an error', async () => {
    const w = parameter('w', [1, 2])
    await expect(
      compile(
        {},
        {
          runtime,
          updates: [
            [w, w],
            [w, w],
          ],
        },
      ),
    ).rejects.toThrow('w is updated twice')
    await expect(compile({}, { runtime, updates: [[w, constant([1])]] })).rejects.toThrow(
      'The update of w is float32[1], expected float32[2]',
    )
    await expect(compile({}, { runtime, updates: [[w, cast(w, 'float64')]] })).rejects.toThrow(CompileError)
  })
})

describe('parameters', () => {
  test('are shared by two programs of one runtime', async () => {
    const w = parameter('w', 1)
    const grow = await compile({}, { runtime, updates: [[w, mul(w, 2)]] })
    const read = await compile({ y: add(w, 0.5) }, { runtime })
    await grow.run()
    expect((await read.run()).y.data[0]).toBe(2.5)
    await grow.run()
    expect((await read.run()).y.data[0]).toBe(4.5)
    w.set(100)
    expect((await read.run()).y.data[0]).toBe(100.5)
    await grow.run()
    expect((await w.value()).data[0]).toBe(200)
  })

  test('move between two runtimes with their newest value', async () => {
    const w = parameter('w', 1)
    const [one, two] = [ort({ threads: 1 }), ort({ threads: 1 })]
    const [first, second] = await Promise.all(
      [one, two].map((home) => compile({ w }, { runtime: home, updates: [[w, mul(w, 3)]] })),
    )
    await first!.run()
    expect((await second!.run()).w.data[0]).toBe(3)
    expect((await first!.run()).w.data[0]).toBe(9)
    expect(w.owner).toBe(one)
    await two.dispose()
    await one.dispose()
    expect(w.owner).toBeUndefined()
    expect((await w.value()).data[0]).toBe(27)
  })

  test('with one name, or the name of an input, are told apart', async () => {
    const [a, b] = [parameter('w', 1), parameter('w', 10)]
    const x = input('w', 'float32', [])
    const program = await compile({ y: add(add(a, b), x) }, { runtime })
    expect((await program.run({ w: 100 })).y.data[0]).toBe(111)
  })

  test('that are frozen may not change', async () => {
    const w = parameter('encoder.w', [1, 2])
    const x = input('x', 'float32', [2])
    const program = await compile({ y: mul(x, w) }, { runtime, freezeParameters: true })
    expect(numbers((await program.run({ x: [3, 3] })).y.data)).toEqual([3, 6])
    w.set([5, 5])
    await expect(program.run({ x: [3, 3] })).rejects.toThrow(
      'encoder.w changed after the program was compiled with freezeParameters',
    )
    await expect(compile({}, { runtime, freezeParameters: true, updates: [[w, w]] })).rejects.toThrow(CompileError)
  })

  test('that are frozen stay usable after the runtime that owned them is gone', async () => {
    const w = parameter('w', [1, 2])
    const other = ort({ threads: 1 })
    await (await compile({ w }, { runtime: other })).run()
    const program = await compile({ y: add(w, w) }, { runtime, freezeParameters: true })
    await other.dispose()
    expect(numbers((await program.run()).y.data)).toEqual([2, 4])
  })
})

describe('dtypes', () => {
  test('float64 and int64 keep their precision', async () => {
    const d = input('d', 'float64', [1])
    const n = input('n', 'int64', [1])
    const program = await compile({ square: mul(d, d), sum: add(n, n) }, { runtime })
    const found = await program.run({ d: [1 + 2 ** -40], n: [2n ** 53n + 1n] })
    expect(found.square.data[0]).toBe((1 + 2 ** -40) ** 2)
    expect(found.sum.data[0]).toBe(2n ** 54n + 2n)
  })

  test('float16 parameters and results are raw bits', async () => {
    const w = parameter('w', Uint16Array.of(0x3c00, 0x4000), { dtype: 'float16' })
    const program = await compile({ y: cast(w, 'float32'), h: mul(w, w) }, { runtime, updates: [[w, add(w, w)]] })
    const found = await program.run()
    expect([numbers(found.y.data), numbers(found.h.data)]).toEqual([
      [1, 2],
      [0x3c00, 0x4400],
    ])
    expect(numbers((await w.value()).data)).toEqual([0x4000, 0x4400])
  })

  test('booleans are bytes', async () => {
    const b = input('b', 'bool', [2])
    const program = await compile({ both: concat([b, b], 0) }, { runtime })
    expect(numbers((await program.run({ b: [true, false] })).both.data)).toEqual([1, 0, 1, 0])
  })
})

describe('a program', () => {
  test('lists what it reads and gives', async () => {
    const w = parameter('w', 1)
    const program = await compile({ y: mul(input('x', 'float32', ['B']), w) }, { runtime })
    expect(program.inputs.map(({ name, tensor }) => `${name} ${tensor}`)).toEqual(['x float32[B]'])
    expect(program.outputs.map(({ name, tensor }) => `${name} ${tensor}`)).toEqual(['y float32[B]'])
    expect(program.parameters).toEqual([w])
  })

  test('that draws random numbers wants a seed, and nothing else', async () => {
    const program = await compile({ y: randomUniform([2]) }, { runtime })
    await expect(program.run()).rejects.toThrow('pass { seed, step }')
    expect((await program.run({}, { seed: 1 })).y.shape).toEqual([2])
  })

  test('fails with a RuntimeError that keeps the cause', async () => {
    const i = input('i', 'int64', [1])
    const program = await compile({ y: gather(constant([1, 2]), i) }, { runtime })
    const error = await program.run({ i: [7] }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RuntimeError)
    expect((error as RuntimeError).code).toBe('NEMO_RUNTIME')
    expect((error as RuntimeError).message).toContain('Gather')
    expect((error as RuntimeError).cause).toBeInstanceOf(Error)
  })

  test('says so when it runs after it was disposed', async () => {
    const program = await compile({ y: constant(1) }, { runtime })
    await program.dispose()
    await program.dispose()
    await expect(program.run()).rejects.toThrow('disposed')
  })
})

describe('a runtime in a worker', () => {
  test('leaves the calling thread free while it computes', async () => {
    const home = ort({ worker: true, threads: 1 })
    let x = input('x', 'float32', [700, 700])
    const start = x
    for (let i = 0; i < 8; i++) x = mul(matMul(x, start), 1e-3)
    const program = await compile({ y: reduceSum(x) }, { runtime: home })
    const feeds = { x: new Float32Array(490000).fill(0.5) }
    await program.run(feeds)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    await program.run(feeds)
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(0)
    await home.dispose()
  })

  test('updates parameters, brings them home and gives the feeds back untouched', async () => {
    const home = ort({ worker: true, threads: 1 })
    const w = parameter('w', [1, 2])
    const x = input('x', 'float32', [2])
    const program = await compile({ y: mul(x, w) }, { runtime: home, updates: [[w, add(w, x)]] })
    const feed = Float32Array.of(3, 4)
    expect(numbers((await program.run({ x: feed })).y.data)).toEqual([3, 8])
    expect(numbers((await program.run({ x: feed })).y.data)).toEqual([12, 24])
    expect([...feed]).toEqual([3, 4])
    await home.dispose()
    expect(numbers((await w.value()).data)).toEqual([7, 10])
  })

  test('reports errors of compiling and of running under their own classes', async () => {
    const home = ort({ worker: true, threads: 1 })
    const i = input('i', 'int64', [1])
    const program = await compile({ y: gather(constant([1, 2]), i) }, { runtime: home })
    await expect(program.run({ i: [7] })).rejects.toThrow(RuntimeError)
    expect(numbers((await program.run({ i: [1] })).y.data)).toEqual([2])
    await home.dispose()
  })

  test('can be disposed while idle, and says so when used afterwards', async () => {
    const home = ort({ worker: true, threads: 1 })
    const program = await compile({ y: constant(1) }, { runtime: home })
    await home.dispose()
    await expect(program.run()).rejects.toThrow(RuntimeError)
  })
})
