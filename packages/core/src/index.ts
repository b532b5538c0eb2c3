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
export { type ReadTorchOptions, readTorch, readTorchFile } from './checkpoint/readTorch.js'
export {
  readSafetensors,
  readSafetensorsFile,
  type Safetensors,
  writeSafetensors,
  writeSafetensorsFile,
} from './checkpoint/safetensors.js'
export { asStateDict } from './checkpoint/stateDict.js'
export type { CheckpointDataOf, CheckpointDType, CheckpointTensor } from './checkpoint/tensorData.js'
export { lightningModules } from './checkpoint/torchGlobals.js'
export { type WriteTorchOptions, writeTorch, writeTorchFile } from './checkpoint/writeTorch.js'
