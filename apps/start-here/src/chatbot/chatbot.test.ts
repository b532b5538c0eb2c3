import { NeuralModuleFactory, seedInitialisation } from '@nemo/core'
import { ort, type TensorData } from '@nemo/graph'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { BeamLuongAttnDecoderRNN } from './beamDecoder.js'
import { GreedyLuongAttnDecoderRNN, LuongAttnDecoderRNN } from './decoders.js'
import { DialogDataLayer, type DialogPair, readDialogs } from './dialogDataLayer.js'
import { makeDialogText } from './dialogText.js'
import { type ChatbotConfig, EncoderRNN } from './encoderRNN.js'
import { MaskedXEntropyLoss } from './maskedXEntropyLoss.js'
import { EOS, normalizeSentence, Vocabulary } from './vocabulary.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
beforeEach(() => seedInitialisation(4))

const config = (voc_size: number, attn_model: ChatbotConfig['attn_model'] = 'dot'): ChatbotConfig => ({
  voc_size,
  attn_model,
  hidden_size: 12,
  encoder_n_layers: 2,
  decoder_n_layers: 2,
  dropout: 0,
})
const numbers = ({ data }: TensorData) => Array.from(data, Number)

/** Networks, and the graph that they make of some pairs. */
function chatbot(pairs: readonly DialogPair[], attention: ChatbotConfig['attn_model'] = 'dot') {
  const layer = new DialogDataLayer({ pairs, batch_size: 2, shuffle: false })
  const settings = config(layer.vocabulary.size, attention)
  const encoder = new EncoderRNN(settings)
  const decoder = new LuongAttnDecoderRNN(settings)
  const { src, srcLengths, tgt, mask } = layer.forward()
  const { outputs, hidden } = encoder.forward({ inputSeq: src, inputLengths: srcLengths })
  const source = { encoderOutputs: outputs, encoderLengths: srcLengths, encoderHidden: hidden }
  const { outputs: predictions } = decoder.forward({ targets: tgt, ...source })
  const { loss } = new MaskedXEntropyLoss().forward({ predictions, target: tgt, mask })
  return { layer, encoder, decoder, source, predictions, loss }
}

const pairs: readonly DialogPair[] = [
  ['who are you ?', 'i am nemo .'],
  ['where is the sea ?', 'here .'],
]

describe('text', () => {
  it('is normalised, and comes in pairs', () => {
    expect(normalizeSentence('  Où es-tu, Zoé?')).toBe('ou es tu zoe ?')
    expect(readDialogs('Hi!\tHello.\nBye\tBye')).toEqual([
      ['hi !', 'hello .'],
      ['bye', 'bye'],
    ])
    expect(() => readDialogs('a\tb\nalone')).toThrow(
      'Line 2: expected a sentence, a tab and its answer, found "alone".',
    )
    expect(readDialogs(makeDialogText(1))).toHaveLength(36)
  })

  it('becomes ids and words again', () => {
    const vocabulary = new Vocabulary(['a b', 'b c'])
    expect(vocabulary.words).toEqual(['PAD', 'SOS', 'EOS', 'a', 'b', 'c'])
    expect(vocabulary.encode('c a unknown')).toEqual([5, 3, EOS])
    expect(vocabulary.decode([5, 3, EOS, 4, 0])).toBe('c a')
  })
})

describe('networks', () => {
  it.each(['dot', 'general', 'concat'] as const)(
    'with %s attention do not read beyond the end of a source',
    async (attention) => {
      const nf = new NeuralModuleFactory({ runtime, randomSeed: 4 })
      const { source, encoder, decoder, layer } = chatbot(pairs, attention)
      const greedy = new GreedyLuongAttnDecoderRNN(decoder, 4)
      const { outputs } = greedy.forward(source)
      const { vocabulary } = layer
      const alone = new DialogDataLayer({ pairs: [pairs[0]!], batch_size: 1, vocabulary }).forward()
      const encoded = encoder.forward({ inputSeq: alone.src, inputLengths: alone.srcLengths })
      const first = greedy.forward({
        encoderOutputs: encoded.outputs,
        encoderLengths: alone.srcLengths,
        encoderHidden: encoded.hidden,
      })
      const [[together]] = (await nf.infer({ tensors: [outputs], verbose: false })) as [[TensorData]]
      const [[single]] = (await nf.infer({ tensors: [first.outputs], verbose: false })) as [[TensorData]]
      expect(numbers(single)).toEqual(numbers(together).slice(0, 4))
    },
  )

  it('share weights between decoders, by NeMo names', async () => {
    const decoder = new LuongAttnDecoderRNN(config(9, 'concat'))
    const greedy = new GreedyLuongAttnDecoderRNN(decoder)
    expect(greedy.parameters()).toEqual(decoder.parameters())
    expect([...decoder.namedParameters().keys()].filter((name) => !name.startsWith('gru.'))).toEqual([
      'embedding.weight',
      'concat.weight',
      'concat.bias',
      'out.weight',
      'out.bias',
      'attn.v',
      'attn.attn.weight',
      'attn.attn.bias',
    ])
  })

  it('answer by a beam of 1 as they do greedily, up to EOS, and by more at least as likely', async () => {
    const nf = new NeuralModuleFactory({ runtime, randomSeed: 4 })
    const { source, decoder } = chatbot(pairs)
    const greedy = new GreedyLuongAttnDecoderRNN(decoder, 5).forward(source).outputs
    const one = new BeamLuongAttnDecoderRNN(decoder, 1, 5).forward(source)
    const four = new BeamLuongAttnDecoderRNN(decoder, 4, 5).forward(source)
    const results = await nf.infer({
      tensors: [greedy, one.outputs, one.scores, four.outputs, four.scores],
      verbose: false,
    })
    const [plain, narrow, narrowScores, , wideScores] = results.map(([batch]) => batch!)
    const cut = (values: readonly number[]) => values.slice(0, [...values, EOS].indexOf(EOS))
    for (const row of [0, 5])
      expect(cut(numbers(narrow!).slice(row, row + 5))).toEqual(cut(numbers(plain!).slice(row, row + 5)))
    for (const [i, score] of numbers(wideScores!).entries())
      expect(score).toBeGreaterThanOrEqual(numbers(narrowScores!)[i]! - 1e-5)
  })

  it('learn a small text by heart', async () => {
    const nf = new NeuralModuleFactory({ runtime, randomSeed: 4 })
    const { source, decoder, layer, loss } = chatbot(pairs)
    const { metrics } = await nf.train({
      tensorsToOptimize: [loss],
      optimizer: 'adam',
      optimizationParams: { num_epochs: 80, lr: 0.02 },
    })
    expect(metrics.train_loss).toBeLessThan(0.1)
    const tensors = [
      new GreedyLuongAttnDecoderRNN(decoder, 6).forward(source).outputs,
      new BeamLuongAttnDecoderRNN(decoder, 3, 6).forward(source).outputs,
    ]
    for (const [batch] of await nf.infer({ tensors, verbose: false })) {
      const ids = numbers(batch!)
      expect([0, 1].map((row) => layer.vocabulary.decode(ids.slice(row * 6, row * 6 + 6)))).toEqual(
        pairs.map(([, answer]) => answer),
      )
    }
  })
})
