/**
 * Our side of `pnpm bench transcribe`: `--nemo FILE --threads N`.
 *
 * `transcribe FILE` decodes an audio file and answers {"ms", "seconds", "text"}: features and decoding are timed, reading
 * the file is not; silence is kept, as the peer does. `quit` answers {"peakRssBytes"} and ends.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { EncDecCTCModel } from '@nemo/asr'
import { readAudio } from '@nemo/audio'
import { ort } from '@nemo/graph'
import { BenchError } from './errors.js'
import type { TranscribeAnswer } from './transcribe.js'

const { values } = parseArgs({ options: { nemo: { type: 'string' }, threads: { type: 'string', default: '1' } } })
if (values.nemo === undefined) throw new BenchError('NEMO_BENCH_USAGE', '--nemo is missing.')
const threads = Number(values.threads)
const runtime = ort({ threads })
const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(values.nemo)
const answer = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

async function transcribe(file: string): Promise<TranscribeAnswer> {
  const { samples, duration } = await readAudio(file, { sampleRate: model.sampleRate })
  const start = performance.now()
  const [text] = await model.transcribe([samples], { runtime, trim: false })
  return { ms: performance.now() - start, seconds: duration, text: text!.trim() }
}

// Compiles the model, as the peer does before it says hello.
await model.transcribe([new Float32Array(model.sampleRate)], { runtime, trim: false })
answer({ weights: model.numWeights, threads, node: process.version })
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('transcribe ')) answer(await transcribe(line.slice('transcribe '.length)))
  else if (line === 'quit') break
}
answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024 })
await runtime.dispose()
process.exit()
