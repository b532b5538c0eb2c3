import { collectUpdates, type Module, type NeuralModule } from '@nemo/core'
import { add, compile, grad, input, mul, ort, reduceSum, type Tensor, type TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import {
  BertPretrainingTokenClassifier,
  MultiLayerPerceptron,
  SequenceClassifier,
  SequenceRegression,
  SequenceTokenClassifier,
  TokenClassifier,
} from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface Stage {
  readonly outputs: Readonly<Record<string, string>>
  readonly projection: Readonly<Record<string, string>>
  readonly loss: string
  readonly gradients: Readonly<Record<string, string>>
  readonly input_gradients: Readonly<Record<string, string>>
}

interface Head {
  readonly class: string
  readonly config: never
  readonly state_dict: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, string>>
  readonly stages: { readonly eval: Stage; readonly train: Stage }
}

const golden = goldenFixture<{ readonly heads: Readonly<Record<string, Head>> }>('heads')
const runtime = ort()
const classes: Readonly<Record<string, new (config: never) => Module>> = {
  BertPretrainingTokenClassifier,
  MultiLayerPerceptron,
  SequenceClassifier,
  SequenceRegression,
  SequenceTokenClassifier,
  TokenClassifier,
}

/** The outputs by the names that the case gives them. */
function outputsOf(module: Module, hiddenStates: Tensor): Record<string, Tensor> {
  if (module instanceof MultiLayerPerceptron) return { output: module.forward(hiddenStates) }
  const outputs = (module as NeuralModule).forward({ hiddenStates }) as Record<string, Tensor>
  if (module instanceof SequenceTokenClassifier) {
    return { intent_logits: outputs.intentLogits!, slot_logits: outputs.slotLogits! }
  }
  return { output: Object.values(outputs)[0]! }
}

describe('heads and their gradients equal NeMo v1.0.0', () => {
  it.each(Object.entries(golden.json.heads))('%s', async (_, head) => {
    const module = new classes[head.class]!(head.config)
    module.loadStateDict(new Map(Object.entries(head.state_dict).map(([key, name]) => [key, golden.array(name)])))
    const states = golden.array(head.inputs.hidden_states!)
    const hiddenStates = input('hidden_states', 'float32', ['B', 'T', states.shape[2]!])
    const evaluated = module.withMode(false, () => outputsOf(module, hiddenStates))
    const { result: trained } = collectUpdates(() => module.withMode(true, () => outputsOf(module, hiddenStates)))
    const { train } = head.stages
    const feeds: Record<string, TensorData> = { hidden_states: states }
    const terms = Object.entries(train.projection).map(([output, name]) => {
      const weighed = trained[output]!
      feeds[name] = golden.array(name)
      return reduceSum(mul(weighed, input(name, 'float32', weighed.shape)))
    })
    const loss = terms.reduce((sum, term) => add(sum, term))
    const keys = Object.keys(train.gradients)
    const [gradStates, ...gradients] = grad(loss, [hiddenStates, ...keys.map((key) => module.namedTensors().get(key)!)])
    const named = (stage: Stage, outputs: Record<string, Tensor>) =>
      Object.entries(stage.outputs).map(([output, name]) => [name, outputs[output]!] as const)
    const program = await compile(
      Object.fromEntries([
        ...named(head.stages.eval, evaluated),
        ...named(train, trained),
        [train.loss, loss],
        [train.input_gradients.hidden_states!, gradStates!],
        ...keys.map((key, i) => [train.gradients[key]!, gradients[i]!] as const),
      ]),
      { runtime },
    )
    for (const [name, value] of Object.entries(await program.run(feeds))) golden.expectClose(name, value)
    await program.dispose()
  })
})

it('TokenClassifier names its output by what it is', () => {
  const hiddenStates = input('hidden_states', 'float32', ['B', 'T', 4])
  const config = { hidden_size: 4, num_classes: 3 }
  expect(Object.keys(new TokenClassifier(config).forward({ hiddenStates }))).toEqual(['logProbs'])
  expect(Object.keys(new TokenClassifier({ ...config, log_softmax: false }).forward({ hiddenStates }))).toEqual([
    'logits',
  ])
})

it('dropout acts on the hidden states in training mode only', async () => {
  const head = new TokenClassifier({ hidden_size: 64, num_classes: 2, dropout: 0.5 })
  const hiddenStates = [[new Array<number>(64).fill(1), new Array<number>(64).fill(1)]]
  head.eval()
  const evaluated = [...(await head.run({ hiddenStates }, { runtime })).logProbs!.data]
  expect(evaluated.slice(2)).toEqual(evaluated.slice(0, 2))
  head.train()
  const trained = [...(await head.run({ hiddenStates }, { runtime, seed: 1, step: 0 })).logProbs!.data]
  expect(trained.slice(2)).not.toEqual(trained.slice(0, 2))
  await head.clearPrograms()
})

it('transformer initialisation sets biases to 0 and weights within Xavier bounds', async () => {
  const state = await new SequenceClassifier({ hidden_size: 8, num_classes: 4 }).stateDict()
  expect([...state.get('mlp.layer2.bias')!.data].map(Number)).toEqual([0, 0, 0, 0])
  const largest = Math.max(...[...state.get('mlp.layer2.weight')!.data].map((x) => Math.abs(Number(x))))
  expect(largest).toBeGreaterThan(0)
  expect(largest).toBeLessThanOrEqual(Math.sqrt(6 / 12))
})

it('a wrong config is an error that names the key', () => {
  expect(() => new SequenceClassifier({ hidden_size: 0, num_classes: 2 })).toThrow(/hidden_size/)
  expect(() => new TokenClassifier({ hidden_size: 4, num_classes: 2, activation: 'rellu' })).toThrow(/activation/)
})
