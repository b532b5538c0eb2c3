/** Base of every checkpoint, archive and pickle error; `code` is stable across versions. */
export class CheckpointError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${message} [${code}]`, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A file that is not of the format asked for, or of a variant that is not supported. */
export class CheckpointFormatError extends CheckpointError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CHECKPOINT_FORMAT', message, options)
  }
}

/** A checkpoint whose values do not have the structure asked for, such as a state dict that holds strings. */
export class CheckpointContentError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_CHECKPOINT_CONTENT', message)
  }
}

/** A file that cannot be opened, read or written, or a runtime without a file system. */
export class CheckpointFileError extends CheckpointError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_CHECKPOINT_FILE', message, options)
  }
}

/** A tensor whose dtype, shape, strides and bytes contradict each other, or whose dtype has no counterpart here. */
export class TensorDataError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_TENSOR_DATA', message)
  }
}

/** An archive or checkpoint that ends before its contents do. */
export class ArchiveTruncatedError extends CheckpointError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_ARCHIVE_TRUNCATED', message, options)
  }
}

/** An archive whose headers contradict each other or whose checksum does not match its bytes. */
export class ArchiveCorruptError extends CheckpointError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_ARCHIVE_CORRUPT', message, options)
  }
}

/** An archive member whose name is absolute or leaves the archive. */
export class ArchivePathError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_ARCHIVE_PATH', message)
  }
}

/** An archive member that is a link, a device or another thing that is neither file nor folder. */
export class ArchiveEntryTypeError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_ARCHIVE_ENTRY_TYPE', message)
  }
}

/** Two archive members, or two tensors, of the same name. */
export class ArchiveDuplicateError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_ARCHIVE_DUPLICATE', message)
  }
}

/** An archive that lacks a member that its format requires. */
export class ArchiveMissingError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_ARCHIVE_MISSING', message)
  }
}

/** Contents larger than the limits given: a decompression bomb, or limits that are too small. */
export class CheckpointLimitError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_CHECKPOINT_LIMIT', message)
  }
}

/** A pickle stream that is malformed, or that ends early. */
export class PickleError extends CheckpointError {
  constructor(message: string) {
    super('NEMO_PICKLE', message)
  }
}

/** A pickle stream that names a Python class or function outside the allowed ones. Nothing of it was executed. */
export class PickleRefusedError extends CheckpointError {
  /** Dotted Python name that was refused, such as `posix.system`. */
  readonly pythonName: string
  constructor(pythonName: string, message: string) {
    super('NEMO_PICKLE_REFUSED', message)
    this.pythonName = pythonName
  }
}
