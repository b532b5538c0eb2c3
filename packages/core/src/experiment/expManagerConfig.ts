import { z } from 'zod'
import { experimentConfigSchema } from './logDir.js'

/** Settings of the checkpoints of an experiment; NeMo's keys, those of `ModelCheckpoint`. */
export const checkpointParamsSchema = z.object({
  /** Folder and name in one; `dirpath` and `filename` win over it. */
  filepath: z.string().nullable().default(null),
  /** `null`: `checkpoints` in the run's folder. */
  dirpath: z.string().nullable().default(null),
  /** `null`: `PREFIX--{MONITOR:.2f}-{epoch}`. */
  filename: z.string().nullable().default(null),
  monitor: z.string().default('val_loss'),
  mode: z.enum(['min', 'max']).default('min'),
  save_last: z.boolean().default(true),
  save_top_k: z.number().int().min(-1).default(3),
  save_weights_only: z.boolean().default(false),
  /** Epochs between checkpoints. */
  period: z.number().int().min(1).default(1),
  every_n_train_steps: z.number().int().min(0).default(0),
  /** `null`: the experiment's name. */
  prefix: z.string().nullable().default(null),
  postfix: z.literal('.nemo').default('.nemo'),
  save_best_model: z.boolean().default(false),
  always_save_nemo: z.boolean().default(false),
  /** NeMo's, for its messages. */
  verbose: z.boolean().default(true),
})

/** Moving averages of an experiment's weights; NeMo's keys since v1.15, those of `EMA`. */
export const emaParamsSchema = z.object({
  enable: z.boolean().default(false),
  decay: z.number().min(0).max(1).default(0.999),
  validate_original_weights: z.boolean().default(false),
  every_n_steps: z.number().int().min(1).default(1),
  /** NeMo's, where averages would take the graphics card's memory; here the runtime keeps them. */
  cpu_offload: z.boolean().default(false),
})

/** All options of NeMo's `exp_manager`, and `create_csv_logger`. Names and defaults are NeMo's. */
export const expManagerConfigSchema = experimentConfigSchema.extend({
  create_tensorboard_logger: z.boolean().default(true),
  summary_writer_kwargs: z
    .object({
      flush_secs: z.number().positive().default(10),
      filename_suffix: z.string().default(''),
      /** Lightning's; a run has one folder. */
      max_queue: z.number().int().optional(),
    })
    .nullable()
    .default(null),
  create_wandb_logger: z.boolean().default(false),
  /** Arguments of W&B's `init`; `name` or `project` is needed. */
  wandb_logger_kwargs: z.looseObject({}).nullable().default(null),
  /** `metrics.csv` in the run's folder. */
  create_csv_logger: z.boolean().default(true),
  create_checkpoint_callback: z.boolean().default(true),
  checkpoint_callback_params: checkpointParamsSchema.nullable().default(null),
  /** Evaluate and save moving averages of the weights; see `EMA`. */
  ema: emaParamsSchema.nullable().default(null),
})

/** Options of {@link expManager} as config keys. */
export type ExpManagerConfig = z.input<typeof expManagerConfigSchema>
