/** Bounds on what a checkpoint may contain, so that a small hostile file cannot exhaust memory. All sizes in bytes. */
export interface CheckpointLimits {
  /** Members of an archive. Default 200,000. */
  readonly maxEntries: number
  /** Uncompressed size of a compressed archive or of all compressed members together. Default 4 GiB - 1. */
  readonly maxInflatedBytes: number
  /** Size of the pickle that describes a checkpoint, without its tensors. Default 64 MiB. */
  readonly maxPickleBytes: number
  /** Lists, dicts, tensors and other compound values that a pickle may make. Default 5 million. */
  readonly maxPickleObjects: number
  /**
   * Size of all tensors together. Default 64 MiB + 16 times the stored bytes: only expanded (stride 0) or
   * overlapping views can exceed the bytes that are stored.
   */
  readonly maxTensorBytes: number | undefined
}

const defaults: CheckpointLimits = {
  maxEntries: 200_000,
  maxInflatedBytes: 2 ** 32 - 1,
  maxPickleBytes: 2 ** 26,
  maxPickleObjects: 5_000_000,
  maxTensorBytes: undefined,
}

/** The given limits, completed with the defaults. */
export function completeLimits(limits: Partial<CheckpointLimits> = {}): CheckpointLimits {
  return { ...defaults, ...limits }
}
