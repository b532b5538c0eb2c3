// Checkpoints: PyTorch, .nemo and safetensors files
export { atomicWriteFile, type FileContents } from './checkpoint/atomicWriteFile.js'
export {
  ArchiveCorruptError,
  ArchiveDuplicateError,
  ArchiveEntryTypeError,
  ArchiveMissingError,
  ArchivePathError,
  ArchiveTruncatedError,
  CheckpointContentError,
  CheckpointError,
  CheckpointFileError,
  CheckpointFormatError,
  CheckpointLimitError,
  PickleError,
  PickleRefusedError,
  TensorDataError,
} from './checkpoint/errors.js'
export { withFile } from './checkpoint/fileAccess.js'
export type { CheckpointLimits } from './checkpoint/limits.js'
export { fromNemo09StateDict, type Nemo09Module, nemo09ModuleOf } from './checkpoint/nemo09.js'
export {
  type NemoArchive,
  packNemo,
  type ReadNemoOptions,
  readNemo,
  type WriteNemoOptions,
  writeNemo,
} from './checkpoint/nemoArchive.js'
export {
  OpaqueGlobal,
  OpaqueObject,
  OrderedDict,
  PythonFloat,
  type PythonValue,
  type StateDict,
  TorchDevice,
  TorchDType,
} from './checkpoint/pythonValue.js'
export type { RandomAccess } from './checkpoint/randomAccess.js'
export { type ReadTorchOptions, readTorch, readTorchFile } from './checkpoint/readTorch.js'
export {
  readSafetensors,
  readSafetensorsFile,
  type Safetensors,
  writeSafetensors,
  writeSafetensorsFile,
} from './checkpoint/safetensors.js'
export { asStateDict } from './checkpoint/stateDict.js'
export { type TarFile, tarFiles } from './checkpoint/tarReader.js'
export { type TarMember, tarChunks } from './checkpoint/tarWriter.js'
export { lightningModules } from './checkpoint/torchGlobals.js'
export { type WriteTorchOptions, writeTorch, writeTorchFile } from './checkpoint/writeTorch.js'
// Configuration: YAML, interpolation, Hydra's command line, targets, schemas
export type { CommandLine, FlagDeclaration, FlagDeclarations, FlagType, FlagValues } from './config/commandLine.js'
export { formatHelp, parseCommandLine } from './config/commandLine.js'
export type { ComposeOptions } from './config/composeConfig.js'
export { composeConfig } from './config/composeConfig.js'
export type { ConfigView } from './config/config.js'
export { Config } from './config/config.js'
export type { ConfigObject, ConfigScalar, ConfigValue } from './config/configValue.js'
export { isConfigObject, MISSING } from './config/configValue.js'
export type { ConfigProblem } from './config/errors.js'
export {
  atKeyPath,
  CommandLineError,
  ConfigCompositionError,
  ConfigError,
  ConfigKeyError,
  ConfigSyntaxError,
  ConfigValidationError,
  InstantiationError,
  InterpolationError,
  MissingValueError,
  OverrideError,
  UnknownTargetError,
} from './config/errors.js'
export type { HydraJob, HydraRunnerOptions, HydraTask, JobMetrics, JobResult } from './config/hydraRunner.js'
export { expandSweeps, formatSweepTable, hydraRunner } from './config/hydraRunner.js'
export type { InstantiateOptions } from './config/instantiate.js'
export { instantiate } from './config/instantiate.js'
export { loadYaml } from './config/loadYaml.js'
export { mergeConfigs } from './config/mergeConfigs.js'
export { nearestNames } from './config/nearestName.js'
export type { Override, OverrideType } from './config/override.js'
export { formatOverrideValue, parseOverride } from './config/override.js'
export { parseYaml } from './config/parseYaml.js'
export type { Resolver, ResolverContext } from './config/resolvers.js'
export { registerResolver } from './config/resolvers.js'
export { stringifyYaml } from './config/stringifyYaml.js'
export type { ChoiceSweep, IntervalSweep, RangeSweep, Sweep } from './config/sweep.js'
export { enumerateSweep } from './config/sweep.js'
export type { RegisteredTarget, TargetFactory } from './config/targetRegistry.js'
export { registerTarget, resolveTarget, TargetRegistry, targetRegistry } from './config/targetRegistry.js'
export type { ValidateOptions } from './config/validateConfig.js'
export { schemaDefaults, schemaHasKey, validateConfig } from './config/validateConfig.js'
// Data, models and training
export { ConcatDataset, type ConcatOptions } from './data/concatDataset.js'
export { DataLoader, type DataLoaderOptions } from './data/dataLoader.js'
export { type Batch, BatchedDataset, Dataset, type SampleContext } from './data/dataset.js'
export { type DatasetSource, openDataset, type ThreadCalls } from './data/datasetSource.js'
export { DataError, DataWorkerError } from './data/errors.js'
export { type ItemContext, IterableDataset, type ShardContext } from './data/iterableDataset.js'
export { int64Vector, padRows } from './data/pad.js'
export { shuffleBuffer } from './data/shuffleBuffer.js'
export { type DownloadedFile, type DownloadOptions, downloadFile, measureFile } from './download/downloadFile.js'
export { DownloadError } from './download/errors.js'
// Experiments: folders, results, reports
export {
  CheckpointMisconfigurationError,
  ExperimentError,
  ExperimentFolderError,
  ExperimentResumeError,
  LoggerMisconfigurationError,
} from './experiment/errors.js'
export type { ExperimentOptions, ExperimentResult, ResultInput } from './experiment/experiment.js'
export { createExperiment, Experiment, quoteCommand } from './experiment/experiment.js'
export {
  type ExpManagerOptions,
  expManager,
  ManagedExperiment,
  type RunOutcome,
} from './experiment/expManager.js'
export { type ExpManagerConfig, expManagerConfigSchema } from './experiment/expManagerConfig.js'
export { findRun, type RunState } from './experiment/findRun.js'
export type { GitInfo } from './experiment/gitInfo.js'
export { readGitInfo } from './experiment/gitInfo.js'
export type { ExperimentConfig, LogDir } from './experiment/logDir.js'
export { experimentConfigSchema, makeLogDir } from './experiment/logDir.js'
export type {
  AudioSection,
  ChartSection,
  ChartSeries,
  ChartsSection,
  ConfigSection,
  FiguresSection,
  ImagesSection,
  ReportSection,
  TableSection,
  TextSamplesSection,
  TextSection,
} from './experiment/report/sections.js'
export type { SpectrogramImageOptions } from './experiment/report/spectrogramImage.js'
export { spectrogramImage } from './experiment/report/spectrogramImage.js'
export type { AlignedUnit } from './experiment/report/textDiff.js'
export { alignTexts } from './experiment/report/textDiff.js'
export type { Report } from './experiment/report/writeReport.js'
export { renderReport, writeReport } from './experiment/report/writeReport.js'
export { archivePreviousRun, findResumeCheckpoint } from './experiment/resume.js'
export { installedVersions } from './experiment/versions.js'
// Modules: trees of parameters that draw graphs
export { type Activation, activation, activationNames } from './layers/activation.js'
export { BatchNorm1d } from './layers/batchNorm1d.js'
export { Conv1d, type Conv1dOptions } from './layers/conv1d.js'
export { Dropout } from './layers/dropout.js'
export { Embedding } from './layers/embedding.js'
export { GRU } from './layers/gru.js'
export { LayerNorm } from './layers/layerNorm.js'
export { Linear } from './layers/linear.js'
export { LSTM, type LSTMState } from './layers/lstm.js'
export type { RecurrentLayerOptions } from './layers/recurrentLayer.js'
// Logging: messages, progress, metrics
export type { CSVLoggerOptions } from './logging/csvLogger.js'
export { CSVLogger, parseCsv } from './logging/csvLogger.js'
export { MediaFormatError, MetricsLoggerError } from './logging/errors.js'
export type { Histogram } from './logging/histogram.js'
export { makeHistogram } from './logging/histogram.js'
export type { LogHandler, LogLevel, LogRecord } from './logging/logger.js'
export { ConsoleHandler, FileHandler, formatRecord, getLogger, Logger, LogHub, processLog } from './logging/logger.js'
export type { LoggedAudio, LoggedImage, MetricsLogger } from './logging/metricsLogger.js'
export { flattenHyperparams, MetricsLoggerCollection } from './logging/metricsLogger.js'
export type { Bitmap } from './logging/png.js'
export { encodePng } from './logging/png.js'
export type { ProgressBarOptions, ProgressMetrics } from './logging/progressBar.js'
export { formatDuration, formatMetric, ProgressBar } from './logging/progressBar.js'
export type { TensorBoardLoggerOptions } from './logging/tensorBoardLogger.js'
export { TensorBoardLogger } from './logging/tensorBoardLogger.js'
export type { TextStream } from './logging/terminal.js'
export { processTerminal, Terminal } from './logging/terminal.js'
export { decodeTFRecords, encodeTFRecord } from './logging/tfRecord.js'
export { type WandbLibrary, WandbLogger, type WandbLoggerOptions, type WandbRun } from './logging/wandbLogger.js'
// Losses that the collections share
export { CrossEntropyLoss, type CrossEntropyLossConfig } from './losses/crossEntropyLoss.js'
export { Loss } from './losses/loss.js'
export { NLLLoss, type NLLLossConfig } from './losses/nllLoss.js'
export { ModelError } from './models/errors.js'
export { MeanLoss, type MetricAccumulator } from './models/metrics.js'
export {
  Model,
  type ModelClass,
  type NamedLoader,
  type OptimizerTurn,
  type RestoreOptions,
  type TrainingStep,
} from './models/model.js'
export {
  type FetchOptions,
  fetchPretrained,
  type PretrainedModelInfo,
  pretrainedModels,
  registerPretrainedModels,
} from './models/pretrained.js'
export { type UpdateBatchNormOptions, updateBatchNorm } from './models/updateBatchNorm.js'
export { Layer, ModuleList, Sequential } from './modules/containers.js'
export { ModuleError, StateDictError } from './modules/errors.js'
export {
  constantInit,
  defaultUniform,
  fans,
  kaimingNormal,
  kaimingUniform,
  normalInit,
  ones,
  uniformInit,
  withoutInitialisation,
  xavierNormal,
  xavierUniform,
  zeros,
} from './modules/initializers.js'
export { Module } from './modules/module.js'
export { defaultRuntime, NeuralModule } from './modules/neuralModule.js'
export { RandomGenerator, seedInitialisation } from './modules/randomGenerator.js'
export { dtypeOfElement, symbolicInput, symbolicInputs } from './modules/symbolicInputs.js'
export { collectUpdates, recordUpdate, updatedValue } from './modules/updates.js'
// NeMo's first API: graphs of module calls, and actions on them
export { ActionCallback, type RunningAction } from './neuralFactory/actionCallback.js'
export type { InferOptions, ModuleOptimizer, OptimizerPair, TrainOptions } from './neuralFactory/actions.js'
export { CheckpointCallback, type CheckpointOptions } from './neuralFactory/checkpointCallback.js'
export { moduleName, uniqueName } from './neuralFactory/dag.js'
export { DataLayerNM } from './neuralFactory/dataLayerNM.js'
export {
  type DeploymentExportOptions,
  DeploymentFormat,
  type DrawsForDeployment,
} from './neuralFactory/deploymentExport.js'
export { NeuralFactoryError } from './neuralFactory/errors.js'
export {
  type EvaluatingCallback,
  type EvaluationValues,
  EvaluatorCallback,
  type EvaluatorOptions,
} from './neuralFactory/evaluatorCallback.js'
export { getCheckpointFromDir, restoreModuleFrom, saveModuleTo } from './neuralFactory/moduleFile.js'
export {
  DeviceType,
  type GetModuleOptions,
  NeuralModuleFactory,
  type NeuralModuleFactoryOptions,
  OptimizationLevel,
} from './neuralFactory/neuralModuleFactory.js'
export type { LrPolicy, OptimizationParams } from './neuralFactory/optimization.js'
export { SimpleLossLoggerCallback, type SimpleLossLoggerOptions } from './neuralFactory/simpleLossLoggerCallback.js'
// Neural types: what tensors mean, checked by the compiler and at run time
export {
  AudioSignal,
  type AudioSignalClass,
  type AudioSignalOptions,
} from './neuralTypes/audioSignal.js'
export {
  type AnyAxisType,
  AxisKind,
  AxisKindAbstract,
  type AxisOptions,
  AxisType,
} from './neuralTypes/axes.js'
export { isAccepted, NeuralTypeComparisonResult } from './neuralTypes/comparison.js'
export { describePorts } from './neuralTypes/describePorts.js'
export { type ElementClass, ElementType, type hostValue } from './neuralTypes/elementType.js'
export {
  AcousticEncodedRepresentation,
  BoolType,
  CategoricalValuesType,
  ChannelType,
  ClassificationTarget,
  EmbeddedTextType,
  EncodedRepresentation,
  FloatType,
  HypothesisType,
  ImageFeatureValue,
  ImageValue,
  Index,
  IntType,
  LabelsType,
  Length,
  LengthsType,
  LogDeterminantType,
  LogitsType,
  LogprobsType,
  LossType,
  MaskType,
  MelSpectrogramType,
  MFCCSpectrogramType,
  NormalDistributionLogVarianceType,
  NormalDistributionMeanType,
  NormalDistributionSamplesType,
  NormalizedImageValue,
  PredictionsType,
  ProbabilityDistributionSamplesType,
  RegressionValuesType,
  SequenceToSequenceAlignmentType,
  SpectrogramType,
  StringLabel,
  StringType,
  Target,
  TokenDurationType,
  TokenIndex,
  TokenLogDurationType,
  VoidType,
} from './neuralTypes/elementTypes.js'
export {
  NeuralPortContainerError,
  NeuralPortMissingError,
  NeuralPortNameMismatchError,
  NeuralPortNmTensorMismatchError,
  NeuralPortRankError,
  NeuralTypeDefinitionError,
  NeuralTypeError,
  TypecheckUsageError,
} from './neuralTypes/errors.js'
export {
  type AxesNotation,
  formatAxes,
  type Layout,
  type LayoutOf,
  type LayoutText,
  parseAxes,
} from './neuralTypes/layout.js'
export { type AnyNeuralType, NeuralType, type Port, type PortOptions, port } from './neuralTypes/neuralType.js'
export { type NmTensor, withNeuralType } from './neuralTypes/nmTensor.js'
export { portKey, portName, portNames } from './neuralTypes/portName.js'
export {
  type Inputs,
  type Outputs,
  type PortDeclaration,
  type PortType,
  type PortTypes,
  type PortValue,
  portDeclarations,
  portsOf,
  type Typed,
} from './neuralTypes/ports.js'
export { type Typecheck, type TypecheckDecorator, type TypecheckOptions, typecheck } from './neuralTypes/typecheck.js'
export { OptimizerError } from './optimizers/errors.js'
export { Novograd, type NovogradOptions } from './optimizers/novograd.js'
export { type Optimizer, optimizerFeeds, type StepContext, stepContext } from './optimizers/optimizer.js'
export type { Optimization, ParameterGroup, UpdateRule } from './optimizers/parameterGroups.js'
export { createOptimizer, type OptimizerConfig, registerOptimizer } from './optimizers/registry.js'
export { SchedulerError } from './schedulers/errors.js'
export { createScheduler, registerScheduler, type SchedulerConfig } from './schedulers/registry.js'
export type { Scheduler } from './schedulers/scheduler.js'
export type { Anomaly, NonFiniteOutput, StepPhase } from './trainer/anomaly.js'
export { type AverageNemoOptions, averageCheckpoints, averageNemo } from './trainer/averageCheckpoints.js'
export type { Callback, CallbackState, EvaluatedSets, Metrics } from './trainer/callback.js'
export { EarlyStopping, type EarlyStoppingOptions } from './trainer/callbacks/earlyStopping.js'
export { EMA, type EMAOptions } from './trainer/callbacks/ema.js'
export { LearningRateMonitor, type LearningRateMonitorOptions } from './trainer/callbacks/learningRateMonitor.js'
export { type MetricSeries, MetricsHistory } from './trainer/callbacks/metricsHistory.js'
export { type LoggerFactory, MetricsLogging } from './trainer/callbacks/metricsLogging.js'
export { ModelCheckpoint, type ModelCheckpointOptions } from './trainer/callbacks/modelCheckpoint.js'
export { NewestEvaluations } from './trainer/callbacks/newestEvaluations.js'
export { Timer, type TimerOptions } from './trainer/callbacks/timer.js'
export { TimingCallback, type TimingCallbackOptions } from './trainer/callbacks/timingCallback.js'
export { TrainingProgress } from './trainer/callbacks/trainingProgress.js'
export { AnomalyError, NonFiniteLossError, RunCheckpointError, TrainerError } from './trainer/errors.js'
export type { PredictedResult, Prediction } from './trainer/evaluator.js'
export { LossScaler, type LossScalerState, type LossScalingOptions } from './trainer/lossScaler.js'
export { type FitResult, type FitStatus, Trainer, type TrainerParts } from './trainer/trainer.js'
export { type TrainerConfig, type TrainerConfigInput, trainerConfigSchema } from './trainer/trainerConfig.js'
export type { StepResult } from './trainer/trainingProgram.js'
export { type BatchSizeScalerOptions, scaleBatchSize } from './trainer/tuner/batchSizeScaler.js'
export {
  findLearningRate,
  type LearningRateCurve,
  type LearningRateFinderOptions,
} from './trainer/tuner/learningRateFinder.js'
export type { TuneResult } from './trainer/tuner/tune.js'
export type { ProgrammedTurn, TurnState } from './trainer/turnPrograms.js'
export type { WeightAverage } from './trainer/weightAverage.js'
