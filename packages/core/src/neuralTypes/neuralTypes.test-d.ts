import { relu, type Tensor, transpose } from '@nemo/graph'
import { describe, expectTypeOf, test } from 'vitest'
import { AudioSignal } from './audioSignal.js'
import { AxisKind, AxisKindAbstract, AxisType } from './axes.js'
import { ElementType } from './elementType.js'
import {
  AcousticEncodedRepresentation,
  ChannelType,
  HypothesisType,
  LengthsType,
  LogprobsType,
  type LossType,
  MelSpectrogramType,
  SpectrogramType,
  StringType,
  VoidType,
} from './elementTypes.js'
import { NeuralType, port } from './neuralType.js'
import { type NmTensor, withNeuralType } from './nmTensor.js'
import type { Inputs, Outputs, PortTypes, Typed } from './ports.js'
import { typecheck } from './typecheck.js'

// The example of the design, and a preprocessor to feed it.
abstract class NeuralModule implements Typed {
  readonly inputTypes?: PortTypes | undefined
  abstract forward(inputs: object): object
}

class ConvASREncoder extends NeuralModule {
  static readonly inputTypes = { audioSignal: port('B D T', SpectrogramType), length: port('B', LengthsType) }
  static readonly outputTypes = {
    outputs: port('B D T', AcousticEncodedRepresentation),
    encodedLengths: port('B', LengthsType),
  }
  @typecheck() forward({ audioSignal, length }: Inputs<typeof ConvASREncoder>): Outputs<typeof ConvASREncoder> {
    return { outputs: relu(audioSignal), encodedLengths: length }
  }
}

class AudioToMelSpectrogramPreprocessor {
  static readonly inputTypes = {
    inputSignal: port('B T', AudioSignal({ freq: 16000 })),
    length: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = {
    processedSignal: port('B D:64 T', MelSpectrogramType),
    processedLength: port('B', LengthsType),
  }
  @typecheck() forward({
    inputSignal,
    length,
  }: Inputs<typeof AudioToMelSpectrogramPreprocessor.inputTypes>): Outputs<
    typeof AudioToMelSpectrogramPreprocessor.outputTypes
  > {
    return { processedSignal: transpose(inputSignal, [0, 1]), processedLength: length ?? tensor }
  }
}

declare const encoder: ConvASREncoder
declare const preprocessor: AudioToMelSpectrogramPreprocessor
declare const tensor: Tensor
declare const length: NmTensor<'B', LengthsType>
declare const mel: NmTensor<'B D T', MelSpectrogramType>

describe('ports', () => {
  test('take what they want, and subtypes and fixed sizes of it', () => {
    encoder.forward({ audioSignal: mel, length })
    encoder.forward({ audioSignal: {} as NmTensor<'B C T', SpectrogramType>, length })
    encoder.forward({ audioSignal: {} as NmTensor<'batch d:64 time', SpectrogramType>, length })
    const { processedSignal, processedLength } = preprocessor.forward({ inputSignal: tensor })
    encoder.forward({ audioSignal: processedSignal, length: processedLength })
  })

  test('take tensors without a neural type', () => {
    encoder.forward({ audioSignal: tensor, length: tensor })
  })

  test('refuse another element type', () => {
    // @ts-expect-error LogprobsType is no SpectrogramType
    encoder.forward({ audioSignal: {} as NmTensor<'B D T', LogprobsType>, length })
    // @ts-expect-error not every ChannelType is a SpectrogramType
    encoder.forward({ audioSignal: {} as NmTensor<'B D T', ChannelType>, length })
    // @ts-expect-error a VoidType fits void ports only
    encoder.forward({ audioSignal: {} as NmTensor<'B D T', VoidType>, length })
  })

  test('refuse another layout', () => {
    // @ts-expect-error time and dimension are swapped
    encoder.forward({ audioSignal: {} as NmTensor<'B T D', MelSpectrogramType>, length })
    // @ts-expect-error an axis is missing
    encoder.forward({ audioSignal: {} as NmTensor<'B D', MelSpectrogramType>, length })
    // @ts-expect-error there are no axes
    encoder.forward({ audioSignal: {} as NmTensor<null, MelSpectrogramType>, length })
    // @ts-expect-error the batch is a list
    encoder.forward({ audioSignal: {} as NmTensor<'B[] D T', MelSpectrogramType>, length })
  })

  test('refuse missing and unknown ports, and arguments without names', () => {
    // @ts-expect-error length is mandatory
    encoder.forward({ audioSignal: mel })
    // @ts-expect-error there is no such port
    encoder.forward({ audioSignal: mel, length, lengths: length })
    // @ts-expect-error ports have names
    encoder.forward(mel, length)
    // @ts-expect-error undefined is no tensor
    encoder.forward({ audioSignal: undefined, length })
    preprocessor.forward({ inputSignal: tensor, length: undefined })
  })

  test('have sampling rates that match, or none', () => {
    preprocessor.forward({ inputSignal: {} as NmTensor<'B T', AudioSignal<16000>> })
    preprocessor.forward({ inputSignal: {} as NmTensor<'B T', AudioSignal> })
    // @ts-expect-error 8000 Hz
    preprocessor.forward({ inputSignal: {} as NmTensor<'B T', AudioSignal<8000>> })
    const any = {} as Inputs<{ x: ReturnType<typeof anyRate> }>
    expectTypeOf<NmTensor<'B T', AudioSignal<8000>>>().toExtend<typeof any.x>()
  })

  test('have sizes that match, or none', () => {
    const sized = { x: port('B D:64 T', ChannelType) }
    expectTypeOf<NmTensor<'B D:64 T', ChannelType>>().toExtend<Inputs<typeof sized>['x']>()
    expectTypeOf<NmTensor<'B D:80 T', ChannelType>>().not.toExtend<Inputs<typeof sized>['x']>()
    expectTypeOf<NmTensor<'B D T', ChannelType>>().not.toExtend<Inputs<typeof sized>['x']>()
  })

  test('without a meaning take everything', () => {
    const ports = { all: port(null), shaped: port('B Any', VoidType) }
    type Values = Inputs<typeof ports>
    expectTypeOf<NmTensor<'B D T', LogprobsType>>().toExtend<Values['all']>()
    expectTypeOf<NmTensor<null, LossType>>().toExtend<Values['all']>()
    expectTypeOf<NmTensor<'B T', LogprobsType>>().toExtend<Values['shaped']>()
    expectTypeOf<NmTensor<'B D:3', LogprobsType>>().toExtend<Values['shaped']>()
    expectTypeOf<NmTensor<'B D T', LogprobsType>>().not.toExtend<Values['shaped']>()
    expectTypeOf<NmTensor<'B Any', LogprobsType>>().not.toExtend<NmTensor<'B T', LogprobsType>>()
  })
})

const anyRate = () => port('B T', AudioSignal)

describe('results', () => {
  test('carry their neural types', () => {
    const { outputs, encodedLengths } = encoder.forward({ audioSignal: mel, length })
    expectTypeOf(outputs).toEqualTypeOf<NmTensor<'B D T', AcousticEncodedRepresentation>>()
    expectTypeOf(encodedLengths).toEqualTypeOf<NmTensor<'B', LengthsType>>()
    // @ts-expect-error an encoded representation is no spectrogram
    encoder.forward({ audioSignal: outputs, length: encodedLengths })
  })

  test('of an op are tensors without a neural type', () => {
    expectTypeOf(relu(mel)).toEqualTypeOf<Tensor>()
    expectTypeOf(withNeuralType(tensor, port('B D:64 T', MelSpectrogramType))).toEqualTypeOf<
      NmTensor<'B D:64 T', MelSpectrogramType>
    >()
  })

  test('are checked against the output ports', () => {
    const outputs: Outputs<typeof ConvASREncoder> = { outputs: tensor, encodedLengths: length }
    expectTypeOf(outputs.encodedLengths).toEqualTypeOf<NmTensor<'B', LengthsType>>()
    // @ts-expect-error lengths are no representation
    const swapped: Outputs<typeof ConvASREncoder> = { outputs: length, encodedLengths: length }
    // @ts-expect-error an output is missing
    const missing: Outputs<typeof ConvASREncoder> = { outputs: tensor }
    expectTypeOf(swapped).toEqualTypeOf(missing)
  })
})

describe('port', () => {
  test('reads every notation', () => {
    type Spectrogram = NmTensor<'B D T', SpectrogramType>
    const ports = {
      words: port('batch channel time', SpectrogramType),
      list: port(['B', 'C', 'T'], SpectrogramType),
      axes: port(
        [new AxisType(AxisKind.Batch), new AxisType(AxisKind.Channel), new AxisType(AxisKind.Time)],
        SpectrogramType,
      ),
      instance: port('n d t', new SpectrogramType()),
    }
    expectTypeOf<Inputs<typeof ports>>().toEqualTypeOf<{
      readonly words: Spectrogram
      readonly list: Spectrogram
      readonly axes: Spectrogram
      readonly instance: Spectrogram
    }>()
  })

  test('refuses unknown axes', () => {
    // @ts-expect-error X is no axis
    expectTypeOf(port('B X T', SpectrogramType)).toBeObject()
    // @ts-expect-error sequence has no short name
    expectTypeOf(port(['B', 'sequence'], SpectrogramType)).toBeObject()
    // @ts-expect-error Q is no axis
    expectTypeOf(port('B Q:64', SpectrogramType)).toBeObject()
  })

  test('refuses what is no element type', () => {
    // @ts-expect-error a string is no element type
    expectTypeOf(port('B', 'LengthsType')).toBeObject()
    // @ts-expect-error a date is no element type
    expectTypeOf(port('B', Date)).toBeObject()
  })

  test('takes axis kinds of a package of its own', () => {
    class SpeechAxis<Name extends string> extends AxisKindAbstract<Name> {
      static readonly Phoneme = new SpeechAxis('Phoneme', 0)
    }
    const ports = {
      x: port(
        [new AxisType(AxisKind.Batch), new AxisType(SpeechAxis.Phoneme, { size: 40 }), new AxisType(AxisKind.Sequence)],
        ChannelType,
      ),
    }
    expectTypeOf<NmTensor<'B Phoneme:40 Sequence', ChannelType>>().toExtend<Inputs<typeof ports>['x']>()
    expectTypeOf<NmTensor<'B Phoneme:41 Sequence', ChannelType>>().not.toExtend<Inputs<typeof ports>['x']>()
    expectTypeOf<NmTensor<'B D:40 Sequence', ChannelType>>().not.toExtend<Inputs<typeof ports>['x']>()
  })

  test('leaves axes that are known at run time only to the run-time check', () => {
    const ports = { x: new NeuralType('B D T', SpectrogramType), y: port('B D T' as string, SpectrogramType) }
    expectTypeOf<NmTensor<'B T', MelSpectrogramType>>().toExtend<Inputs<typeof ports>['x']>()
    expectTypeOf<NmTensor<'B T', MelSpectrogramType>>().toExtend<Inputs<typeof ports>['y']>()
    expectTypeOf<NmTensor<'B T', LogprobsType>>().not.toExtend<Inputs<typeof ports>['x']>()
  })
})

describe('containers', () => {
  const ports = {
    tensors: [port('B T', LogprobsType)],
    nested: [[port('B T', LogprobsType)]],
    maybe: [port('B', LengthsType, { optional: true })],
    listAxes: port('B[] T[] D', ChannelType),
  }
  type Values = Inputs<typeof ports>

  test('are lists of tensors', () => {
    expectTypeOf<Values>().toEqualTypeOf<{
      readonly tensors: readonly NmTensor<'B T', LogprobsType>[]
      readonly nested: readonly (readonly NmTensor<'B T', LogprobsType>[])[]
      readonly maybe?: readonly NmTensor<'B', LengthsType>[] | undefined
      readonly listAxes: readonly (readonly NmTensor<'D', ChannelType>[])[]
    }>()
    expectTypeOf<NmTensor<'B T', LogprobsType>>().not.toExtend<Values['tensors']>()
    expectTypeOf<NmTensor<'B T', LengthsType>[]>().not.toExtend<Values['tensors']>()
    expectTypeOf<Tensor[]>().toExtend<Values['tensors']>()
  })
})

describe('element types', () => {
  test('of a package of its own work like ours', () => {
    class BoundingBoxType extends ElementType {
      declare protected readonly boundingBoxType: true
      override readonly fields = ['x', 'y', 'width', 'height']
    }
    class FaceBoxType extends BoundingBoxType {
      declare protected readonly faceBoxType: true
    }
    const ports = { boxes: port('B D:4', BoundingBoxType) }
    expectTypeOf<NmTensor<'B D:4', FaceBoxType>>().toExtend<Inputs<typeof ports>['boxes']>()
    expectTypeOf<NmTensor<'B D:4', ElementType>>().not.toExtend<Inputs<typeof ports>['boxes']>()
    expectTypeOf<NmTensor<'B D:4', BoundingBoxType>>().not.toExtend<NmTensor<'B D:4', FaceBoxType>>()
  })

  test('of plain values take them', () => {
    interface Hypothesis {
      readonly text: string
    }
    const ports = { texts: [port(null, StringType)], hypotheses: [port(null, new HypothesisType<Hypothesis>())] }
    expectTypeOf<readonly string[]>().toExtend<Inputs<typeof ports>['texts']>()
    expectTypeOf<readonly Hypothesis[]>().toExtend<Inputs<typeof ports>['hypotheses']>()
    expectTypeOf<readonly number[]>().not.toExtend<Inputs<typeof ports>['texts']>()
  })
})

test('typecheck decorates methods of one object only', () => {
  class Positional {
    // @ts-expect-error two positional arguments
    @typecheck() forward(_a: Tensor, _b: Tensor): void {}
    // @ts-expect-error no object
    @typecheck() decode(_a: number): void {}
    @typecheck() done(): void {}
  }
  expectTypeOf<Positional>().toBeObject()
  expectTypeOf(typecheck.disableChecks(() => 3)).toEqualTypeOf<number>()
})
