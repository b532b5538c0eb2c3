import { Module } from '@nemo/core'
import { compile, grad, input, mul, ort, reduceSum, type Tensor } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import {
  AngularSoftmaxLoss,
  alignmentLengthSynchronousSearch,
  defaultBeamSearch,
  greedyTransducerDecode,
  RNNTDecoder,
  RNNTJoint,
  RNNTLoss,
  type RNNTLossConfig,
  rankPaths,
  TransducerSteps,
  timeSynchronousSearch,
} from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'
import { loadState } from './networkGolden.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

describe('RNNTLoss equals NeMo v1.0.0', () => {
  const golden = goldenFixture<{
    readonly problems: readonly {
      readonly name: string
      readonly num_classes: number
      readonly results: readonly {
        readonly reduction: RNNTLossConfig['reduction']
        readonly loss: string
        readonly grad_logits: string
      }[]
    }[]
  }>('rnnt-loss')

  it.each(golden.json.problems)('$name', async ({ name, num_classes, results }) => {
    const logits = input('logits', 'float32', ['B', 'T', 'U + 1', num_classes + 1])
    const [targets, gradOutput] = [input('targets', 'int64', ['B', 'U']), input('grad_output', 'float32', ['B'])]
    const [inputLengths, targetLengths] = [
      input('input_lengths', 'int64', ['B']),
      input('target_lengths', 'int64', ['B']),
    ]
    const outputs: Record<string, Tensor> = {}
    for (const { reduction, loss: key, grad_logits } of results) {
      const module = new RNNTLoss({ num_classes, reduction })
      const loss = module.forward({ logProbs: logits, targets, inputLengths, targetLengths } as never).loss as Tensor
      outputs[key] = loss
      outputs[grad_logits] = grad(reduction === null ? reduceSum(mul(loss, gradOutput)) : loss, [logits])[0]!
    }
    const program = await compile(outputs, { runtime })
    const feeds = ['logits', 'targets', 'input_lengths', 'target_lengths', 'grad_output']
    const values = await program.run(Object.fromEntries(feeds.map((key) => [key, golden.array(`${name}/${key}`)])))
    for (const [key, value] of Object.entries(values)) {
      // NeMo's scalars have shape [1].
      golden.expectClose(key, value.shape.length === 0 ? { ...value, shape: golden.array(key).shape } : value)
    }
    await program.dispose()
  })
})

describe('searches of a transducer equal NeMo v1.0.0', () => {
  interface Hypothesis {
    readonly y_sequence: readonly number[]
    readonly timestep: readonly number[]
    readonly score: number
    readonly alignments?: readonly (readonly number[])[]
  }
  const golden = goldenFixture<{
    readonly state_dict: Readonly<Record<string, string>>
    readonly decoder_config: never
    readonly joint_config: never
    readonly vocab_size: number
    readonly blank: number
    readonly greedy: readonly {
      readonly decoder: string
      readonly max_symbols_per_step: number | null
      readonly hypotheses: readonly Hypothesis[]
    }[]
    readonly beam: readonly {
      readonly search_type: string
      readonly beam_size: number
      readonly score_norm: boolean
      readonly n_best: readonly (readonly Hypothesis[])[]
    }[]
  }>('rnnt-greedy')
  const { decoder_config, joint_config, vocab_size, blank, greedy, beam } = golden.json

  class Transducer extends Module {
    readonly decoder = this.addModule(
      'decoder',
      new RNNTDecoder({ ...(decoder_config as object), vocab_size } as never),
    )
    readonly joint = this.addModule(
      'joint',
      new RNNTJoint({ ...(joint_config as object), num_classes: vocab_size } as never),
    )
  }
  const model = new Transducer()
  loadState(golden, model)
  const steps = new TransducerSteps(model.decoder, model.joint, runtime)
  const encoded = golden.array('encoder_outputs')
  const lengths = golden.array('encoded_lengths').data as BigInt64Array

  it.each(greedy.filter(({ decoder }) => decoder === 'GreedyRNNTInfer'))(
    'greedy, at most $max_symbols_per_step labels a frame, a batch as if each item were alone',
    async ({ max_symbols_per_step: maxSymbols, hypotheses }) => {
      const found = await greedyTransducerDecode(steps, encoded, lengths, { maxSymbols })
      expect(found.map(({ ids }) => ids)).toEqual(hypotheses.map(({ y_sequence }) => y_sequence))
      expect(found.map(({ timesteps }) => timesteps)).toEqual(hypotheses.map(({ timestep }) => timestep))
      // Frames that reach the limit run into the next in NeMo's lists.
      expect(found.map(({ alignments }) => alignments!.flat())).toEqual(
        hypotheses.map(({ alignments }) => alignments!.flat()),
      )
    },
  )

  it.each(beam.filter(({ beam_size }) => beam_size > 1))(
    '$search_type, ordered per label: $score_norm',
    async ({ search_type, beam_size, score_norm, n_best }) => {
      const utterances = await steps.project(encoded, lengths)
      for (const [b, frames] of utterances.entries()) {
        const paths = {
          default: () => defaultBeamSearch(steps, frames, vocab_size, beam_size),
          tsd: () => timeSynchronousSearch(steps, frames, vocab_size, beam_size, 5),
          alsd: () =>
            alignmentLengthSynchronousSearch(steps, frames, vocab_size, beam_size, {
              maxTargetLength: 2,
              likeNemo1: true,
            }),
        }[search_type]!
        const ranked = rankPaths(await paths(), score_norm)
        for (const [n, want] of n_best[b]!.entries()) {
          expect([blank, ...ranked[n]!.ids]).toEqual(want.y_sequence)
          expect([-1, ...ranked[n]!.timesteps]).toEqual(want.timestep)
          expect(ranked[n]!.score).toBeCloseTo(want.score, 3)
        }
      }
    },
  )

  it('alignment-length synchronous search finds the best path of the first frame too', async () => {
    const [, , third] = await steps.project(encoded, lengths)
    const options = { maxTargetLength: 2 }
    const paths = await alignmentLengthSynchronousSearch(steps, third!, vocab_size, 5, options)
    // What all other searches find; NeMo's, which leaves the first frame out, does not.
    expect(rankPaths(paths, false)[0]!.ids.slice(0, 4)).toEqual([5, 5, 2, 2])
  })
})

describe('AngularSoftmaxLoss equals NeMo v1.0.0', () => {
  const golden = goldenFixture<{
    readonly problems: readonly {
      readonly name: string
      readonly config: { readonly scale: number; readonly margin: number }
      readonly logits: string
      readonly labels: string
      readonly loss: string
      readonly grad_logits: string
    }[]
  }>('angular-softmax')

  it.each(golden.json.problems)('$name', async ({ config, ...arrays }) => {
    const logits = input('logits', 'float32', ['B', golden.array(arrays.logits).shape[1]!])
    const labels = input('labels', 'int64', ['B'])
    const loss = new AngularSoftmaxLoss(config).forward({ logits, labels } as never).loss as Tensor
    const outputs = { [arrays.loss]: loss, [arrays.grad_logits]: grad(loss, [logits])[0]! }
    const program = await compile(outputs, { runtime })
    const feeds = { logits: golden.array(arrays.logits), labels: golden.array(arrays.labels) }
    for (const [key, value] of Object.entries(await program.run(feeds))) golden.expectClose(key, value)
    await program.dispose()
  })
})
