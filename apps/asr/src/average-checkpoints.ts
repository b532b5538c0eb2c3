/**
 * Averages the checkpoints of a run into one model, which often does better than any of them.
 *
 *   pnpm recipe asr/average-checkpoints MODEL.nemo [CHECKPOINT ...] [--output FILE]
 *
 * Without checkpoints, all `.ckpt` files but `*-last.ckpt` beside the model, or in `checkpoints` beside it, are averaged.
 */
import { parseArgs } from 'node:util'
import { averageNemo } from '@nemo/core'

const usage = 'usage: pnpm recipe asr/average-checkpoints MODEL.nemo [CHECKPOINT ...] [--output FILE]'
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
})
const [model, ...checkpoints] = positionals
if (values.help) {
  console.log(usage)
} else if (model === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  const averaged = await averageNemo(model, {
    ...(checkpoints.length > 0 && { checkpoints }),
    ...(values.output !== undefined && { output: values.output }),
  })
  for (const path of averaged.checkpoints) console.log(`averaged ${path}`)
  console.log(averaged.output)
}
