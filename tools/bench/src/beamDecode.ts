/** Our side of `pnpm bench beam`: searches the utterances of a folder on command. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BeamSearchDecoderWithLM, loadLanguageModel } from '@nemo/asr'
import type { BeamTask } from './beamTask.js'

const folder = process.argv[2]!
const task = JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8')) as BeamTask
const bytes = Uint8Array.from(readFileSync(join(folder, 'logProbs.f32')))
const values = new Float32Array(bytes.buffer)
const classes = task.labels.length + 1
let at = 0
const utterances = task.frames.map((frames) => {
  const data = values.subarray(at, at + frames * classes)
  at += frames * classes
  return { shape: [frames, classes], data }
})
const decoder = new BeamSearchDecoderWithLM(
  {
    vocab: task.labels,
    beam_width: task.beamWidth,
    alpha: task.alpha,
    beta: task.beta,
    cutoff_top_n: classes,
    token_min_logp: task.minLogProb,
    beam_prune_logp: task.beamPruneLogProb,
    // The peer's is a log10.
    unk_score_offset: task.unknownScore * Math.LN10,
    lm_level: 'word',
    n_best: 1,
  },
  await loadLanguageModel(task.languageModel),
)
console.log(JSON.stringify({ node: process.version }))
for await (const command of createInterface({ input: process.stdin })) {
  if (command === 'quit') {
    console.log('{}')
    break
  }
  const before = process.cpuUsage()
  const start = performance.now()
  const texts = utterances.map((logProbs) => decoder.decode(logProbs)[0]!.text)
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ ms, cpuSeconds: (user + system) / 1e6, texts }))
}
