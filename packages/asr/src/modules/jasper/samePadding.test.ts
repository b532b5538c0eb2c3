import { describe, expect, it } from 'vitest'
import { samePadding, scaledKernelSize } from './samePadding.js'

describe('samePadding', () => {
  it('is dilation (kernel - 1) / 2', () => {
    expect(samePadding(11, 1, 1)).toBe(5)
    expect(samePadding(11, 2, 1)).toBe(5)
    expect(samePadding(29, 1, 2)).toBe(28)
    expect(samePadding(11, 1, 3)).toBe(15)
  })

  it('splits unevenly when only some frames of the future may be seen', () => {
    expect(samePadding(11, 1, 1, 2)).toEqual([8, 2])
    expect(samePadding(11, 1, 1, 0)).toEqual([10, 0])
    expect(samePadding(11, 1, 1, 11)).toBe(5)
    expect(samePadding(11, 1, 2, 2)).toEqual([17, 4])
  })

  it('refuses stride and dilation together', () => {
    expect(() => samePadding(3, 2, 2)).toThrow(/stride 2 and dilation 2/)
  })
})

describe('scaledKernelSize', () => {
  it('rounds down, then up to an odd number, and is at least 1', () => {
    expect([
      scaledKernelSize(21, 0.5),
      scaledKernelSize(11, 1),
      scaledKernelSize(4, 1),
      scaledKernelSize(9, 0.25),
      scaledKernelSize(3, 0.1),
    ]).toEqual([11, 11, 5, 3, 1])
  })
})
