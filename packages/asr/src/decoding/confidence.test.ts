import { describe, expect, it } from 'vitest'
import { type ConfidenceMethodConfig, confidenceMeasure } from './confidence.js'

const methods: readonly ConfidenceMethodConfig[] = [
  { name: 'max_prob', alpha: 1 },
  { name: 'max_prob', alpha: 0.5 },
  ...(['gibbs', 'tsallis', 'renyi'] as const).flatMap((entropy_type) =>
    (['lin', 'exp'] as const).flatMap((entropy_norm) =>
      [1, entropy_type === 'gibbs' ? 0.8 : 0.33].map((alpha) => ({
        name: 'entropy' as const,
        entropy_type,
        entropy_norm,
        alpha,
      })),
    ),
  ),
]
const lnOf = (probabilities: readonly number[]) => Float32Array.from(probabilities, Math.log)

describe('confidence of a frame', () => {
  it.each(methods)('$name $entropy_type $entropy_norm alpha $alpha: 0 for uniform, 1 for one class', (method_cfg) => {
    const { frame } = confidenceMeasure({ method_cfg }, 5)
    expect(frame(lnOf([0.2, 0.2, 0.2, 0.2, 0.2]), 0)).toBeCloseTo(0, 5)
    expect(frame(lnOf([0, 0, 1, 0, 0]), 0)).toBeCloseTo(1, 5)
    const between = frame(lnOf([0.1, 0.1, 0.6, 0.1, 0.1]), 0)
    expect(between).toBeGreaterThan(0)
    expect(between).toBeLessThan(frame(lnOf([0.02, 0.02, 0.92, 0.02, 0.02]), 0))
  })

  // Written out from the formulas of NeMo's get_confidence_measure_bank for p = (0.7, 0.2, 0.1).
  it.each([
    [{ name: 'max_prob', alpha: 1 }, (0.7 * 3 - 1) / 2],
    [{ name: 'max_prob', alpha: 0.5 }, (Math.sqrt(0.7 * 3) - 1) / (Math.sqrt(3) - 1)],
    [{ entropy_type: 'gibbs', entropy_norm: 'lin', alpha: 1 }, 1 - 0.801819 / Math.log(3)],
    [{ entropy_type: 'gibbs', entropy_norm: 'exp', alpha: 1 }, (Math.exp(-0.801819) * 3 - 1) / 2],
    [{ entropy_type: 'tsallis', entropy_norm: 'lin', alpha: 0.5 }, 1 + (1 - 1.600101) / (Math.sqrt(3) - 1)],
    [{ entropy_type: 'renyi', entropy_norm: 'exp', alpha: 0.5 }, (1.600101 ** -2 * 3 - 1) / 2],
    [{ entropy_type: 'gibbs', entropy_norm: 'lin', alpha: 0.5 }, 1 - 1.746311 / Math.log(3) / Math.sqrt(3)],
  ] as const)('%o', (method_cfg, want) => {
    expect(confidenceMeasure({ method_cfg }, 3).frame(lnOf([9, 0.7, 0.2, 0.1]), 1)).toBeCloseTo(want, 4)
  })
})

it.each([
  ['mean', 0.5],
  ['min', 0.2],
  ['max', 0.8],
  ['prod', 0.08],
] as const)('parts by %s', (aggregation, want) => {
  expect(confidenceMeasure({ aggregation }, 3).aggregate([0.5, 0.2, 0.8])).toBeCloseTo(want)
})

it('unknown names and an alpha of 0 are refused', () => {
  expect(() => confidenceMeasure({ aggregation: 'sum' as never }, 3)).toThrow(
    /aggregation.*mean, min, max, prod.*"sum"/,
  )
  expect(() => confidenceMeasure({ method_cfg: { name: 'luck' as never } }, 3)).toThrow(/name/)
  expect(() => confidenceMeasure({ method_cfg: { alpha: 0 } }, 3)).toThrow(/alpha.*0/)
})
