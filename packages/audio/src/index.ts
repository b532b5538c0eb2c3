export { type AudioClip, clipDuration, clipLength, mixToMono, selectChannel } from './audioClip.js'
export { type AudioInfo, readAudioInfo } from './audioInfo.js'
export { AudioSegment, rmsDb, type SampleArray } from './audioSegment.js'
export { type ChannelSelector, mixChannels } from './channelSelection.js'
export { type AudioFormat, type DecodeAudioOptions, decodeAudio, detectAudioFormat } from './decodeAudio.js'
export {
  AudioArgumentError,
  AudioEmptyError,
  AudioError,
  type AudioErrorCode,
  type AudioErrorDetails,
  AudioFileError,
  AudioFormatError,
  AudioRangeError,
  AudioTruncatedError,
  ManifestError,
  SampleRateError,
} from './errors.js'
// Features as graphs
export { type MelFilterbankOptions, melFilterbank, usedBins } from './features/melFilterbank.js'
export { hzToMel, type MelScale, melToHz } from './features/melScale.js'
export {
  type LogZeroGuard,
  type MelSpectrogramOptions,
  melSpectrogram,
  melSpectrogramLengths,
} from './features/melSpectrogram.js'
export { dctMatrix, type MfccOptions, mfcc } from './features/mfcc.js'
export {
  type FeatureNormalization,
  type FixedNormalization,
  normalizeFeatures,
  STD_GUARD,
  type TensorNormalization,
} from './features/normalizeFeatures.js'
export { powerSpectrogram, type SpectrogramOptions } from './features/powerSpectrogram.js'
export { type WindowName, windowFunction, windowNames } from './features/window.js'
export { type LoadManifestOptions, loadManifest, type Manifest, type ManifestReport } from './manifest/loadManifest.js'
export {
  type ManifestEntry,
  type ManifestLineContext,
  type ManifestTarget,
  type ParsedManifestLine,
  parseManifestLine,
} from './manifest/manifestEntry.js'
export { ManifestIndex, type ManifestIndexOptions } from './manifest/manifestIndex.js'
export {
  type ManifestPaths,
  type ReadManifestOptions,
  readManifest,
  splitManifestPaths,
} from './manifest/readManifest.js'
export {
  formatManifestRow,
  type ManifestRow,
  type WriteManifestOptions,
  writeManifest,
} from './manifest/writeManifest.js'
export {
  AudioAugmentor,
  type PerturbationConfigs,
  type PerturbationFactory,
  perturbationNames,
  processAugmentations,
  registerPerturbation,
  type WeightedPerturbation,
} from './perturbations/audioAugmentor.js'
export { type GainConfig, GainPerturbation } from './perturbations/gain.js'
export { convolveImpulse, type ImpulseConfig, ImpulsePerturbation } from './perturbations/impulse.js'
export { type AddNoiseOptions, addNoise, type NoiseConfig, NoisePerturbation } from './perturbations/noise.js'
export type { Perturbation } from './perturbations/perturbation.js'
export { RirAndNoisePerturbation, type RirNoiseConfig } from './perturbations/rirNoise.js'
export { type ShiftConfig, ShiftPerturbation, shiftAudio } from './perturbations/shift.js'
export { addSilence, type SilenceConfig, SilencePerturbation } from './perturbations/silence.js'
export { changeSpeed, type SpeedConfig, SpeedPerturbation } from './perturbations/speed.js'
export {
  type TelephoneCodec,
  type TranscodeConfig,
  TranscodePerturbation,
  transcodeAudio,
} from './perturbations/transcode.js'
export { addWhiteNoise, type WhiteNoiseConfig, WhiteNoisePerturbation } from './perturbations/whiteNoise.js'
export { RandomGenerator } from './randomGenerator.js'
export {
  type FileSection,
  type ReadAudioClipOptions,
  type ReadAudioOptions,
  readAudio,
  readAudioClip,
} from './readAudio.js'
export { type ResampleOptions, resample, resampledLength, StreamingResampler } from './resample.js'
export { type StreamAudioOptions, streamAudio } from './streamAudio.js'
export { nonSilentRange, type TrimSilenceOptions, trimSilence } from './trimSilence.js'
export { type DecodeWavOptions, decodeWav } from './wavDecode.js'
export { type EncodeWavOptions, encodeWav, type WavOutputEncoding } from './wavEncode.js'
export type { WavEncoding } from './wavHeader.js'
export { writeWav } from './writeWav.js'
