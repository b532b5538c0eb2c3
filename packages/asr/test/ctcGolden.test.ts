import { compile, grad, input, logSoftmax, mul, ort, reduceSum, type Tensor } from '@nemo/graph'
import { describe, it } from 'vitest'
import { CTCLoss, type CTCLossConfig } from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface CtcCase {
  readonly problem: {
    readonly num_classes: number
    readonly zero_infinity: boolean
    readonly results: readonly {
      readonly reduction: NonNullable<CTCLossConfig['reduction']>
      readonly loss: string
      readonly grad_logits: string
      readonly grad_log_probs: string
    }[]
  }
}

const runtime = ort()

describe('CTCLoss and its gradients equal NeMo v1.0.0', () => {
  it.each(['basic', 'empty-target', 'infeasible', 'infeasible-inf'])('%s', async (name) => {
    const golden = goldenFixture<CtcCase>(`ctc-${name}`)
    const { num_classes, zero_infinity, results } = golden.json.problem
    const logits = input('logits', 'float32', ['B', 'T', num_classes + 1])
    const logProbs = input('log_probs', 'float32', ['B', 'T', num_classes + 1])
    const targets = input('targets', 'int64', ['B', 'U'])
    const inputLengths = input('input_lengths', 'int64', ['B'])
    const targetLengths = input('target_lengths', 'int64', ['B'])
    const gradOutput = input('grad_output', 'float32', ['B'])
    const outputs: Record<string, Tensor> = {}
    for (const { reduction, loss, grad_logits, grad_log_probs } of results) {
      const module = new CTCLoss({ num_classes, zero_infinity, reduction })
      const lossOf = (x: Tensor) => module.forward({ logProbs: x, targets, inputLengths, targetLengths }).loss
      const scalar = (x: Tensor) => (reduction === 'none' ? reduceSum(mul(x, gradOutput)) : x)
      outputs[loss] = lossOf(logProbs)
      outputs[grad_logits] = grad(scalar(lossOf(logSoftmax(logits, -1))), [logits])[0]!
      outputs[grad_log_probs] = grad(scalar(lossOf(logProbs)), [logProbs])[0]!
    }
    const keys = ['logits', 'log_probs', 'targets', 'input_lengths', 'target_lengths', 'grad_output']
    const program = await compile(outputs, { runtime })
    const values = await program.run(Object.fromEntries(keys.map((key) => [key, golden.array(`${name}/${key}`)])))
    for (const [key, value] of Object.entries(values)) golden.expectClose(key, value)
  })
})
