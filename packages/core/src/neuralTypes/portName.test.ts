import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describePorts } from './describePorts.js'
import { AcousticEncodedRepresentation, LengthsType, LogprobsType, SpectrogramType } from './elementTypes.js'
import { port } from './neuralType.js'
import { portKey, portName, portNames } from './portName.js'

test.each([
  ['audioSignal', 'audio_signal'],
  ['length', 'length'],
  ['encodedLengths', 'encoded_lengths'],
  ['inputIds', 'input_ids'],
  ['logprobs', 'logprobs'],
  ['melSTFTLoss', 'mel_stft_loss'],
  ['x1Mask', 'x1_mask'],
])('%s is called %s', (key, name) => {
  expect(portName(key)).toBe(name)
})

test('snake_case names and camelCase keys give each other', () => {
  const word = fc.stringMatching(/^[a-z]{2,6}[0-9]?$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
      const name = words.join('_')
      expect(portName(portKey(name))).toBe(name)
    }),
  )
})

test('a name of its own counts, in both directions', () => {
  const ports = { logProbs: port('B T D', LogprobsType, { name: 'logprobs' }), length: [port('B', LengthsType)] }
  expect(portName('logProbs', ports)).toBe('logprobs')
  expect(portKey('logprobs', ports)).toBe('logProbs')
  expect(portKey('log_probs', ports)).toBeUndefined()
  expect([...portNames(ports)]).toEqual([
    ['logprobs', 'logProbs'],
    ['length', 'length'],
  ])
})

test('two ports of one name are refused', () => {
  const ports = { logProbs: port('B', LogprobsType), probs: port('B', LogprobsType, { name: 'log_probs' }) }
  expect(() => portNames(ports)).toThrow("ports logProbs and probs have one name, 'log_probs'")
})

test('describePorts makes a table of a module', () => {
  class ConvASREncoder {
    static readonly inputTypes = {
      audioSignal: port('B D:64 T', SpectrogramType),
      length: port('B', LengthsType, { optional: true }),
    }
    static readonly outputTypes = {
      outputs: [port('B D T', AcousticEncodedRepresentation)],
      loss: port(null),
    }
    readonly training = true
  }
  expect(describePorts(ConvASREncoder)).toMatchInlineSnapshot(`
    "| Port | Name | Axes | Elements | |
    | --- | --- | --- | --- | --- |
    | \`audioSignal\` | \`audio_signal\` | [B, D:64, T] | SpectrogramType | input |
    | \`length\` | \`length\` | [B] | LengthsType | optional input |
    | \`outputs\` | \`outputs\` | list of [B, D, T] | AcousticEncodedRepresentation | output |
    | \`loss\` | \`loss\` | none | VoidType | output |"
  `)
  expect(describePorts(new ConvASREncoder())).toBe(describePorts(ConvASREncoder))
  expect(describePorts(class {})).toBe('| Port | Name | Axes | Elements | |\n| --- | --- | --- | --- | --- |')
})
