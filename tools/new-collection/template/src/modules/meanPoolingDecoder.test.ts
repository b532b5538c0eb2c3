import { LogprobsType, NeuralPortNmTensorMismatchError, port, withNeuralType } from '@nemo/core'
import { input, tensorData } from '@nemo/graph'
import { beforeEach, expect, test } from 'vitest'
import { MeanPoolingDecoder } from './meanPoolingDecoder.js'

let decoder: MeanPoolingDecoder

beforeEach(() => {
  decoder = new MeanPoolingDecoder({ feat_in: 2, num_classes: 3 })
  const weight = tensorData([1, 0, 0, 1, 2, -1], 'float32', [3, 2])
  const bias = tensorData([0, 10, 0], 'float32', [3])
  decoder.loadStateDict(
    new Map([
      ['linear.weight', weight],
      ['linear.bias', bias],
    ]),
  )
})

const logitsOf = async (encoderOutput: number[][][], lengths: number[]) => {
  const { logits } = await decoder.run({ encoderOutput, lengths })
  return { shape: logits?.shape, values: [...(logits?.data ?? [])] }
}

test('logits are the linear layer of the mean frame', async () => {
  // The mean frame is (2, 5).
  expect(
    await logitsOf(
      [
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ],
      [3],
    ),
  ).toEqual({ shape: [1, 3], values: [2, 15, -1] })
})

test('frames beyond the length do not matter, whatever they hold', async () => {
  const frames = [
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    [
      [2, Number.NaN, Number.POSITIVE_INFINITY],
      [5, 7, 9],
    ],
  ]
  expect(await logitsOf(frames, [3, 1])).toEqual({ shape: [2, 3], values: [2, 15, -1, 2, 15, -1] })
})

test('a sequence without valid frames gets the bias', async () => {
  expect(
    await logitsOf(
      [
        [
          [1, 2],
          [4, 5],
        ],
      ],
      [0],
    ),
  ).toEqual({ shape: [1, 3], values: [0, 10, 0] })
})

test('checkpoints name the parameters linear.weight and linear.bias', async () => {
  expect([...(await decoder.stateDict()).keys()]).toEqual(['linear.weight', 'linear.bias'])
  expect(decoder.numWeights).toBe(9)
})

test('log-probabilities are not taken for encoded frames', () => {
  const logprobs = withNeuralType(input('logprobs', 'float32', ['B', 2, 'T']), port('B D T', LogprobsType))
  const lengths = input('lengths', 'int64', ['B'])
  // @ts-expect-error the compiler says so as well
  expect(() => decoder.forward({ encoderOutput: logprobs, lengths })).toThrow(NeuralPortNmTensorMismatchError)
})
