import { collectUpdates, type Module } from '@nemo/core'
import {
  add,
  compile,
  type DType,
  grad,
  input,
  mul,
  type Parameter,
  type Runtime,
  reduceSum,
  type Tensor,
  type TensorData,
} from '@nemo/graph'
import type { Comparison } from './comparison.js'
import type { GoldenCase } from './goldenCase.js'

/** Array names by parameter, input or output. */
export type Names = Readonly<Record<string, string>>

/** What `case.json` says about a network: weights, outputs in both modes, gradients, running statistics. */
interface NetworkCase {
  readonly state_dict: Names
  readonly inputs: readonly string[]
  readonly outputs: { readonly eval: readonly string[]; readonly train: readonly string[] }
  /** Arrays that weigh outputs; the sum of all is the loss. */
  readonly projections: Names
  readonly gradients: Names
  readonly input_gradients: Names
  readonly buffers_after_train_step: Names
}

/** A further loss in training mode, with its gradients. */
export interface NetworkLoss {
  readonly value: Tensor
  /** Arrays. */
  readonly loss: string
  readonly gradients: Names
  readonly input_gradients: Names
}

/** How our code computes the case. */
export interface Network {
  readonly model: Module
  /** Draws the outputs, by the names that follow `eval/` and `train/` in the arrays. */
  draw(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>
  /** Draws further losses from the inputs. */
  losses?(inputs: Readonly<Record<string, Tensor>>): readonly NetworkLoss[]
}

/** An input whose axes but the second may have any size. */
function symbolicInput(golden: GoldenCase, name: string): Tensor {
  const { dtype, shape } = golden.spec(name)
  const dims = shape.map((size, axis) => (axis === 1 && shape.length > 2 ? size : axis === 0 ? 'B' : `${name}_${axis}`))
  return input(name, dtype as DType, dims)
}

/** Takes the case's weights. */
export function loadState(golden: GoldenCase, model: Module): void {
  const names = Object.entries(golden.json.state_dict as Names)
  model.loadStateDict(new Map(names.map(([key, array]) => [key, golden.array(array)])))
}

/** Computes a network in both modes and compares everything that the case stores. */
export async function compareNetwork(
  golden: GoldenCase,
  comparison: Comparison,
  runtime: Runtime,
  { model, draw, losses }: Network,
): Promise<void> {
  const json = golden.json as unknown as NetworkCase
  comparison.equal('state_dict', [...model.namedTensors().keys()], Object.keys(json.state_dict))
  if (comparison.failures.length > 0) return
  loadState(golden, model)
  const inputs = Object.fromEntries(json.inputs.map((name) => [name, symbolicInput(golden, name)]))
  const feeds: Record<string, TensorData> = Object.fromEntries(json.inputs.map((name) => [name, golden.array(name)]))
  const run = async (outputs: Record<string, Tensor>, updates?: ReadonlyMap<Parameter, Tensor>) => {
    const program = await compile(outputs, { runtime, ...(updates && { updates }) })
    const known = program.inputs.map(({ name }) => [name, feeds[name]!] as const)
    const values = await program.run(Object.fromEntries(known))
    for (const [key, value] of Object.entries(values)) comparison.array(key, value)
    await program.dispose()
  }
  const named = (mode: 'eval' | 'train', drawn: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(json.outputs[mode].map((array) => [array, drawn[array.slice(mode.length + 1)]!]))

  await run(
    named(
      'eval',
      model.withMode(false, () => draw(inputs)),
    ),
  )

  const { result: drawn, updates } = collectUpdates(() => model.withMode(true, () => draw(inputs)))
  // Drawn apart, so that statistics move once.
  const further = model.withMode(true, () => losses?.(inputs) ?? [])
  const projected = Object.entries(json.projections).map(([output, array]) => {
    feeds[array] = golden.array(array)
    const { shape } = drawn[output]!
    return reduceSum(mul(drawn[output]!, input(array, 'float32', shape)))
  })
  const loss = projected.reduce((a, b) => add(a, b))
  const parameters = model.namedParameters({ all: true })
  const outputs: Record<string, Tensor> = named('train', drawn)
  for (const { value, loss: array, gradients, input_gradients } of [
    { value: loss, loss: 'train/loss', gradients: json.gradients, input_gradients: json.input_gradients },
    ...further,
  ]) {
    outputs[array] = value
    const arrays = [...Object.values(gradients), ...Object.values(input_gradients)]
    const wrt = [
      ...Object.keys(gradients).map((key) => parameters.get(key)!),
      ...Object.keys(input_gradients).map((key) => inputs[key]!),
    ]
    grad(value, wrt).forEach((gradient, i) => {
      outputs[arrays[i]!] = gradient
    })
  }
  await run(outputs, updates)
  const state = await model.stateDict()
  for (const [key, array] of Object.entries(json.buffers_after_train_step)) comparison.array(array, state.get(key)!)
}
