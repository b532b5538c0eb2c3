import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitReader, EndOfBits } from './bitReader.js'

/** Bits, first one first, as bytes. */
function packed(bits: string): Uint8Array {
  const bytes = bits.match(/.{1,8}/g) ?? []
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
}

const field = fc
  .integer({ min: 1, max: 32 })
  .chain((width) => fc.record({ width: fc.constant(width), value: fc.integer({ min: 0, max: 2 ** width - 1 }) }))

describe('BitReader', () => {
  it('reads unsigned fields of any width back', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const reader = new BitReader(
          packed(fields.map(({ width, value }) => value.toString(2).padStart(width, '0')).join('')),
        )
        expect(fields.map(({ width }) => reader.unsigned(width))).toEqual(fields.map(({ value }) => value))
      }),
      { seed: 4 },
    )
  })

  it('signed fields are two’s complement', () => {
    expect(new BitReader(Uint8Array.of(0xff, 0x80)).signed(8)).toBe(-1)
    expect(new BitReader(Uint8Array.of(0x80)).signed(8)).toBe(-128)
    expect(new BitReader(Uint8Array.of(0x80, 0, 0, 0, 0)).signed(33)).toBe(-(2 ** 32))
    expect(new BitReader(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0x80)).signed(33)).toBe(2 ** 32 - 1)
  })

  it('unary counts zeros, over word boundaries too', () => {
    for (const zeros of [0, 1, 7, 8, 31, 32, 33, 100]) {
      const reader = new BitReader(packed(`${'0'.repeat(zeros)}101`))
      expect(reader.unary()).toBe(zeros)
      expect(reader.unsigned(2)).toBe(1)
    }
  })

  it('Rice codes read back for every parameter', () => {
    const values = fc.array(fc.integer({ min: -300, max: 300 }))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), values, (parameter, numbers) => {
        const bits = numbers.map((value) => {
          const folded = value < 0 ? -2 * value - 1 : 2 * value
          const low = parameter === 0 ? '' : (folded % 2 ** parameter).toString(2).padStart(parameter, '0')
          return `${'0'.repeat(Math.floor(folded / 2 ** parameter))}1${low}`
        })
        const out = new Float64Array(numbers.length)
        new BitReader(packed(bits.join(''))).rice(out, 0, out.length, parameter)
        expect(Array.from(out)).toEqual(numbers)
      }),
      { seed: 5 },
    )
    const zero = new Float64Array(3)
    new BitReader(packed('1011001')).rice(zero, 0, 2, 0)
    expect(Array.from(zero)).toEqual([0, -1, 0])
  })

  it('alignment goes to the next byte', () => {
    const reader = new BitReader(Uint8Array.of(0xff, 0x12, 0x34))
    reader.unsigned(3)
    reader.align()
    expect(reader.byteOffset).toBe(1)
    reader.align()
    expect(reader.unsigned(8)).toBe(0x12)
  })

  it('the end is an exception, not zeros', () => {
    expect(() => new BitReader(Uint8Array.of(1)).unsigned(9)).toThrow(EndOfBits)
    expect(() => new BitReader(Uint8Array.of(0)).unary()).toThrow(EndOfBits)
    expect(() => new BitReader(Uint8Array.of(0)).rice(new Float64Array(1), 0, 1, 3)).toThrow(EndOfBits)
  })
})
