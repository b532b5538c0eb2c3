import { expect, it } from 'vitest'
import { opShares, type ProfileEvent } from './opShares.js'

const kernel = (op: string, ts: number, dur: number): ProfileEvent => ({
  cat: 'Node',
  name: `${op}_${ts}_kernel_time`,
  ts,
  dur,
  args: { op_name: op },
})

it('adds up kernels by op type and divides by the runs', () => {
  const shares = opShares([kernel('Conv', 0, 3000), kernel('Relu', 3000, 1000), kernel('Conv', 4000, 4000)], 2)
  expect(shares).toEqual([
    { op: 'Conv', ms: 3.5, share: 0.875, count: 1 },
    { op: 'Relu', ms: 0.5, share: 0.125, count: 0.5 },
  ])
})

it('does not count the body of a Scan twice', () => {
  const shares = opShares([kernel('Add', 10, 300), kernel('Add', 400, 500), kernel('Scan', 0, 1000)], 1)
  expect(shares.map(({ op, ms }) => [op, ms])).toEqual([
    ['Add', 0.8],
    ['Scan', 0.2],
  ])
})

it('leaves out events that are not kernels', () => {
  const events = [
    { cat: 'Session', name: 'model_run', ts: 0, dur: 9 },
    { cat: 'Node', name: 'x_fence_before', dur: 5 },
  ]
  expect(opShares(events, 1)).toEqual([])
})
