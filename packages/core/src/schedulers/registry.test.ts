import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createScheduler } from './registry.js'

interface Variant {
  policy: string
  config: Record<string, unknown>
  base_lr: number
  lrs: number[]
  error?: string
}

// Computed by NeMo v1.0.0 and PyTorch 1.13; see the reference case schedulers.
const { variants } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/schedulers.json', import.meta.url), 'utf8'),
) as { variants: Variant[] }

it.each(variants.filter((variant) => !variant.error))(
  '$policy $config gives the rates of the original',
  ({ policy, config, base_lr, lrs }) => {
    const scheduler = createScheduler({ name: policy, ...config }, base_lr)
    lrs.forEach((lr, step) => {
      expect(Math.abs(scheduler.lr(step) - lr)).toBeLessThanOrEqual(1e-12 * Math.abs(lr) + 1e-18)
    })
  },
)

it.each(variants.filter((variant) => variant.error))(
  '$policy $config fails, where the original does',
  ({ policy, config, base_lr }) => {
    expect(() => createScheduler({ name: policy, ...config }, base_lr).lr(7)).toThrow(/NEMO_SCHEDULER/)
  },
)

it('an unknown policy names the known ones', () => {
  expect(() => createScheduler({ name: 'Cosine' }, 0.1, 10)).toThrow(/unknown policy 'Cosine'.*CosineAnnealing/)
})

it('an unknown key is refused with its name', () => {
  expect(() => createScheduler({ name: 'CosineAnnealing', warmup: 5, max_steps: 10 }, 0.1)).toThrow(/warmup/)
})

it('max_steps comes from the run where the section does not say', () => {
  const scheduler = createScheduler({ name: 'CosineAnnealing', warmup_steps: 2 }, 0.1, 10)
  expect(scheduler.lr(10)).toBeCloseTo(0, 12)
  expect(scheduler.lr(11)).toBe(0)
})

it('without a section the rate stays', () => {
  expect(createScheduler(undefined, 0.3).lr(1e6)).toBe(0.3)
})
