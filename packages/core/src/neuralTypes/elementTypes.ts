import { NeuralTypeComparisonResult } from './comparison.js'
import { ElementType, type hostValue } from './elementType.js'

// The element types of NeMo v1.0.0 `nemo.core.neural_types.elements`, with its names and its hierarchy. The
// `protected declare` lines exist for the compiler only; see ElementType.

/**
 * Anything. A port of this type takes every element type, and without axes every tensor. Use it for templates only: a
 * void tensor fits nothing but a void port.
 */
export class VoidType extends ElementType {
  override compare(_second: ElementType): NeuralTypeComparisonResult {
    return NeuralTypeComparisonResult.SAME
  }
}

/** Channels of a convolution or of any other layer. */
export class ChannelType extends ElementType {
  declare protected readonly channelType: true
}

/** Embedded words or word pieces. */
export class EmbeddedTextType extends ChannelType {
  declare protected readonly embeddedTextType: true
}

/** What an encoder returns. */
export class EncodedRepresentation extends ChannelType {
  declare protected readonly encodedRepresentation: true
}

/** What an acoustic encoder returns. */
export class AcousticEncodedRepresentation extends EncodedRepresentation {
  declare protected readonly acousticEncodedRepresentation: true
}

/** Any spectrogram. */
export class SpectrogramType extends ChannelType {
  declare protected readonly spectrogramType: true
}

/** Spectrogram on the mel scale. */
export class MelSpectrogramType extends SpectrogramType {
  declare protected readonly melSpectrogramType: true
}

/** Mel-frequency cepstral coefficients. */
export class MFCCSpectrogramType extends SpectrogramType {
  declare protected readonly mfccSpectrogramType: true
}

/** Unnormalised scores, before a softmax. */
export class LogitsType extends ElementType {
  declare protected readonly logitsType: true
}

/** Natural logarithms of probabilities, after a log-softmax. */
export class LogprobsType extends ElementType {
  declare protected readonly logprobsType: true
}

/** Labels of any sort; the base of more precise ones. */
export class LabelsType extends ElementType {
  declare protected readonly labelsType: true
}

/**
 * A decoded hypothesis, from which labels can be made.
 *
 * @typeParam Hypothesis - The JavaScript value that a decoder hands out. Default: any object.
 */
export class HypothesisType<Hypothesis = object> extends LabelsType {
  declare protected readonly hypothesisType: true
  declare readonly [hostValue]?: Hypothesis
}

/** What a model predicts. */
export class PredictionsType extends LabelsType {
  declare protected readonly predictionsType: true
}

/** Values of a regression. */
export class RegressionValuesType extends PredictionsType {
  declare protected readonly regressionValuesType: true
}

/** Categories of a classification. */
export class CategoricalValuesType extends PredictionsType {
  declare protected readonly categoricalValuesType: true
}

/** A boolean mask: which positions count. */
export class MaskType extends PredictionsType {
  declare protected readonly maskType: true
}

/** Lengths of something, such as valid frames of each item of a batch. */
export class LengthsType extends ElementType {
  declare protected readonly lengthsType: true
}

/** What a loss returns. */
export class LossType extends ElementType {
  declare protected readonly lossType: true
}

/** Index of a sample in a data set. */
export class Index extends ElementType {
  declare protected readonly index: true
}

/** A target value. */
export class Target extends ElementType {
  declare protected readonly target: true
}

/** Identifier of the wanted class. */
export class ClassificationTarget extends Target {
  declare protected readonly classificationTarget: true
}

/** One channel of one pixel. */
export class ImageValue extends ElementType {
  declare protected readonly imageValue: true
}

/** One channel of one pixel, scaled to 0..1. */
export class NormalizedImageValue extends ImageValue {
  declare protected readonly normalizedImageValue: true
}

/** One value of a feature map of an image. */
export class ImageFeatureValue extends ImageValue {
  declare protected readonly imageFeatureValue: true
}

/** A string. */
export class StringType extends ElementType {
  declare protected readonly stringType: true
  declare readonly [hostValue]?: string
}

/** The name of a class, as text. */
export class StringLabel extends StringType {
  declare protected readonly stringLabel: true
}

/** A single truth value. */
export class BoolType extends ElementType {
  declare protected readonly boolType: true
}

/** A single integer. */
export class IntType extends ElementType {
  declare protected readonly intType: true
}

/** A single real number. */
export class FloatType extends ElementType {
  declare protected readonly floatType: true
}

/** Index of a token in a vocabulary. */
export class TokenIndex extends IntType {
  declare protected readonly tokenIndex: true
}

/** Length of a container. */
export class Length extends IntType {
  declare protected readonly length: true
}

/** Samples of a probability distribution. */
export class ProbabilityDistributionSamplesType extends ElementType {
  declare protected readonly probabilityDistributionSamplesType: true
}

/** Samples of a normal distribution. */
export class NormalDistributionSamplesType extends ProbabilityDistributionSamplesType {
  declare protected readonly normalDistributionSamplesType: true
}

/** Mean of a normal distribution. */
export class NormalDistributionMeanType extends ElementType {
  declare protected readonly normalDistributionMeanType: true
}

/** Natural logarithm of the variance of a normal distribution. */
export class NormalDistributionLogVarianceType extends ElementType {
  declare protected readonly normalDistributionLogVarianceType: true
}

/** Alignment of decoder steps to encoder steps, as attention gives it. */
export class SequenceToSequenceAlignmentType extends ElementType {
  declare protected readonly sequenceToSequenceAlignmentType: true
}

/** Duration of a token, in frames. */
export class TokenDurationType extends ElementType {
  declare protected readonly tokenDurationType: true
}

/** Natural logarithm of a token's duration. */
export class TokenLogDurationType extends ElementType {
  declare protected readonly tokenLogDurationType: true
}

/** Logarithm of a determinant, in flow models. */
export class LogDeterminantType extends ElementType {
  declare protected readonly logDeterminantType: true
}
