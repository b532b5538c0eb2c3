// Losses
export { CTCLoss, type CTCLossConfig } from './losses/ctcLoss.js'
export {
  AudioToMelSpectrogramPreprocessor,
  type AudioToMelSpectrogramPreprocessorConfig,
  FilterbankFeatures,
} from './modules/audioToMelSpectrogramPreprocessor.js'
// Modules
export { AudioToMFCCPreprocessor, type AudioToMFCCPreprocessorConfig } from './modules/audioToMFCCPreprocessor.js'
export { ConvASRDecoder, type ConvASRDecoderConfig } from './modules/convASRDecoder.js'
export {
  ConvASRDecoderClassification,
  type ConvASRDecoderClassificationConfig,
} from './modules/convASRDecoderClassification.js'
export { ConvASREncoder, type ConvASREncoderConfig } from './modules/convASREncoder.js'
