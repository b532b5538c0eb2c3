import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compile } from '../../compile.js'
import { add, mul } from '../../ops/arithmetic.js'
import { input } from '../../ops/leaves.js'
import { scan } from '../../ops/scan.js'
import { inScope } from '../../scope.js'
import { ort } from './ort.js'
import { type ProfileEvent, timeShares } from './profile.js'

const kernel = (node: string, op: string, ts: number, dur: number): ProfileEvent => ({
  cat: 'Node',
  name: `${node}_kernel_time`,
  ts,
  dur,
  args: { op_name: op },
})

test('times are sums over the runs of a profile, per run, the longest first', () => {
  const run = { cat: 'Session', name: 'model_run' }
  const events = [
    kernel('a/Add', 'Add', 0, 1000),
    kernel('a/b/Mul', 'Mul', 1000, 5000),
    run,
    kernel('a/Add', 'Add', 9000, 3000),
    run,
  ]
  expect(timeShares(events)).toEqual([
    { name: 'Mul', ms: 2.5, share: 5 / 9, count: 0.5 },
    { name: 'Add', ms: 2, share: 4 / 9, count: 1 },
  ])
})

test('an op that calls others counts without them', () => {
  const events = [kernel('Scan', 'Scan', 0, 100), kernel('Add', 'Add', 10, 30), kernel('Add', 'Add', 50, 30)]
  expect(timeShares(events).map(({ name, ms, count }) => [name, ms, count])).toEqual([
    ['Add', 0.06, 2],
    ['Scan', 0.04, 1],
  ])
})

test('scopes are cut to the wanted depth', () => {
  const events = [kernel('a/b/Add_3', 'Add', 0, 1), kernel('a/c/Mul', 'Mul', 1, 1), kernel('Neg', 'Neg', 2, 1)]
  const names = (depth?: number) => timeShares(events, { by: 'scope', ...(depth && { depth }) }).map(({ name }) => name)
  expect(names()).toEqual(['a/b', 'a/c', ''])
  expect(names(1)).toEqual(['a', ''])
})

test('an empty profile has no shares', () => {
  expect(timeShares([])).toEqual([])
})

test('the profile of a real program names its ops and scopes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'profile-'))
  try {
    const x = input('x', 'float32', ['T', 4])
    const { rows } = inScope('loop', () =>
      scan({ states: [], sequences: [x], step: (_, [row]) => ({ states: [], rows: [add(row!, row!)] }) }),
    )
    const y = inScope('after', () => mul(rows[0]!, x))
    const program = await compile({ y }, { runtime: ort({ threads: 1, profilePrefix: join(folder, 'p') }) })
    for (let run = 0; run < 2; run++)
      await program.run({ x: { dtype: 'float32', shape: [3, 4], data: new Float32Array(12) } })
    await program.dispose()
    const [file] = await readdir(folder)
    const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as ProfileEvent[]
    expect(Object.fromEntries(timeShares(events).map(({ name, count }) => [name, count]))).toEqual({
      Scan: 1,
      Add: 3,
      Mul: 1,
    })
    expect(new Set(timeShares(events, { by: 'scope' }).map(({ name }) => name))).toEqual(new Set(['loop', 'after']))
  } finally {
    await rm(folder, { recursive: true })
  }
})
