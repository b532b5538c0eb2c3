import { CTCLoss, type CTCLossConfig } from '@nemo/asr'
import { compile, grad, input, logSoftmax, mul, reduceSum, type Tensor } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface CtcProblem {
  readonly name: string
  readonly num_classes: number
  readonly zero_infinity: boolean
  readonly results: readonly {
    readonly reduction: NonNullable<CTCLossConfig['reduction']>
    readonly loss: string
    readonly grad_logits: string
    readonly grad_log_probs: string
  }[]
}

/** CTC losses and gradients: `problems` with logits, targets, lengths and results per reduction. */
export const ctc: CaseHandler = {
  kind: 'CTC loss',
  matches: (golden) => {
    const problems = golden.list<Partial<CtcProblem>>('problems')
    return (
      problems.length > 0 &&
      problems.every(({ zero_infinity, results }) => typeof zero_infinity === 'boolean' && Array.isArray(results))
    )
  },
  async run(golden, comparison, { runtime }) {
    for (const { name, num_classes, zero_infinity, results } of golden.list<CtcProblem>('problems')) {
      const logits = input('logits', 'float32', ['B', 'T', num_classes + 1])
      const logProbs = input('log_probs', 'float32', ['B', 'T', num_classes + 1])
      const targets = input('targets', 'int64', ['B', 'U'])
      const inputLengths = input('input_lengths', 'int64', ['B'])
      const targetLengths = input('target_lengths', 'int64', ['B'])
      const gradOutput = input('grad_output', 'float32', ['B'])
      const fed = Object.fromEntries(
        ['logits', 'log_probs', 'targets', 'input_lengths', 'target_lengths'].map((key) => [
          key,
          golden.array(`${name}/${key}`),
        ]),
      )
      const outputs: Record<string, Tensor> = { [`${name}/log_probs`]: logSoftmax(logits, -1) }
      for (const { reduction, loss, grad_logits, grad_log_probs } of results) {
        const module = new CTCLoss({ num_classes, zero_infinity, reduction })
        const lossOf = (x: Tensor) =>
          module.forward({ logProbs: x, targets, inputLengths, targetLengths } as never).loss as Tensor
        const scalar = (x: Tensor) => (reduction === 'none' ? reduceSum(mul(x, gradOutput)) : x)
        if (reduction === 'none') fed.grad_output = golden.array(`${name}/grad_output`)
        const [fromLogits, fromLogProbs] = [lossOf(logSoftmax(logits, -1)), lossOf(logProbs)]
        outputs[loss] = fromLogProbs
        outputs[grad_logits] = grad(scalar(fromLogits), [logits])[0]!
        outputs[grad_log_probs] = grad(scalar(fromLogProbs), [logProbs])[0]!
      }
      const program = await compile(outputs, { runtime })
      const values = await program.run(fed)
      for (const [key, value] of Object.entries(values)) comparison.array(key, value)
      await program.dispose()
    }
  },
}
