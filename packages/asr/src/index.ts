// Data
export {
  type AudioToCharConfig,
  AudioToCharDataset,
  audioToCharConfigSchema,
  audioToCharOutputTypes,
  type UtteranceInfo,
} from './data/audioToCharDataset.js'
// Decoding
export { type CtcSpan, collapseCtc, ctcFramesNeeded, greedyCtcDecode } from './decoding/greedyCtc.js'
export { AsrError } from './errors.js'
// Losses
export { CTCLoss, type CTCLossConfig } from './losses/ctcLoss.js'
// Metrics
export { editDistance } from './metrics/editDistance.js'
export { countErrors, type ErrorCounts, WER, wordErrorRate } from './metrics/wer.js'
// Models
export { EncDecCTCModel, TranscriptMetrics } from './models/encDecCTCModel.js'
// Modules
export {
  AudioToMelSpectrogramPreprocessor,
  type AudioToMelSpectrogramPreprocessorConfig,
  FilterbankFeatures,
} from './modules/audioToMelSpectrogramPreprocessor.js'
export { AudioToMFCCPreprocessor, type AudioToMFCCPreprocessorConfig } from './modules/audioToMFCCPreprocessor.js'
export { ConvASRDecoder, type ConvASRDecoderConfig } from './modules/convASRDecoder.js'
export {
  ConvASRDecoderClassification,
  type ConvASRDecoderClassificationConfig,
} from './modules/convASRDecoderClassification.js'
export { ConvASREncoder, type ConvASREncoderConfig } from './modules/convASREncoder.js'
export {
  CropOrPadSpectrogramAugmentation,
  type CropOrPadSpectrogramAugmentationConfig,
} from './modules/cropOrPadSpectrogramAugmentation.js'
export { SpectrogramAugmentation, type SpectrogramAugmentationConfig } from './modules/spectrogramAugmentation.js'
// Transcription
export type { AudioInput, CtcTranscript, TranscribeOptions } from './transcription/ctcTranscriber.js'
