import { input, relu, type Tensor, transpose } from '@nemo/graph'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AudioSignal } from './audioSignal.js'
import { NeuralTypeComparisonResult } from './comparison.js'
import { ElementType } from './elementType.js'
import {
  AcousticEncodedRepresentation,
  ChannelType,
  HypothesisType,
  LengthsType,
  LogprobsType,
  LossType,
  MelSpectrogramType,
  SpectrogramType,
} from './elementTypes.js'
import {
  NeuralPortContainerError,
  NeuralPortMissingError,
  NeuralPortNameMismatchError,
  NeuralPortNmTensorMismatchError,
  NeuralPortRankError,
  NeuralTypeDefinitionError,
  TypecheckUsageError,
} from './errors.js'
import { port } from './neuralType.js'
import { withNeuralType } from './nmTensor.js'
import type { Inputs, Outputs, PortTypes } from './ports.js'
import { typecheck } from './typecheck.js'

class ConvASREncoder {
  static readonly inputTypes = {
    audioSignal: port('B D T', SpectrogramType),
    length: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = {
    outputs: port('B D T', AcousticEncodedRepresentation),
    encodedLengths: port('B', LengthsType, { optional: true }),
  }

  @typecheck() forward({ audioSignal, length }: Inputs<typeof ConvASREncoder>): Outputs<typeof ConvASREncoder> {
    return { outputs: relu(audioSignal), encodedLengths: length }
  }
}

/** A module whose ports and result are given from outside. */
class Configured {
  constructor(
    readonly inputTypes: PortTypes | undefined,
    readonly outputTypes: PortTypes | undefined,
    private readonly result: (inputs: Record<string, unknown>) => unknown,
  ) {}

  @typecheck() forward(inputs: Record<string, unknown> = {}): unknown {
    return this.result(inputs)
  }
}

const takes = (inputTypes: PortTypes): Configured => new Configured(inputTypes, undefined, () => 'ran')
const returns = (outputTypes: PortTypes, result: unknown): Configured =>
  new Configured(undefined, outputTypes, () => result)

const encoder = new ConvASREncoder()
let mel: Tensor
let length: Tensor
let wave: Tensor

beforeEach(() => {
  mel = input('mel', 'float32', ['B', 64, 'T'])
  length = input('length', 'int64', ['B'])
  wave = input('wave', 'float32', ['B', 'T'])
})

/** The call as a caller without types would write it. */
const forward = (module: object, ...args: unknown[]): unknown =>
  (module as { forward(...args: unknown[]): unknown }).forward(...args)

const thrownBy = (fn: () => unknown): Error => {
  try {
    fn()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('input ports', () => {
  test('tensors without a neural type pass', () => {
    expect(encoder.forward({ audioSignal: mel, length }).outputs.shape).toEqual(['B', 64, 'T'])
  })

  test('a subtype passes where its base is wanted, and not the other way round', () => {
    expect(() => encoder.forward({ audioSignal: withNeuralType(mel, port('B D T', MelSpectrogramType)) })).not.toThrow()
    const error = thrownBy(() => forward(encoder, { audioSignal: withNeuralType(mel, port('B D T', ChannelType)) }))
    expect(error).toBeInstanceOf(NeuralPortNmTensorMismatchError)
    expect(error).toMatchObject({ code: 'NEMO_PORT_TYPE', result: NeuralTypeComparisonResult.LESS })
  })

  test('a transposed layout names module, port, both types and the permutation', () => {
    const transposed = withNeuralType(transpose(mel, [0, 2, 1]), port('B T D', MelSpectrogramType))
    expect(thrownBy(() => forward(encoder, { audioSignal: transposed })).message).toMatchInlineSnapshot(`
      "In ConvASREncoder.forward, input port audioSignal: INCOMPATIBLE
      expected axes: (batch, dimension, time); elements_type: SpectrogramType
         found axes: (batch, time, dimension); elements_type: MelSpectrogramType
      Transpose the tensor with perm [0, 2, 1] to get [B, D, T]. [NEMO_PORT_TYPE]"
    `)
    const same = withNeuralType(transpose(mel, [0, 2, 1]), port('B T D', SpectrogramType))
    expect(thrownBy(() => forward(encoder, { audioSignal: same })).message).toMatchInlineSnapshot(`
      "In ConvASREncoder.forward, input port audioSignal: TRANSPOSE_SAME
      expected axes: (batch, dimension, time); elements_type: SpectrogramType
         found axes: (batch, time, dimension); elements_type: SpectrogramType
      Transpose the tensor with perm [0, 2, 1] to get [B, D, T]. [NEMO_PORT_TYPE]"
    `)
  })

  test('another sampling rate names both', () => {
    const module = takes({ signal: port('B T', AudioSignal({ freq: 16000 })) })
    expect(
      thrownBy(() => module.forward({ signal: withNeuralType(wave, port('B T', AudioSignal({ freq: 8000 }))) }))
        .message,
    ).toMatchInlineSnapshot(`
      "In Configured.forward, input port signal: SAME_TYPE_INCOMPATIBLE_PARAMS
      expected axes: (batch, time); elements_type: AudioSignal(freq=16000)
         found axes: (batch, time); elements_type: AudioSignal(freq=8000)
      The element type is the same and its parameters are not (AudioSignal(freq=16000), AudioSignal(freq=8000)): convert the data, or use the same values in both modules. [NEMO_PORT_TYPE]"
    `)
    expect(module.forward({ signal: withNeuralType(wave, port('B T', AudioSignal)) })).toBe('ran')
  })

  test('a missing mandatory port is named', () => {
    const error = thrownBy(() => forward(encoder, { length }))
    expect(error).toBeInstanceOf(NeuralPortMissingError)
    expect(error.message).toMatchInlineSnapshot(
      `"In ConvASREncoder.forward: a mandatory input port has no value: audioSignal (axes: (batch, dimension, time); elements_type: SpectrogramType). expected audioSignal, length | found length. Connect it. [NEMO_PORT_MISSING]"`,
    )
    expect(() => forward(encoder, { audioSignal: undefined, length })).toThrow(NeuralPortMissingError)
    expect(() => forward(encoder, { audioSignal: null, length })).toThrow(NeuralPortMissingError)
    expect(() => forward(encoder)).toThrow(NeuralPortMissingError)
  })

  test('an unknown port is named, and so is the one that may be meant', () => {
    const error = thrownBy(() => forward(encoder, { audio: mel, length }))
    expect(error).toBeInstanceOf(NeuralPortNameMismatchError)
    expect(error.message).toMatchInlineSnapshot(
      `"In ConvASREncoder.forward: no input port is called audio. expected audioSignal, length, of which length may be left open | found audio, length. Is it audioSignal? [NEMO_PORT_NAME]"`,
    )
    expect(() => forward(encoder, { audioSignal: mel, more: 1 })).toThrow('found audioSignal, more. Remove it')
  })

  test('an optional port may be left open', () => {
    expect(encoder.forward({ audioSignal: mel }).encodedLengths).toBeUndefined()
    expect(encoder.forward({ audioSignal: mel, length: undefined }).encodedLengths).toBeUndefined()
  })

  test('the rank is checked with and without a neural type', () => {
    const error = thrownBy(() => encoder.forward({ audioSignal: wave }))
    expect(error).toBeInstanceOf(NeuralPortRankError)
    expect(error.message).toMatchInlineSnapshot(
      `"In ConvASREncoder.forward, input port audioSignal: expected rank 3, [B, D, T] of SpectrogramType | found rank 2, shape [B, T]. Add the missing axis, as with unsqueeze, or connect another tensor. [NEMO_PORT_RANK]"`,
    )
    const mistyped = withNeuralType(input('x', 'float32', ['B', 1, 64, 'T']), port('B D T', MelSpectrogramType))
    expect(() => encoder.forward({ audioSignal: mistyped })).toThrow(/found rank 4, shape \[B, 1, 64, T\].*squeeze/)
  })

  test('values that are no tensors pass unchecked', () => {
    expect(takes({ x: port('B T', LogprobsType) }).forward({ x: 3 })).toBe('ran')
    expect(takes({ x: port(null, LossType) }).forward({ x: new Float32Array(3) })).toBe('ran')
  })

  test('ports must be given by name', () => {
    const error = thrownBy(() => forward(encoder, mel, length))
    expect(error).toBeInstanceOf(TypecheckUsageError)
    expect(error.message).toMatchInlineSnapshot(
      `"ConvASREncoder.forward was called with 2 arguments instead of named ports. expected one object: { audioSignal, length }. [NEMO_TYPECHECK_USAGE]"`,
    )
    expect(() => forward(encoder, mel)).toThrow('was called with a value instead of named ports')
    expect(() => forward(encoder, [mel])).toThrow(TypecheckUsageError)
    expect(() => forward(encoder, 'mel')).toThrow(TypecheckUsageError)
  })
})

describe('containers', () => {
  const typed = () => withNeuralType(input('x', 'float32', ['B', 'T']), port('B T', LogprobsType))
  const wrong = () => withNeuralType(input('x', 'float32', ['B', 'T']), port('B T', LengthsType))

  test('lists are checked to the last tensor, whose place is named', () => {
    const module = takes({ x: [[port('B T', LogprobsType)]] })
    expect(module.forward({ x: [[typed(), wave], [], [typed()]] })).toBe('ran')
    const error = thrownBy(() => module.forward({ x: [[typed()], [typed(), wrong()]] }))
    expect(error).toBeInstanceOf(NeuralPortNmTensorMismatchError)
    expect(error.message).toContain('In Configured.forward, input port x[1][1]: INCOMPATIBLE')
    expect(() => module.forward({ x: [[mel]] })).toThrow(NeuralPortRankError)
  })

  test.each([
    [
      'a tensor for a list',
      [port('B T', LogprobsType)],
      () => typed(),
      /no list, expected one list .* Put it in a list/,
    ],
    ['a list for a tensor', port('B T', LogprobsType), () => [typed()], /one list, expected no list .* Take it out/],
    ['too few lists', [[port('B T', LogprobsType)]], () => [typed()], /in one list, expected 2 nested lists/],
    ['too many lists', [port('B T', LogprobsType)], () => [[[typed()]]], /in 3 nested lists, expected one list/],
  ])('%s is an error', (_title, type, value, message) => {
    const error = thrownBy(() => takes({ x: type }).forward({ x: value() }))
    expect(error).toBeInstanceOf(NeuralPortContainerError)
    expect(error.message).toMatch(message)
  })

  test('ignoreCollections leaves the depth unchecked', () => {
    class Lenient {
      static readonly inputTypes = { x: port('B T', LogprobsType) }
      @typecheck({ ignoreCollections: true }) forward(_inputs: { x: unknown }): string {
        return 'ran'
      }
    }
    expect(new Lenient().forward({ x: [[typed()]] })).toBe('ran')
    expect(() => new Lenient().forward({ x: [[wrong()]] })).toThrow(NeuralPortNmTensorMismatchError)
  })

  test('list axes are lists of tensors with the other axes', () => {
    const module = takes({ x: port('B[] T D', LogprobsType) })
    const item = () => withNeuralType(input('item', 'float32', ['T', 29]), port('T D', LogprobsType))
    expect(module.forward({ x: [item(), item()] })).toBe('ran')
    expect(() => module.forward({ x: [mel] })).toThrow('expected rank 2')
    expect(() => module.forward({ x: [[item()]] })).toThrow(NeuralPortContainerError)
    expect(() => module.forward({ x: withNeuralType(mel, port('B T D', LogprobsType)) })).toThrow(
      'Convert between lists and tensors',
    )
  })

  test('a container holds one neural type', () => {
    const type = port('B', LengthsType)
    expect(() => takes({ x: [type, type] }).forward({ x: [] })).toThrow(NeuralTypeDefinitionError)
    expect(() => takes({ x: [] }).forward({ x: [] })).toThrow('port x is a container of 0 neural types')
    expect(() => takes({ x: 'B T' as never }).forward({ x: [] })).toThrow('port x is B T')
  })
})

describe('output ports', () => {
  test('tensors get the types of their ports', () => {
    const { outputs, encodedLengths } = encoder.forward({ audioSignal: mel, length })
    expect(outputs.neuralType).toBe(ConvASREncoder.outputTypes.outputs)
    expect(encodedLengths?.neuralType).toBe(ConvASREncoder.outputTypes.encodedLengths)
    expect(mel).not.toHaveProperty('neuralType')
  })

  test('a tensor that is handed through keeps a type that fits', () => {
    const type = port('B D T', MelSpectrogramType)
    returns({ y: port('B D T', SpectrogramType) }, { y: withNeuralType(mel, type) }).forward()
    expect(mel).toHaveProperty('neuralType', type)
    const other = port('B D T', LogprobsType)
    returns({ y: other }, { y: mel }).forward()
    expect(mel).toHaveProperty('neuralType', other)
  })

  test('a single output may come alone, in a list, or by name', () => {
    const type = port('B T', LogprobsType)
    for (const result of [wave, { y: wave }]) {
      wave = input('wave', 'float32', ['B', 'T'])
      expect(returns({ y: type }, result).forward()).toBe(result)
    }
    returns({ y: type }, wave).forward()
    returns({ y: [type] }, [length, mel].slice(2).concat(wave)).forward()
    expect(wave).toHaveProperty('neuralType', type)
  })

  test('lists of tensors get their types one by one', () => {
    returns(
      { logprobs: [port('B T', LogprobsType)], loss: port(null, LossType) },
      { logprobs: [wave], loss: length },
    ).forward()
    expect(wave).toHaveProperty('neuralType.elementsType.name', 'LogprobsType')
    expect(length).toHaveProperty('neuralType.elementsType.name', 'LossType')
  })

  test('values that are no tensors stay as they are', () => {
    const hypotheses = [{ text: 'one' }, { text: 'two' }]
    returns({ hypotheses: [port(null, HypothesisType)] }, { hypotheses }).forward()
    expect(hypotheses).toEqual([{ text: 'one' }, { text: 'two' }])
    expect(Object.getOwnPropertyNames(hypotheses[0])).toEqual(['text'])
    const frozen = Object.freeze(input('frozen', 'float32', ['B']))
    expect(returns({ y: port('B', LengthsType) }, frozen).forward()).toBe(frozen)
  })

  test.each<[string, PortTypes, () => unknown, new (message: string) => Error, RegExp]>([
    [
      'a missing output',
      { y: port('B', LengthsType) },
      () => ({}),
      NeuralPortMissingError,
      /output port y .* has no value/,
    ],
    [
      'an unknown output',
      { y: port('B', LengthsType) },
      () => ({ y: length, z: 1 }),
      NeuralPortNameMismatchError,
      /called z/,
    ],
    [
      'another rank',
      { y: port('B', LengthsType) },
      () => ({ y: wave }),
      NeuralPortRankError,
      /output port y: expected rank 1/,
    ],
    [
      'a bare tensor for a list',
      { y: [port('B', LengthsType)] },
      () => ({ y: length }),
      NeuralPortContainerError,
      /output port y/,
    ],
    [
      'no object of ports',
      { y: port('B'), z: port('B') },
      () => [length, length],
      TypecheckUsageError,
      /returned a list .* { y, z }/,
    ],
  ])('%s is an error', (_title, types, result, kind, message) => {
    const error = thrownBy(() => returns(types, result()).forward())
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toMatch(message)
  })

  test('an asynchronous method is checked when it settles', async () => {
    const module = returns({ y: port('B T', LogprobsType) }, Promise.resolve({ y: wave }))
    await expect(module.forward()).resolves.toEqual({ y: wave })
    expect(wave).toHaveProperty('neuralType')
    await expect(returns({ y: port('B', LengthsType) }, Promise.resolve({})).forward()).rejects.toThrow('no value')
  })
})

describe('where ports come from', () => {
  test('a module without ports is not checked', () => {
    expect(new Configured(undefined, undefined, (inputs) => inputs).forward({ anything: mel })).toEqual({
      anything: mel,
    })
  })

  test('ports of the instance count before those of the class', () => {
    class Preprocessor {
      static readonly inputTypes: PortTypes = { signal: port('B T', AudioSignal) }
      readonly inputTypes: PortTypes
      constructor(freq: number) {
        this.inputTypes = { signal: port('B T', AudioSignal({ freq })) }
      }
      @typecheck() forward(_inputs: { signal: Tensor }): string {
        return 'ran'
      }
    }
    const signal = withNeuralType(wave, port('B T', AudioSignal({ freq: 8000 })))
    expect(new Preprocessor(8000).forward({ signal })).toBe('ran')
    expect(() => new Preprocessor(16000).forward({ signal })).toThrow('SAME_TYPE_INCOMPATIBLE_PARAMS')
  })

  test('ports of the method count before those of the module', () => {
    class Two {
      static readonly inputTypes = { x: port('B T', LogprobsType) }
      @typecheck({ inputTypes: { y: port('B', LengthsType) }, outputTypes: { y: port('B', LengthsType) } })
      decode({ y }: { y: Tensor }): Tensor {
        return y
      }
    }
    expect(new Two().decode({ y: length })).toHaveProperty('neuralType.elementsType.name', 'LengthsType')
    expect(() => new Two().decode({ y: wave })).toThrow('In Two.decode, input port y')
  })

  test('subclasses inherit ports, and super calls are checked as well', () => {
    class Wider extends ConvASREncoder {
      @typecheck() override forward(inputs: Inputs<typeof ConvASREncoder>): Outputs<typeof ConvASREncoder> {
        return super.forward(inputs)
      }
    }
    expect(new Wider().forward({ audioSignal: mel }).outputs.neuralType).toBe(ConvASREncoder.outputTypes.outputs)
    expect(() => new Wider().forward({ audioSignal: wave })).toThrow('In Wider.forward')
  })

  test('element types of a package of its own are checked like ours', () => {
    class BoundingBoxType extends ElementType {
      declare protected readonly boundingBoxType: true
      override readonly fields = ['x', 'y', 'width', 'height']
    }
    class FaceBoxType extends BoundingBoxType {}
    const module = takes({ boxes: port('B D:4', BoundingBoxType) })
    const boxes = input('boxes', 'float32', ['B', 4])
    expect(module.forward({ boxes: withNeuralType(boxes, port('B D:4', FaceBoxType)) })).toBe('ran')
    expect(() => module.forward({ boxes: withNeuralType(boxes, port('B D:4', ChannelType)) })).toThrow(
      'elements_type: BoundingBoxType',
    )
  })

  test('a method without its module says so', () => {
    const { forward: alone } = encoder
    expect(() => alone({ audioSignal: mel })).toThrow('forward was called without its module')
  })
})

describe('switching checks off', () => {
  afterEach(() => {
    typecheck.setTypecheckEnabled(true)
  })
  const wrongCall = () => forward(encoder, { audioSignal: wave, more: 1 }) as { outputs: Tensor }

  test('disableChecks gives the result of its function, which is neither checked nor typed', () => {
    expect(typecheck.disableChecks(wrongCall).outputs).not.toHaveProperty('neuralType')
    expect(wrongCall).toThrow(NeuralPortNameMismatchError)
  })

  test('disableChecks restores what was, after errors and when nested', () => {
    expect(() => typecheck.disableChecks(() => forward(encoder, {}))).toThrow()
    expect(typecheck.isTypecheckEnabled()).toBe(true)
    typecheck.disableChecks(() => {
      typecheck.disableChecks(wrongCall)
      wrongCall()
    })
    typecheck.setTypecheckEnabled(false)
    typecheck.disableChecks(wrongCall)
    expect(typecheck.isTypecheckEnabled()).toBe(false)
  })

  test('disableChecks holds until a promise settles', async () => {
    const pending = typecheck.disableChecks(async () => {
      await Promise.resolve()
      return wrongCall()
    })
    expect(typecheck.isTypecheckEnabled()).toBe(false)
    await pending
    await expect(typecheck.disableChecks(() => Promise.reject(new Error('late')))).rejects.toThrow('late')
    expect(typecheck.isTypecheckEnabled()).toBe(true)
  })

  test('setTypecheckEnabled holds until it is called again', () => {
    typecheck.setTypecheckEnabled(false)
    wrongCall()
    typecheck.setTypecheckEnabled(true)
    expect(wrongCall).toThrow()
  })
})
