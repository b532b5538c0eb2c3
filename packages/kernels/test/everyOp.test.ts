/** Every op, forward and gradient, on random and edge shapes, against ONNX Runtime. */
import { input, type OpType, topologicalOrder, withRandomStreams } from '@nemo/graph'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kernels } from '../src/ops/registry.js'
import { everyOp } from './everyOp.js'
import { expectAgreement, testDevice } from './kernelCheck.js'
import { runCheck, type Sizes } from './runCheck.js'

const SHAPES = 3
const size = fc.oneof(fc.constantFrom(1, 2, 31, 32, 33, 64, 65), fc.integer({ min: 1, max: 140 }))
const shapes = fc.record({ B: fc.integer({ min: 1, max: 4 }), T: size })

// Equal names give equal shapes, in every run.
const seedOf = (name: string): number => [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) | 0, 7)

for (const [type, trial] of Object.entries(everyOp) as [OpType, (typeof everyOp)[OpType]][]) {
  if ('without' in trial) {
    test(`${type} has no kernel: ${trial.without}`, () => {
      expect(typeof kernels[type]).toBe('object')
    })
    continue
  }
  test(`${type} on random and edge shapes equals ONNX Runtime's`, async () => {
    const { empty = true, ...check } = trial
    const edges: Sizes[] = [{ B: 1, T: 1 }, ...(empty ? [{ B: 2, T: 0 }] : [])]
    const drawn = [...edges, ...fc.sample(shapes, { seed: seedOf(type), numRuns: SHAPES })]
    const sizes = drawn.map(({ B, T }) => ({ B: B!, T: T!, N: 2 * B! * T! }))
    await expectAgreement({ ...check, sizes }, await runCheck({ ...check, sizes }, await testDevice()))
  })
  test(`the trial of ${type} holds that op`, () => {
    const tensors = trial.inputs.map(({ shape, dtype }, i) => input(`x${i}`, dtype ?? 'float32', shape))
    const built = withRandomStreams(() => trial.build(tensors))
    const types = topologicalOrder([built].flat()).map(({ op }) => op.type)
    expect(types).toContain(type)
  })
}
