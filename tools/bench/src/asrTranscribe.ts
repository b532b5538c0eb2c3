/**
 * Our side of `pnpm bench transcribe`: `--nemo FILE --threads N --features N`.
 *
 * `transcribe FILE` decodes an audio file and answers {"ms", "seconds", "text"}: features and decoding are timed, reading
 * the file is not; silence is kept, as the peer does. `transcribe-as-sherpa FILE` answers {"text"}, with the network fed by
 * sherpa-onnx's features and cut to the frames that it decodes. `quit` answers {"peakRssBytes"} and ends.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { EncDecCTCModel, greedyCtcDecode } from '@nemo/asr'
import { readAudio } from '@nemo/audio'
import { ort } from '@nemo/graph'
import { BenchError } from './errors.js'
import { sherpaFeatures } from './sherpaFeatures.js'
import type { TranscribeAnswer } from './transcribe.js'

const { values } = parseArgs({
  options: {
    nemo: { type: 'string' },
    threads: { type: 'string', default: '1' },
    features: { type: 'string', default: '64' },
  },
})
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

async function transcribeAsSherpa(file: string): Promise<{ readonly text: string }> {
  const { samples } = await readAudio(file, { sampleRate: model.sampleRate })
  const { data, bands, frames } = sherpaFeatures(samples, Number(values.features))
  const audioSignal = { dtype: 'float32' as const, shape: [1, bands, frames], data }
  const { outputs } = await model.encoder.run({ audioSignal, length: [frames] }, { runtime })
  const { logprobs } = await model.decoder.run({ encoderOutput: outputs! }, { runtime })
  const [, steps, classes] = logprobs!.shape as readonly [number, number, number]
  const scores = logprobs!.data as Float32Array
  const best = BigInt64Array.from({ length: steps }, (_, t) => {
    const row = scores.subarray(t * classes, (t + 1) * classes)
    return BigInt(row.indexOf(Math.max(...row)))
  })
  // It divides the frames by the stride and drops the rest, where the network rounds up.
  const length = Math.floor(frames / Math.round(frames / steps))
  const [ids] = greedyCtcDecode({ shape: [1, steps], data: best }, [Math.min(length, steps)], model.blank)
  return { text: model.idsToText(ids!).trim() }
}

// Compiles the model, as the peer does before it says hello.
await model.transcribe([new Float32Array(model.sampleRate)], { runtime, trim: false })
answer({ weights: model.numWeights, threads, node: process.version })
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('transcribe ')) answer(await transcribe(line.slice('transcribe '.length)))
  else if (line.startsWith('transcribe-as-sherpa '))
    answer(await transcribeAsSherpa(line.slice('transcribe-as-sherpa '.length)))
  else if (line === 'quit') break
}
answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024 })
await runtime.dispose()
process.exit()
