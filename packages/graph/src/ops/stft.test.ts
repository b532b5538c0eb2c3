import { describe, expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, at, elementwise, type ReferenceArray } from '../../test/referenceArray.js'
import { AttributeError, ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { frames, powerSpectrum, stft } from './stft.js'

const SIZES = [
  { B: 2, L: 21 },
  { B: 1, L: 30 },
  { B: 3, L: 16 },
]

for (const [length, hop] of [
  [8, 4],
  [7, 3],
  [5, 5],
  [4, 6],
  [8, 1],
] as const) {
  checkOp('Pad', `cuts frames of ${length} every ${hop}`, {
    inputs: [{ shape: ['B', 'L'] }],
    sizes: SIZES,
    secondOrder: true,
    build: ([x]) => frames(x!, { length, hop }),
    reference: ([x], { B, L }) =>
      array([B!, Math.floor((L! - length) / hop) + 1, length], ([b, t, n]) => at(x!, [b!, t! * hop + n!])),
  })
}

function spectrum(
  x: ReferenceArray,
  nFft: number,
  hop: number,
  window: readonly number[],
  center: boolean,
): ReferenceArray[] {
  const [B, L] = x.shape as [number, number]
  const shift = center ? nFft / 2 : 0
  const sample = (b: number, i: number) => at(x, [b, i < 0 ? -i : i >= L ? 2 * (L - 1) - i : i])
  const count = Math.floor((L + 2 * shift - nFft) / hop) + 1
  const offset = Math.floor((nFft - window.length) / 2)
  const transform = (part: (angle: number) => number) =>
    array([B, nFft / 2 + 1, count], ([b, f, t]) =>
      window.reduce(
        (sum, w, n) =>
          sum + w * sample(b!, t! * hop + n + offset - shift) * part((-2 * Math.PI * f! * (n + offset)) / nFft),
        0,
      ),
    )
  return [transform(Math.cos), transform(Math.sin)]
}

const hann = (length: number) =>
  Array.from({ length }, (_, n) => Math.fround(0.5 - 0.5 * Math.cos((2 * Math.PI * n) / (length - 1))))
for (const { nFft, hop, window, center } of [
  { nFft: 8, hop: 4, window: hann(8), center: true },
  { nFft: 16, hop: 5, window: hann(10), center: true },
  { nFft: 12, hop: 3, window: hann(7), center: false },
  { nFft: 8, hop: 3, window: hann(6), center: true },
  { nFft: 6, hop: 2, window: hann(6), center: true },
] as const) {
  checkOp(
    'Conv',
    `as a Fourier transform of ${nFft} every ${hop}, window ${window.length}${center ? ', centred' : ''}`,
    {
      inputs: [{ shape: ['B', 'L'] }],
      sizes: SIZES,
      tolerance: { absolute: 5e-5, relative: 5e-5 },
      gradientTolerance: { absolute: 5e-4, relative: 5e-4 },
      build: ([x]) => {
        const { real, imaginary } = stft(x!, { nFft, hop, window, center })
        return [real, imaginary, powerSpectrum(x!, { nFft, hop, window, center })]
      },
      reference: ([x]) => {
        const [real, imaginary] = spectrum(x!, nFft, hop, window, center) as [ReferenceArray, ReferenceArray]
        return [real, imaginary, elementwise((a, b) => a * a + b * b, real, imaginary)]
      },
    },
  )
}

describe('promised sizes and errors', () => {
  const x = input('x', 'float32', ['B', 'L'])

  test('a centred transform has floor(L / hop) + 1 frames', () => {
    expect(stft(x, { nFft: 512, hop: 160, window: new Float32Array(320).fill(1) }).real.shape).toEqual([
      'B',
      257,
      'floor((L)/160)+1',
    ])
  })
  test('a signal shorter than a frame', () => {
    expect(() => frames(input('y', 'float32', [1, 3]), { length: 4, hop: 2 })).toThrow(ShapeError)
  })
  test('a window longer than the transform, or an odd transform', () => {
    expect(() => stft(x, { nFft: 8, hop: 4, window: new Float32Array(9) })).toThrow(AttributeError)
    expect(() => stft(x, { nFft: 9, hop: 4 })).toThrow(AttributeError)
  })
  test('a signal that is no matrix', () => {
    expect(() => stft(input('y', 'float32', [100]), { nFft: 8, hop: 4 })).toThrow(ShapeError)
  })
})
