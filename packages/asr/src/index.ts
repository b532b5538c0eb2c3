// Data
export { AudioToBPEDataset } from './data/audioToBPEDataset.js'
export { AudioToCharDataset } from './data/audioToCharDataset.js'
export { AudioToClassificationLabelDataset } from './data/audioToClassificationLabelDataset.js'
export {
  type AudioToLabelConfig,
  AudioToLabelDataset,
  type AudioWindow,
  audioToLabelConfigSchema,
  audioToLabelOutputTypes,
  type LabelledAudio,
  type LabelledAudioInfo,
} from './data/audioToLabelDataset.js'
export { AudioToSpeechLabelDataset, type SpeechCollation } from './data/audioToSpeechLabelDataset.js'
export {
  type AudioToCharConfig,
  AudioToTextDataset,
  audioToCharConfigSchema,
  audioToCharOutputTypes,
  type TranscriptCodec,
  type UtteranceInfo,
} from './data/audioToTextDataset.js'
export { type TimeWindow, timeWindows, type WindowOptions } from './data/audioWindows.js'
export { expandBraces } from './data/braceExpansion.js'
export { convertToTarredAudioDataset, type TarredConversion, type TarredResult } from './data/convertToTarred.js'
export { type ManifestDataset, TarredAudioDataset } from './data/tarredAudioDataset.js'
export { loadTarredManifest, shardPaths, type TarredSettings } from './data/tarredManifest.js'
// Decoding
export {
  BeamSearchDecoderWithLM,
  type BeamSearchDecoderWithLMConfig,
  subWordToken,
} from './decoding/beamSearchDecoderWithLM.js'
export {
  type ConfidenceConfig,
  type ConfidenceMeasure,
  type ConfidenceMethodConfig,
  confidenceMeasure,
} from './decoding/confidence.js'
export {
  CtcBeamSearch,
  type CtcBeamSearchOptions,
  type CtcHypothesis,
  ctcBeamSearch,
  type FrameLogProbs,
  type WordFrames,
} from './decoding/ctcBeamSearch.js'
export { type CtcSpan, collapseCtc, ctcFramesNeeded, greedyCtcDecode } from './decoding/greedyCtc.js'
export { type GreedyCtcOptions, GreedyCtcStream } from './decoding/greedyCtcStream.js'
export {
  CtcLexiconDecoder,
  type CtcLexiconOptions,
  type FrameScores,
  type LexiconHypothesis,
} from './decoding/lexiconCtc.js'
export { type RescoringOptions, rescoreHypotheses } from './decoding/rescoreHypotheses.js'
export {
  type AlignmentLengthOptions,
  alignmentLengthSynchronousSearch,
} from './decoding/rnnt/alignmentLengthSynchronousSearch.js'
export { defaultBeamSearch } from './decoding/rnnt/defaultBeamSearch.js'
export { type GreedyTransducerOptions, greedyTransducerDecode } from './decoding/rnnt/greedyTransducer.js'
export type { TransducerHypothesis } from './decoding/rnnt/hypothesis.js'
export { RNNTDecoding, type RNNTDecodingConfig } from './decoding/rnnt/rnntDecoding.js'
export { rankPaths, type SearchPath } from './decoding/rnnt/searchPath.js'
export { timeSynchronousSearch } from './decoding/rnnt/timeSynchronousSearch.js'
export { type EncodedFrames, type PredictionState, TransducerSteps } from './decoding/rnnt/transducerSteps.js'
export {
  type LanguageModelStep,
  type NGramSearchOptions,
  nGramSearchModel,
  type SearchLanguageModel,
} from './decoding/searchLanguageModel.js'
export { type TimedToken, type TimedWord, type TimeSpan, WordBuilder, wordsOf } from './decoding/timedTokens.js'
// Diarisation
export {
  ClusteringDiarizer,
  type Diarization,
  type DiarizedRecording,
  type DiarizeOptions,
  type DiarizerConfig,
  diarizerConfigSchema,
} from './diarization/clusteringDiarizer.js'
export { type KMeansOptions, kMeans } from './diarization/kMeans.js'
export { formatRttm, parseRttm } from './diarization/rttm.js'
export {
  clusterSpeakers,
  cosineSimilarity,
  type SpeakerClusteringOptions,
  type SpeakerClusters,
  spectralClusters,
} from './diarization/speakerClustering.js'
export { speakerTurns } from './diarization/speakerTurns.js'
export { type EigenDecomposition, symmetricEigen } from './diarization/symmetricEigen.js'
export { AsrError } from './errors.js'
// Language models
export type { ArpaOptions } from './languageModels/arpaReader.js'
export { LanguageModelFileError } from './languageModels/errors.js'
export type { DiscountFallback } from './languageModels/estimation/discounts.js'
export {
  type EstimateOptions,
  type EstimateStatistics,
  estimateNGrams,
  estimateNGramsToFile,
  type NGramCorpus,
} from './languageModels/estimation/estimateNGrams.js'
export { loadLanguageModel, readLanguageModel } from './languageModels/loadLanguageModel.js'
export {
  NGramLanguageModel,
  type NGramStorage,
  type Perplexity,
  type SentenceOptions,
  splitWords,
  type WordScore,
} from './languageModels/nGramLanguageModel.js'
export { NGramState } from './languageModels/nGramState.js'
export { writeLanguageModel } from './languageModels/writeLanguageModel.js'
// Losses
export { AngularSoftmaxLoss, type AngularSoftmaxLossConfig } from './losses/angularSoftmaxLoss.js'
export { CTCLoss, type CTCLossConfig } from './losses/ctcLoss.js'
export { RNNTLoss, type RNNTLossConfig } from './losses/rnntLoss.js'
// Metrics
export {
  type DiarizationErrorOptions,
  DiarizationErrorRate,
  type DiarizationErrors,
  type SpeakerSegment,
  type TimeRange,
} from './metrics/diarizationErrorRate.js'
export { editDistance } from './metrics/editDistance.js'
export { type EqualErrorRate, equalErrorRate } from './metrics/equalErrorRate.js'
export { type ClassifiedAudio, LabelMetrics, type LabelMetricsOptions } from './metrics/labelMetrics.js'
export { linearAssignment } from './metrics/linearAssignment.js'
export { type ClassResult, TopKClassificationAccuracy, topClasses } from './metrics/topKClassificationAccuracy.js'
export { countErrors, type ErrorCounts, WER, wordErrorRate } from './metrics/wer.js'
export { WERBPE, type WERBPEOptions } from './metrics/werBPE.js'
export { ASRModel } from './models/asrModel.js'
export { AudioEncoderModel, type AudioFeatures, type EncodedAudio } from './models/audioEncoderModel.js'
// Models
export { EncDecClassificationModel } from './models/encDecClassificationModel.js'
export { EncDecCTCModel, TranscriptMetrics } from './models/encDecCTCModel.js'
export { EncDecCTCModelBPE } from './models/encDecCTCModelBPE.js'
export { EncDecRNNTBPEModel } from './models/encDecRNNTBPEModel.js'
export { EncDecRNNTModel, TransducerMetrics, type TransducerTranscript } from './models/encDecRNNTModel.js'
export {
  EncDecSpeakerLabelModel,
  type SpeakerVerification,
  speakerSimilarity,
} from './models/encDecSpeakerLabelModel.js'
export { LabelModel } from './models/labelModel.js'
export type { LabelVocabulary } from './models/labelVocabulary.js'
export {
  type ExtractEmbeddingsOptions,
  extractSpeakerEmbeddings,
  scoreTrials,
  type TrialScores,
} from './models/speakerEmbeddings.js'
// Modules
export {
  AudioToMelSpectrogramPreprocessor,
  type AudioToMelSpectrogramPreprocessorConfig,
  FilterbankFeatures,
} from './modules/audioToMelSpectrogramPreprocessor.js'
export { AudioToMFCCPreprocessor, type AudioToMFCCPreprocessorConfig } from './modules/audioToMFCCPreprocessor.js'
export {
  AudioToSpectrogramPreprocessor,
  type AudioToSpectrogramPreprocessorConfig,
} from './modules/audioToSpectrogramPreprocessor.js'
export { ConformerEncoder, type ConformerEncoderConfig } from './modules/conformerEncoder.js'
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
export { LSTMDecoder, type LSTMDecoderConfig } from './modules/lstmDecoder.js'
export { RNNTDecoder, type RNNTDecoderConfig } from './modules/rnntDecoder.js'
export { RNNTJoint, type RNNTJointConfig } from './modules/rnntJoint.js'
export { type PoolMode, statisticsPooling } from './modules/speaker/statisticsPooling.js'
export { SpeakerDecoder, type SpeakerDecoderConfig } from './modules/speakerDecoder.js'
export { SpectrogramAugmentation, type SpectrogramAugmentationConfig } from './modules/spectrogramAugmentation.js'
export {
  type AsrEvaluation,
  type EvalMetric,
  monitorAsrTrainProgress,
  postProcessPredictions,
  postProcessTranscripts,
  processEvaluationBatch,
  processEvaluationEpoch,
} from './neuralFactory/asrCallbacks.js'
// NeMo's first API
export { AudioToTextDataLayer, type AudioToTextDataLayerConfig } from './neuralFactory/audioToTextDataLayer.js'
export { CTCLossNM } from './neuralFactory/ctcLossNM.js'
export { GreedyCTCDecoder } from './neuralFactory/greedyCTCDecoder.js'
export { JasperDecoderForCTC, type JasperDecoderForCTCConfig } from './neuralFactory/jasperDecoderForCTC.js'
export { JasperEncoder } from './neuralFactory/jasperEncoder.js'
// Reports
export {
  type RecognizedUtterance,
  type UtteranceSectionsOptions,
  utteranceSections,
} from './report/utteranceSections.js'
export { type BuildTokenizerOptions, buildTokenizer, buildTokenizerOptionsSchema } from './tokenizer/buildTokenizer.js'
// Sub-words
export {
  type SubwordType,
  SubwordVocabulary,
  type SubwordVocabularyFiles,
  type WordPieceTokens,
} from './tokenizer/subwordVocabulary.js'
// Transcription
export type { AudioInput, AudioPart, AudioSamples } from './transcription/audioInput.js'
export { type Caption, type CaptionOptions, captionsOf, ctmLines, srtFile, vttFile } from './transcription/captions.js'
export type { ChunkOptions, FrameBlock, LongAudio, StreamedText } from './transcription/chunkedCtc.js'
export type { CtcTranscript, ScoredCtcTranscript } from './transcription/ctcTranscriber.js'
export {
  type Recognition,
  type Transcribed,
  type TranscribeEachOptions,
  type TranscribeOptions,
  Transcriber,
  type UnpackContext,
} from './transcription/transcriber.js'
// Voice activity
export { smoothVadFrames, type VadSmoothing } from './vad/smoothVad.js'
export { rttmLines, type SpeechSegment, type SpeechSegmentOptions, speechSegments } from './vad/speechSegments.js'
export { type StreamStatus, type VadChunk, vadChunks, vadStreamStatus } from './vad/vadChunks.js'
export {
  type VadAudio,
  type VadDecisionOptions,
  type VadInferenceOptions,
  VoiceActivityDetector,
} from './vad/voiceActivityDetector.js'
