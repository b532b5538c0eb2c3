import { collectUpdates, type Module, type NeuralModule } from '@nemo/core'
import { add, compile, grad, input, mul, reduceSum, type Tensor } from '@nemo/graph'
import {
  BertPretrainingTokenClassifier,
  MultiLayerPerceptron,
  SequenceClassifier,
  SequenceRegression,
  SequenceTokenClassifier,
  TokenClassifier,
} from '@nemo/nlp'
import type { CaseHandler } from '../caseHandler.js'

interface Stage {
  readonly outputs: Readonly<Record<string, string>>
  readonly projection: Readonly<Record<string, string>>
  readonly loss: string
  readonly gradients: Readonly<Record<string, string>>
  readonly input_gradients: { readonly hidden_states: string }
}

interface Head {
  readonly class: string
  readonly config: unknown
  readonly state_dict: Readonly<Record<string, string>>
  readonly inputs: { readonly hidden_states: string }
  readonly stages: { readonly eval: Stage; readonly train: Stage }
}

const classes: Readonly<Record<string, new (config: never) => Module>> = {
  BertPretrainingTokenClassifier,
  MultiLayerPerceptron,
  SequenceClassifier,
  SequenceRegression,
  SequenceTokenClassifier,
  TokenClassifier,
}

/** Classification heads on hidden states: `heads` with class, config, weights, outputs and gradients. */
export const nlpHeads: CaseHandler = {
  kind: 'classification heads',
  matches: ({ json }) =>
    typeof json.heads === 'object' &&
    json.heads !== null &&
    Object.values(json.heads as Record<string, Head>).every((head) => head.class in classes),
  async run(golden, comparison, { runtime }) {
    for (const head of Object.values(golden.json.heads as Record<string, Head>)) {
      const module = new classes[head.class]!(head.config as never)
      module.loadStateDict(new Map(Object.entries(head.state_dict).map(([key, name]) => [key, golden.array(name)])))
      const states = golden.array(head.inputs.hidden_states)
      const hiddenStates = input('hidden_states', 'float32', ['B', 'T', states.shape[2]!])
      const evaluated = module.withMode(false, () => outputsOf(module, hiddenStates))
      const { result: trained } = collectUpdates(() => module.withMode(true, () => outputsOf(module, hiddenStates)))
      const { train } = head.stages
      const feeds: Record<string, ReturnType<typeof golden.array>> = { hidden_states: states }
      const terms = Object.entries(train.projection).map(([output, name]) => {
        feeds[name] = golden.array(name)
        return reduceSum(mul(trained[output]!, input(name, 'float32', trained[output]!.shape)))
      })
      const loss = terms.reduce((sum, term) => add(sum, term))
      const keys = Object.keys(train.gradients)
      const parameters = keys.map((key) => module.namedTensors().get(key)!)
      const [gradStates, ...gradients] = grad(loss, [hiddenStates, ...parameters])
      const named = (stage: Stage, outputs: Record<string, Tensor>) =>
        Object.entries(stage.outputs).map(([output, name]) => [name, outputs[output]!] as const)
      const program = await compile(
        Object.fromEntries([
          ...named(head.stages.eval, evaluated),
          ...named(train, trained),
          [train.loss, loss],
          [train.input_gradients.hidden_states, gradStates!],
          ...keys.map((key, i) => [train.gradients[key]!, gradients[i]!] as const),
        ]),
        { runtime },
      )
      for (const [name, value] of Object.entries(await program.run(feeds))) comparison.array(name, value)
      await program.dispose()
    }
  },
}

/** The outputs by the names that the case gives them: `output`, if there is one only. */
function outputsOf(module: Module, hiddenStates: Tensor): Record<string, Tensor> {
  if (module instanceof MultiLayerPerceptron) return { output: module.forward(hiddenStates) }
  const outputs = (module as NeuralModule).forward({ hiddenStates }) as Record<string, Tensor>
  if (module instanceof SequenceTokenClassifier)
    return { intent_logits: outputs.intentLogits!, slot_logits: outputs.slotLogits! }
  return { output: Object.values(outputs)[0]! }
}
