import { ctcLoss, logSoftmax, reduceSum } from '@nemo/graph'
import { checkKernel } from '../../test/kernelCheck.js'

const CLASSES = 6
const utterances = (lengths: readonly number[]) => (_: () => number, at: number) => lengths[at % lengths.length]!
const sizes = [
  { B: 4, T: 12, U: 4 },
  { B: 2, T: 7, U: 1 },
  { B: 4, T: 150, U: 70 },
]

for (const zeroInfinity of [false, true]) {
  checkKernel(
    `CTC loss and its gradient equal their definition's, infeasible ones ${zeroInfinity ? 'zero' : 'infinite'}`,
    {
      inputs: [
        { shape: ['B', 'T', CLASSES], values: [-3, 3] },
        { shape: ['B', 'U'], dtype: 'int64', values: [0, CLASSES - 1] },
        {
          shape: ['B'],
          dtype: 'int64',
          values: (random, at, { T }) => (at === 1 ? 2 : Math.ceil(T! * (0.8 + 0.2 * random()))),
        },
        { shape: ['B'], dtype: 'int64', values: (_, at, { U }) => utterances([Math.ceil(U! / 2), U!, 0, 1])(_, at) },
      ],
      sizes,
      tolerance: [2e-4, 2e-5],
      build: ([logits, targets, inputLengths, targetLengths]) => {
        const logProbs = logSoftmax(logits!)
        const loss = ctcLoss(
          { logProbs, targets: targets!, inputLengths: inputLengths!, targetLengths: targetLengths! },
          { blank: CLASSES - 1, zeroInfinity },
        )
        return zeroInfinity ? [loss, reduceSum(loss)] : loss
      },
    },
  )
}
