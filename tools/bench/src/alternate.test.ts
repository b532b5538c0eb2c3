import { expect, it } from 'vitest'
import { alternate } from './alternate.js'

it('takes turns, swaps the order every round and drops the warm-up', async () => {
  const log: string[] = []
  const side = (name: string) => ({
    name,
    measure: async () => {
      log.push(name)
      return log.length
    },
  })
  const times = await alternate([side('a'), side('b')], { rounds: 2, warmup: 1 })
  expect(log.join('')).toBe('baabba')
  expect(times).toEqual([
    [3, 6],
    [4, 5],
  ])
})
