import { z } from 'zod'

// NeMo writes sizes as lists, which hold one number here.
const one = (value: z.ZodNumber | z.ZodInt) =>
  z.union([
    value,
    z
      .array(value)
      .length(1)
      .transform(([only]) => only!),
  ])

/** How a residual joins its block: sum, maximum, or sum of a strided residual. */
export const residualModeField = z.enum(['add', 'max', 'stride_add'])
/** See `residualModeField`. */
export type ResidualMode = z.output<typeof residualModeField>

/** What normalises after each convolution. */
export const normalizationModeField = z.enum(['batch', 'layer', 'instance', 'group'])
/** See `normalizationModeField`. */
export type NormalizationMode = z.output<typeof normalizationModeField>

/** One entry of `jasper`: a block of the encoder, in NeMo's keys. `kernel`, `stride` and `dilation` may be lists of one. */
export const jasperBlockConfigSchema = z.object({
  filters: z.int().min(1),
  repeat: z.int().min(1),
  kernel: one(z.int().min(1)),
  stride: one(z.int().min(1)),
  dilation: one(z.int().min(1)),
  dropout: z.number().min(0).max(1),
  residual: z.boolean(),
  /** 1x1 convolutions from the outputs of all earlier dense blocks. */
  residual_dense: z.boolean().default(false),
  /** Holds for later blocks too, unless they have their own. */
  residual_mode: residualModeField.optional(),
  groups: z.int().min(1).default(1),
  separable: z.boolean().default(false),
  /** -1: every channel has a depthwise filter of its own. */
  heads: z.union([z.literal(-1), z.int().min(1)]).default(-1),
  se: z.boolean().default(false),
  se_reduction_ratio: z.int().min(1).default(8),
  /** Frames; below 1 all. */
  se_context_size: z.int().default(-1),
  se_interpolation_mode: z.enum(['nearest', 'linear', 'area']).default('nearest'),
  kernel_size_factor: z.number().positive().default(1),
  stride_last: z.boolean().default(false),
  /** Frames to the right that the kernels may see; negative for all. */
  future_context: z.int().default(-1),
})
