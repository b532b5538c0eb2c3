/**
 * Averages the checkpoints of a run into one model, which often does better than any of them.
 *
 *   pnpm recipe asr/average-checkpoints MODEL.nemo [CHECKPOINT ...] [--output FILE]
 *
 * Without checkpoints, all `.ckpt` files beside the model but `*-last.ckpt` are averaged.
 */
import { parseArgs } from 'node:util'
import { averageNemo } from '@nemo/core'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { output: { type: 'string' } } })
const [model, ...checkpoints] = positionals
if (model === undefined) {
  console.error('usage: pnpm recipe asr/average-checkpoints MODEL.nemo [CHECKPOINT ...] [--output FILE]')
  process.exitCode = 2
} else {
  const averaged = await averageNemo(model, {
    ...(checkpoints.length > 0 && { checkpoints }),
    ...(values.output !== undefined && { output: values.output }),
  })
  for (const path of averaged.checkpoints) console.log(`averaged ${path}`)
  console.log(averaged.output)
}
