import { checkOp } from '../../test/opCheck.js'
import { elementwise, reduceWith, total } from '../../test/referenceArray.js'
import { lpNormalize } from './lpNormalization.js'

for (const p of [1, 2] as const) {
  for (const axis of [-1, 0]) {
    checkOp('LpNormalization', `with p ${p} along axis ${axis}`, {
      inputs: [{ shape: ['B', 3, 'T'] }],
      sizes: [
        { B: 2, T: 5 },
        { B: 1, T: 2 },
      ],
      secondOrder: true,
      gradientTolerance: { absolute: 1e-3, relative: 1e-3 },
      build: ([x]) => lpNormalize(x!, axis, p),
      reference: ([x]) =>
        elementwise(
          (v, n) => v / n,
          x!,
          reduceWith(x!, [axis], true, (v) => (p === 1 ? total(v.map(Math.abs)) : Math.hypot(...v))),
        ),
    })
  }
}
