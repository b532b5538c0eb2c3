export { type AudioClip, clipDuration, clipLength, mixToMono, selectChannel } from './audioClip.js'
export { AudioSegment, rmsDb, type SampleArray } from './audioSegment.js'
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
export { type ReadAudioClipOptions, type ReadAudioOptions, readAudio, readAudioClip } from './readAudio.js'
export { type ResampleOptions, resample, resampledLength, StreamingResampler } from './resample.js'
export { nonSilentRange, type TrimSilenceOptions, trimSilence } from './trimSilence.js'
export { type DecodeWavOptions, decodeWav } from './wavDecode.js'
export { type EncodeWavOptions, encodeWav, type WavOutputEncoding } from './wavEncode.js'
export type { WavEncoding } from './wavHeader.js'
export { writeWav } from './writeWav.js'
