/**
 * sherpa-onnx's offline NeMo-CTC recogniser as the peer of `pnpm bench transcribe`.
 * Needs: npm install --prefix tools/bench/peers
 *
 * `transcribe FILE` decodes a 16 kHz wav and answers {"ms", "seconds", "text"}: features and decoding are timed,
 * reading the file is not. `quit` answers {"peakRssBytes"} and ends.
 */
'use strict'

const { createInterface } = require('node:readline')
const { parseArgs } = require('node:util')
const sherpa = require('sherpa-onnx-node')

const { values } = parseArgs({
  options: {
    onnx: { type: 'string' },
    tokens: { type: 'string' },
    threads: { type: 'string', default: '1' },
    features: { type: 'string', default: '64' },
  },
})
const recognizer = new sherpa.OfflineRecognizer({
  featConfig: { sampleRate: 16000, featureDim: Number(values.features) },
  modelConfig: {
    nemoCtc: { model: values.onnx },
    tokens: values.tokens,
    numThreads: Number(values.threads),
    provider: 'cpu',
    debug: 0,
  },
})
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

answer({ sherpa: require('sherpa-onnx-node/package.json').version, threads: Number(values.threads) })
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'quit') {
    answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024 })
    process.exit()
  }
  if (!line.startsWith('transcribe ')) return
  const wave = sherpa.readWave(line.slice('transcribe '.length))
  const start = performance.now()
  const stream = recognizer.createStream()
  stream.acceptWaveform({ samples: wave.samples, sampleRate: wave.sampleRate })
  recognizer.decode(stream)
  const { text } = recognizer.getResult(stream)
  answer({ ms: performance.now() - start, seconds: wave.samples.length / wave.sampleRate, text: text.trim() })
})
