import { expect, it } from 'vitest'
import { AudioSignal } from '../neuralTypes/audioSignal.js'
import {
  BoolType,
  ChannelType,
  ClassificationTarget,
  LabelsType,
  LengthsType,
  LogitsType,
  MaskType,
  PredictionsType,
  RegressionValuesType,
  SpectrogramType,
} from '../neuralTypes/elementTypes.js'
import { port } from '../neuralTypes/neuralType.js'
import { ModuleError } from './errors.js'
import { dtypeOfElement, symbolicInput, symbolicInputs } from './symbolicInputs.js'

it.each([
  [new AudioSignal(), 'float32'],
  [new SpectrogramType(), 'float32'],
  [new LogitsType(), 'float32'],
  [new RegressionValuesType(), 'float32'],
  [new LengthsType(), 'int64'],
  [new LabelsType(), 'int64'],
  [new PredictionsType(), 'int64'],
  [new ClassificationTarget(), 'int64'],
  [new MaskType(), 'bool'],
  [new BoolType(), 'bool'],
] as const)('%s enters a graph as %s', (element, dtype) => {
  expect(dtypeOfElement(element)).toBe(dtype)
})

it('an input has a symbol per axis: B for the batch everywhere, others of the port', () => {
  const ports = { audioSignal: port('B D T', SpectrogramType), length: port('B', LengthsType) }
  const inputs = symbolicInputs(ports)
  expect(inputs.audioSignal!.shape).toEqual(['B', 'dimension_audio_signal', 'time_audio_signal'])
  expect(inputs.length!.shape).toEqual(['B'])
  expect(String(inputs.length)).toBe('int64[B]')
})

it('axes of one kind get numbers', () => {
  expect(symbolicInput('scores', port('B T T', ChannelType)).shape).toEqual(['B', 'time_scores', 'time1_scores'])
})

it('optional ports are left out unless they are asked for', () => {
  const ports = { x: port('B', ChannelType), mask: port('B', MaskType, { optional: true }) }
  expect(Object.keys(symbolicInputs(ports))).toEqual(['x'])
  expect(Object.keys(symbolicInputs(ports, ['mask']))).toEqual(['mask'])
})

it('a port that holds a list has no single input', () => {
  expect(() => symbolicInputs({ many: [port('B', ChannelType)] })).toThrow(ModuleError)
  expect(() => symbolicInputs({ many: [port('B', ChannelType)] })).toThrow(/many holds a list/)
})
