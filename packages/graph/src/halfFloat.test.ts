import { describe, expect, test } from 'vitest'
import { bfloat16Bits, float16Bits, numberOfBfloat16, numberOfFloat16 } from './halfFloat.js'
import { constant, full } from './ops/leaves.js'

describe('16-bit floats', () => {
  test('every half-precision number comes back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = numberOfFloat16(bits)
      if (!Number.isNaN(value)) expect(float16Bits(value)).toBe(bits)
    }
    expect(Number.isNaN(numberOfFloat16(float16Bits(Number.NaN)))).toBe(true)
  })

  test('numbers between two are rounded to the nearer, halves to even', () => {
    expect(float16Bits(1 + 2 ** -11)).toBe(0x3c00)
    expect(float16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02)
    expect(float16Bits(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01)
    expect(float16Bits(2047.75)).toBe(0x6800)
    expect(float16Bits(65519)).toBe(0x7bff)
    expect(float16Bits(65520)).toBe(0x7c00)
    expect(float16Bits(2 ** -25)).toBe(0)
    expect(float16Bits(-(2 ** -25) * 1.01)).toBe(0x8001)
    expect(float16Bits(2 ** -14 * (1 - 2 ** -12))).toBe(0x0400)
  })

  test('every bfloat16 number comes back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = numberOfBfloat16(bits)
      if (!Number.isNaN(value)) expect(bfloat16Bits(value)).toBe(bits)
    }
    expect(bfloat16Bits(1 + 2 ** -8)).toBe(0x3f80)
    expect(bfloat16Bits(1 + 3 * 2 ** -8)).toBe(0x3f82)
  })

  test('constants of numbers are stored as bits', () => {
    expect([...constant([0.5, -2], 'float16').constant!.data]).toEqual([0x3800, 0xc000])
    expect([...full([2], 1, 'bfloat16').constant!.data]).toEqual([0x3f80, 0x3f80])
  })
})
