import { collectUpdates, type Module } from '@nemo/core'
import {
  add,
  compile,
  type DType,
  grad,
  input,
  mul,
  ort,
  type Parameter,
  reduceSum,
  type Tensor,
  type TensorData,
} from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { type GoldenFixture, goldenFixture } from './goldenFixture.js'

type Names = Readonly<Record<string, string>>

interface StateCase {
  readonly state_dict: Names
  /** Fixture that holds the weights, if not this one. */
  readonly state_fixture?: string
}

interface NetworkCase extends StateCase {
  readonly inputs: readonly string[]
  readonly outputs: { readonly eval: readonly string[]; readonly train: readonly string[] }
  readonly projections: Names
  readonly gradients: Names
  readonly input_gradients: Names
  readonly buffers_after_train_step: Names
}

/** A network under test, drawn from a case's inputs to its outputs, by the names in the arrays. */
export interface NetworkUnderTest {
  readonly model: Module
  draw(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>
}

const runtime = ort({ threads: 1 })

/** Takes a case's weights. */
export function loadState(golden: GoldenFixture<StateCase>, model: Module): void {
  const { state_dict, state_fixture } = golden.json
  const holder = state_fixture === undefined ? golden : goldenFixture(state_fixture)
  model.loadStateDict(new Map(Object.entries(state_dict).map(([key, array]) => [key, holder.array(array)])))
}

/** Describes that a network has a case's state dict, outputs, gradients and running statistics. */
export function describeNetwork<Json>(name: string, make: (json: Json) => NetworkUnderTest): void {
  describe(`${name} equals NeMo v1.0.0`, () => {
    const golden = goldenFixture<NetworkCase & Json>(name)
    const { json } = golden
    const { model, draw } = make(json)
    const feeds: Record<string, TensorData> = Object.fromEntries(json.inputs.map((key) => [key, golden.array(key)]))
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([key, { dtype, shape }]) => {
        const dims = shape.map((size, axis) =>
          axis === 0 ? 'B' : axis === 1 && shape.length > 2 ? size : `${key}_${axis}`,
        )
        return [key, input(key, dtype as DType, dims)]
      }),
    )
    const check = async (outputs: Record<string, Tensor>, updates?: ReadonlyMap<Parameter, Tensor>) => {
      const program = await compile(outputs, { runtime, ...(updates && { updates }) })
      const values = await program.run(Object.fromEntries(program.inputs.map(({ name: key }) => [key, feeds[key]!])))
      for (const [key, value] of Object.entries(values)) golden.expectClose(key, value)
      await program.dispose()
    }
    const named = (mode: 'eval' | 'train', drawn: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(json.outputs[mode].map((array) => [array, drawn[array.slice(mode.length + 1)]!]))

    it('has its state dict, in its order', () => {
      expect([...model.namedTensors().keys()]).toEqual(Object.keys(json.state_dict))
    })

    it('gives its outputs in evaluation mode', async () => {
      loadState(golden, model)
      await check(
        named(
          'eval',
          model.withMode(false, () => draw(inputs)),
        ),
      )
    })

    it('gives its outputs, gradients and running statistics in training mode', async () => {
      loadState(golden, model)
      const { result, updates } = collectUpdates(() => model.withMode(true, () => draw(inputs)))
      const loss = Object.entries(json.projections)
        .map(([output, array]) => {
          feeds[array] = golden.array(array)
          return reduceSum(mul(result[output]!, input(array, 'float32', result[output]!.shape)))
        })
        .reduce((a, b) => add(a, b))
      const parameters = model.namedParameters()
      const wrt = [
        ...Object.keys(json.gradients).map((key) => parameters.get(key)!),
        ...Object.keys(json.input_gradients).map((key) => inputs[key]!),
      ]
      const arrays = [...Object.values(json.gradients), ...Object.values(json.input_gradients)]
      const gradients = Object.fromEntries(grad(loss, wrt).map((gradient, i) => [arrays[i]!, gradient]))
      await check({ 'train/loss': loss, ...named('train', result), ...gradients }, updates)
      const state = await model.stateDict()
      for (const [key, array] of Object.entries(json.buffers_after_train_step))
        golden.expectClose(array, state.get(key))
    })
  })
}
