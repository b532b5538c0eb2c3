import { ConfigValidationError, resolveTarget, seedInitialisation } from '@nemo/core'
import { input, type Tensor, topologicalOrder } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { ConvASRDecoder } from './convASRDecoder.js'
import { ConvASREncoder, type ConvASREncoderConfig } from './convASREncoder.js'
import { MaskedConv1d } from './jasper/maskedConv1d.js'

const block = {
  filters: 8,
  repeat: 1,
  kernel: [5],
  stride: [1],
  dilation: [1],
  dropout: 0,
  residual: false,
  separable: true,
}
const config: ConvASREncoderConfig = { jasper: [block], activation: 'relu', feat_in: 4 }

function problemsOf(build: () => unknown): string[] {
  try {
    build()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigValidationError)
    return (error as ConfigValidationError).message.split('\n').slice(1)
  }
  return []
}

function draw(encoder: ConvASREncoder, frames: number | 'T' = 'T'): Record<string, Tensor> {
  const audioSignal = input('audio_signal', 'float32', ['B', encoder.featIn, frames])
  return encoder.forward({ audioSignal, length: input('length', 'int64', ['B']) })
}

describe('ConvASREncoder config', () => {
  it('names the key, what was found, and the nearest known key', () => {
    const wrong = {
      jasper: [{ ...block, filter: 3, kernel: ['five'], residual_mode: 'sum' }],
      activation: 'rleu',
      feat_in: 4,
      conv_msak: true,
    }
    const problems = problemsOf(() => new ConvASREncoder(wrong as never)).join('\n')
    expect(problems).toMatch(/jasper\[0\]\.filter: .*did you mean jasper\[0\]\.filters/)
    expect(problems).toMatch(/conv_msak: .*did you mean conv_mask/)
    expect(problems).toMatch(/jasper\[0\]\.kernel.*"five"/)
    expect(problems).toMatch(/jasper\[0\]\.residual_mode: .*"add".*"sum"/)
    expect(problems).toMatch(/activation: .*"rleu".*did you mean "relu"/)
  })

  it('says which block cannot be built, and why', () => {
    expect(
      problemsOf(() => new ConvASREncoder({ ...config, jasper: [block, { ...block, stride: 2, dilation: 2 }] })),
    ).toEqual([expect.stringContaining('jasper[1]: stride 2 and dilation 2: only one of them may be above 1.')])
    expect(problemsOf(() => new ConvASREncoder({ ...config, jasper: [{ ...block, heads: 3 }] }))).toEqual([
      expect.stringContaining(
        'jasper[0]: MaskedConv1d: heads 3 need a depthwise convolution whose 4 channels they divide.',
      ),
    ])
    const grouped = { ...config, normalization_mode: 'group' as const, norm_groups: 3 }
    expect(problemsOf(() => new ConvASREncoder(grouped))).toEqual([
      expect.stringContaining('jasper[0]: GroupNorm: 8 channels cannot form 3 groups of equal size.'),
    ])
  })

  it('takes plain numbers for lists of one', () => {
    const plain = new ConvASREncoder({ ...config, jasper: [{ ...block, kernel: 5, stride: 1, dilation: 1 }] })
    expect([...plain.namedTensors().keys()]).toEqual([...new ConvASREncoder(config).namedTensors().keys()])
  })

  it('is registered under both of NeMo’s names', () => {
    for (const name of [
      'nemo.collections.asr.modules.ConvASREncoder',
      'nemo.collections.asr.modules.conv_asr.ConvASREncoder',
    ]) {
      expect(resolveTarget(name).factory(config as never)).toBeInstanceOf(ConvASREncoder)
    }
  })
})

describe('ConvASREncoder', () => {
  it('keeps a mode of residuals for later blocks', () => {
    const jasper = [
      { ...block, residual: true, residual_mode: 'max' as const },
      { ...block, residual: true },
      { ...block, residual: true, residual_mode: 'add' as const },
      { ...block, residual: true },
    ]
    const { outputs } = draw(new ConvASREncoder({ ...config, jasper }))
    const types = topologicalOrder([outputs!]).map((node) => node.op.type)
    expect(types.filter((type) => type === 'Max')).toHaveLength(2)
  })

  it('has a 1x1 convolution and a norm for each earlier dense output', () => {
    const dense = { ...block, separable: false, residual: true, residual_dense: true }
    const names = [...new ConvASREncoder({ ...config, jasper: [block, dense, dense] }).namedParameters().keys()]
    expect(names.filter((name) => name.includes('.res.') && name.endsWith('conv.weight'))).toEqual([
      'encoder.1.res.0.0.conv.weight',
      'encoder.2.res.0.0.conv.weight',
      'encoder.2.res.1.0.conv.weight',
    ])
  })

  it('makes one mask for all convolutions at one resolution', () => {
    const jasper = [
      { ...block, repeat: 3, residual: true },
      { ...block, stride: [2] },
      { ...block, repeat: 2 },
    ]
    const { outputs } = draw(new ConvASREncoder({ ...config, jasper }))
    const masks = topologicalOrder([outputs!]).filter((node) => node.op.type === 'Less')
    expect(masks).toHaveLength(2)
  })

  it('shortens lengths as the strides do, and keeps zero', async () => {
    const encoder = new ConvASREncoder({
      ...config,
      jasper: [
        { ...block, stride: [2] },
        { ...block, stride: [2] },
      ],
    })
    const audioSignal = { dtype: 'float32', shape: [4, 4, 21], data: new Float32Array(4 * 4 * 21) } as const
    const { outputs, encodedLengths } = await encoder.eval().run({ audioSignal, length: [21, 20, 1, 0] })
    expect(outputs!.shape).toEqual([4, 8, 6])
    expect([...encodedLengths!.data].map(Number)).toEqual([6, 5, 1, 0])
  })

  it('does not let frames beyond a length reach the others', async () => {
    const encoder = new ConvASREncoder({ ...config, jasper: [block, { ...block, residual: true, repeat: 2 }] }).eval()
    const signal = (garbage: number) =>
      Float32Array.from({ length: 4 * 12 }, (_, i) => (i % 12 < 9 ? Math.sin(i) : garbage * Math.cos(i)))
    const valid = async (garbage: number) => {
      const audioSignal = { dtype: 'float32', shape: [1, 4, 12], data: signal(garbage) } as const
      const { outputs } = await encoder.run({ audioSignal, length: [9] })
      return [...outputs!.data].filter((_, i) => i % 12 < 9)
    }
    expect(await valid(100)).toEqual(await valid(0))
  })

  it('hands lengths through and masks nothing once its masks are off', () => {
    const encoder = new ConvASREncoder({ ...config, jasper: [{ ...block, stride: [2] }] })
    encoder.setConvMask(false)
    const { outputs, encodedLengths } = draw(encoder)
    expect(topologicalOrder([outputs!]).some((node) => node.op.type === 'Less')).toBe(false)
    expect(encodedLengths!.shape).toEqual(['B'])
    expect(topologicalOrder([encodedLengths!])).toHaveLength(1)
  })

  it('drops activations while training only', () => {
    const encoder = new ConvASREncoder({ ...config, jasper: [{ ...block, dropout: 0.5 }] })
    const random = (training: boolean) =>
      topologicalOrder([encoder.withMode(training, () => draw(encoder)).outputs!]).some(
        (n) => n.op.type === 'RandomBits',
      )
    expect([random(true), random(false)]).toEqual([true, false])
  })

  it('knows its channels after frame splicing', () => {
    const encoder = new ConvASREncoder({ ...config, frame_splicing: 3 })
    expect([encoder.featIn, encoder.featOut]).toEqual([12, 8])
  })
})

describe('weights at the start', () => {
  const wide = { ...config, feat_in: 40, jasper: [{ ...block, filters: 300, kernel: [9], separable: false }] }
  const [fanIn, fanOut] = [40 * 9, 300 * 9]

  async function weights(mode: ConvASREncoderConfig['init_mode']): Promise<{ deviation: number; largest: number }> {
    seedInitialisation(5)
    const encoder = new ConvASREncoder({ ...wide, init_mode: mode })
    const conv = encoder.modules().find((part) => part instanceof MaskedConv1d)!
    const data = (await conv.conv.weight.value()).data as Float32Array
    const square = data.reduce((sum, v) => sum + v * v, 0) / data.length
    return { deviation: Math.sqrt(square), largest: data.reduce((most, v) => Math.max(most, Math.abs(v)), 0) }
  }

  it.each([
    ['xavier_uniform', Math.sqrt(2 / (fanIn + fanOut))],
    ['xavier_normal', Math.sqrt(2 / (fanIn + fanOut))],
    ['kaiming_uniform', Math.sqrt(2 / fanIn)],
    ['kaiming_normal', Math.sqrt(2 / fanIn)],
    ['tds_uniform', 2 / Math.sqrt(3 * fanIn)],
    ['tds_normal', 2 / Math.sqrt(fanIn)],
    [null, 1 / Math.sqrt(3 * fanIn)],
  ] as const)('%s has its standard deviation', async (mode, deviation) => {
    const found = await weights(mode)
    expect(found.deviation / deviation).toBeGreaterThan(0.99)
    expect(found.deviation / deviation).toBeLessThan(1.01)
    const uniform = mode === null || mode.endsWith('uniform')
    if (uniform) expect(found.largest / (deviation * Math.sqrt(3))).toBeLessThanOrEqual(1)
    else expect(found.largest / deviation).toBeGreaterThan(3)
  })

  it('are the same for the same seed', async () => {
    expect(await weights('xavier_normal')).toEqual(await weights('xavier_normal'))
  })
})

describe('ConvASRDecoder', () => {
  it('wants as many labels as classes', () => {
    expect(problemsOf(() => new ConvASRDecoder({ feat_in: 4, num_classes: 3, vocabulary: ['a', 'b'] }))).toEqual([
      expect.stringContaining('num_classes: expected the length of vocabulary, 2, found 3'),
    ])
  })

  it('has one more class than labels, the blank', () => {
    const decoder = new ConvASRDecoder({ feat_in: 4, num_classes: 2, vocabulary: ['a', 'b'] })
    const { logprobs } = decoder.forward({ encoderOutput: input('x', 'float32', ['B', 4, 'T']) })
    expect(logprobs.shape).toEqual(['B', 'T', 3])
    expect([decoder.numClassesWithBlank, decoder.vocabulary]).toEqual([3, ['a', 'b']])
  })
})
