import { RNNTLoss, type RNNTLossConfig } from '@nemo/asr'
import { compile, grad, input, mul, reduceSum, type Tensor, type TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface RnntProblem {
  readonly name: string
  readonly num_classes: number
  readonly results: readonly {
    readonly reduction: RNNTLossConfig['reduction']
    readonly loss: string
    readonly grad_logits: string
  }[]
}

/** Transducer losses and gradients: `problems` with a lattice of logits and results per reduction. */
export const rnntLoss: CaseHandler = {
  kind: 'RNN-T loss',
  matches: (golden) => {
    const problems = golden.list<RnntProblem>('problems')
    return problems.length > 0 && problems.every(({ name }) => golden.arrays[`${name}/logits`]?.shape.length === 4)
  },
  async run(golden, comparison, { runtime }) {
    for (const { name, num_classes, results } of golden.list<RnntProblem>('problems')) {
      const logits = input('logits', 'float32', ['B', 'T', 'U + 1', num_classes + 1])
      const targets = input('targets', 'int64', ['B', 'U'])
      const inputLengths = input('input_lengths', 'int64', ['B'])
      const targetLengths = input('target_lengths', 'int64', ['B'])
      const gradOutput = input('grad_output', 'float32', ['B'])
      const feeds = ['logits', 'targets', 'input_lengths', 'target_lengths', 'grad_output']
      const outputs: Record<string, Tensor> = {}
      for (const { reduction, loss: lossArray, grad_logits } of results) {
        const module = new RNNTLoss({ num_classes, reduction })
        const inputs = { logProbs: logits, targets, inputLengths, targetLengths }
        const loss = module.forward(inputs as never).loss as Tensor
        outputs[lossArray] = loss
        outputs[grad_logits] = grad(reduction === null ? reduceSum(mul(loss, gradOutput)) : loss, [logits])[0]!
      }
      const program = await compile(outputs, { runtime })
      const values = await program.run(Object.fromEntries(feeds.map((key) => [key, golden.array(`${name}/${key}`)])))
      for (const [key, value] of Object.entries(values)) comparison.array(key, likeNemo(value, golden.spec(key).shape))
      await program.dispose()
    }
  },
}

// NeMo's scalar reductions have shape [1].
const likeNemo = (value: TensorData, shape: readonly number[]): TensorData =>
  value.shape.length === 0 ? { ...value, shape } : value
