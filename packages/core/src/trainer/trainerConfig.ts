import { z } from 'zod'
import { DURATION_PATTERN } from './duration.js'

const count = z.number().int().min(0)
const limit = z.union([z.number().int().min(0), z.number().min(0).max(1)])

// Keys that NeMo's configs carry. Values that would change something that is not there are refused.
const inherited = {
  gpus: z.literal(0).nullable().optional(),
  amp_level: z.literal('O0').nullable().optional(),
  /** Experiments have their own loggers and checkpoints. */
  logger: z.literal(false).nullable().optional(),
  checkpoint_callback: z.literal(false).nullable().optional(),
  enable_checkpointing: z.literal(false).nullable().optional(),
  /** One process, which is always deterministic. */
  deterministic: z.boolean().optional(),
  benchmark: z.boolean().optional(),
  sync_batchnorm: z.boolean().optional(),
  replace_sampler_ddp: z.boolean().optional(),
  move_metrics_to_cpu: z.boolean().optional(),
  /** How often something is shown or flushed. */
  progress_bar_refresh_rate: z.number().int().optional(),
  flush_logs_every_n_steps: z.number().int().optional(),
  weights_summary: z.string().nullable().optional(),
}

/** Settings of a trainer: Lightning's keys and meanings. */
export const trainerConfigSchema = z.strictObject({
  /** Passes over the data; -1 for no limit. Null: 1000, or no limit where max_steps or max_time is given. */
  max_epochs: z.number().int().min(-1).nullable().default(null),
  /** Passes over the data that no callback and no time limit can cut short. */
  min_epochs: count.default(0),
  /** Optimiser steps; null or -1 for no limit but max_epochs. */
  max_steps: z.number().int().min(-1).nullable().default(null),
  /** Optimiser steps that no callback and no time limit can cut short. */
  min_steps: count.nullable().default(null),
  /** Wall-clock limit of one call of `fit`, in seconds or as `DD:HH:MM:SS`; the run can be resumed after it. */
  max_time: z
    .union([z.number().positive(), z.string().regex(DURATION_PATTERN, 'expected DD:HH:MM:SS')])
    .nullable()
    .default(null),
  accumulate_grad_batches: z.number().int().min(1).default(1),
  /** Largest gradient norm (or absolute value); 0 or null for no clipping. */
  gradient_clip_val: z.number().min(0).nullable().default(0),
  gradient_clip_algorithm: z.enum(['norm', 'value']).default('norm'),
  /**
   * Fraction of an epoch (up to 1.0), or number of batches, between validations. A number of batches that is larger
   * than the epoch means its end. Training that ends by its epochs or steps is validated there in any case, which
   * Lightning does not do.
   */
  val_check_interval: z.union([z.number().positive().max(1), z.number().int().min(1)]).default(1.0),
  check_val_every_n_epoch: z.number().int().min(1).default(1),
  /** Validation batches of each set before training, to find mistakes early; -1 for all. */
  num_sanity_val_steps: z.number().int().min(-1).default(2),
  /** Share of the batches (up to 1.0, at least one batch), or their number from 2 on; 0 for none. */
  limit_train_batches: limit.default(1.0),
  limit_val_batches: limit.default(1.0),
  limit_test_batches: limit.default(1.0),
  limit_predict_batches: limit.default(1.0),
  /** Train and validate on this many batches (a share below 1.0) of the training data, the same ones in each epoch. */
  overfit_batches: limit.default(0),
  /**
   * One batch of everything (or so many), to see whether it runs: one epoch, no sanity check, no checkpoints, no early
   * stopping.
   */
  fast_dev_run: z.union([z.boolean(), count]).default(false),
  log_every_n_steps: z.number().int().min(1).default(50),
  /** Seed of dropout and of what else training draws at random. Data loaders and initial weights have their own. */
  seed: z.number().int().default(0),
  /** Stop with an error when the loss or the gradients are NaN or infinite. */
  terminate_on_nan: z.boolean().default(true),
  /**
   * Where the loss, the gradients or the weights are no longer numbers, stop with an error that names the op which made
   * the first NaN or infinity, forward or backward. The weights stay as they were before that step.
   */
  detect_anomaly: z.boolean().default(false),
  /**
   * Measure a run: `simple` what it spends its time with, `advanced` also the ops of the first training steps. `fit` logs
   * tables and writes them to `default_root_dir`, as `profile.txt`, with a Chrome trace, `trace.json`.
   */
  profiler: z.enum(['simple', 'advanced']).nullable().default(null),
  /** `Trainer.tune` looks for a learning rate. */
  auto_lr_find: z.boolean().default(false),
  /** `Trainer.tune` looks for the largest batch size that fits into memory; true means `power`. */
  auto_scale_batch_size: z.union([z.boolean(), z.enum(['power', 'binsearch'])]).default(false),
  enable_progress_bar: z.boolean().default(true),
  /**
   * 32, or 16 (`16-mixed`): products and what is made of them element by element are stored in half precision, weights and
   * losses in float32, and the loss is scaled dynamically. Needs `accelerator: webgpu` and a GPU with `shader-f16`.
   */
  precision: z.literal([32, '32', '32-true', 16, '16', '16-mixed']).default(32),
  /**
   * `cpu` runs ONNX Runtime on the processor, `webgpu` a GPU through the package `@nemo/kernels`; `ddp` and `dp`, as NeMo's
   * configs have it, mean the processor with one process.
   */
  accelerator: z.enum(['cpu', 'webgpu', 'auto', 'ddp', 'dp']).nullable().default('cpu'),
  /** How processes share the work; there is one, so all of these mean the same. */
  strategy: z.enum(['auto', 'ddp', 'dp']).nullable().default(null),
  /** With `webgpu` also which GPU: its number in a list, or part of its name. */
  devices: z.union([z.literal(1), z.literal('auto'), z.array(count).length(1), z.string().regex(/\D/)]).default(1),
  num_nodes: z.literal(1).default(1),
  /** Threads of one op; 0 for one per core. */
  num_threads: count.default(0),
  default_root_dir: z.string().nullable().default(null),
  /** Checkpoint that `fit` goes on from where it is not told another. */
  resume_from_checkpoint: z.string().nullable().default(null),
  ...inherited,
})

/** Settings of a trainer, all filled in. */
export type TrainerConfig = z.output<typeof trainerConfigSchema>

/** Settings of a trainer as they are written: any of the keys. */
export type TrainerConfigInput = z.input<typeof trainerConfigSchema>

/**
 * What a limit means for a number of batches: up to 1.0 a share, at least one batch; whole numbers from 2 on a count.
 * JavaScript cannot tell 1 from 1.0, so 1 is all of them.
 */
export function limitedBatches(limitValue: number, batches: number): number {
  if (limitValue === 0 || batches === 0) return 0
  return limitValue <= 1 ? Math.max(1, Math.floor(batches * limitValue)) : Math.min(batches, limitValue)
}
