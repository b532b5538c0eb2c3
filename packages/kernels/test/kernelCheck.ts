import { ort, type TensorData } from '@nemo/graph'
import { expect, test } from 'vitest'
import { type KernelCheck, runCheck } from './runCheck.js'
import { testDevice } from './testDevice.js'

export { SIZES, seededRandom } from './runCheck.js'
export { testDevice }

/** A check and what it says. */
export interface NamedCheck {
  readonly title: string
  readonly check: KernelCheck
}

const reference = ort({ threads: 1 })

// Whoever sets this gets the checks instead of tests: the browser's page, and the test that drives it.
const place = globalThis as { collectedKernelChecks?: NamedCheck[] }

/** Registers a test: the graph, and its gradient with random weights on the outputs, on both executors. */
export function checkKernel(title: string, check: KernelCheck): void {
  if (place.collectedKernelChecks) place.collectedKernelChecks.push({ title, check })
  else test(title, async () => expectAgreement(check, await runCheck(check, await testDevice())))
}

/** Fails unless results are those of ONNX Runtime. */
export async function expectAgreement(check: KernelCheck, found: readonly Record<string, TensorData>[]): Promise<void> {
  const expected = await runCheck(check, reference)
  expect(found.length).toBe(expected.length)
  expected.forEach((outputs, i) => {
    for (const [name, value] of Object.entries(outputs)) {
      const what = `${name} at ${JSON.stringify(check.sizes?.[i] ?? {})}`
      expectSame(found[i]![name]!, value, check.tolerance ?? [1e-5, 2e-5], what)
    }
  })
}

/** Fails unless dtype and shape are equal and elements within tolerance; infinities and NaNs must coincide. */
export function expectSame(
  found: TensorData,
  expected: TensorData,
  [absolute, relative]: readonly [number, number],
  what: string,
): void {
  expect(found.dtype, `dtype of ${what}`).toBe(expected.dtype)
  expect([...found.shape], `shape of ${what}`).toEqual([...expected.shape])
  for (let i = 0; i < expected.data.length; i++) {
    const [got, want] = [Number(found.data[i]), Number(expected.data[i])]
    if (Object.is(got, want) || got === want) continue
    if (!(Math.abs(got - want) <= absolute + relative * Math.abs(want))) {
      expect.fail(`${what}: element ${i} of [${expected.shape.join(', ')}] is ${got}, expected ${want}.`)
    }
  }
}
