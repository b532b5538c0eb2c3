/** Entry of `pnpm bench NAME`. */
import { resolve } from 'node:path'
import { beam, beamHelp } from './beam.js'
import { BenchError } from './errors.js'
import { features, featuresHelp } from './features.js'
import { gpu, gpuHelp } from './gpu.js'
import { gpuBundle, gpuBundleHelp } from './gpuBundle.js'
import { kernelCosts, kernelCostsHelp } from './kernelCosts.js'
import { longFile, longFileHelp } from './longFile.js'
import { manifest, manifestHelp } from './manifest.js'
import { nGram, nGramHelp } from './nGram.js'
import { recognizer, recognizerHelp } from './recognizer.js'
import { trainStep, trainStepHelp } from './trainStep.js'
import { transcribe, transcribeHelp } from './transcribe.js'

const benchmarks = {
  beam: { run: beam, help: beamHelp },
  gpu: { run: gpu, help: gpuHelp },
  'gpu-bundle': { run: gpuBundle, help: gpuBundleHelp },
  kernels: { run: kernelCosts, help: kernelCostsHelp },
  ngram: { run: nGram, help: nGramHelp },
  'train-step': { run: trainStep, help: trainStepHelp },
  transcribe: { run: transcribe, help: transcribeHelp },
  features: { run: features, help: featuresHelp },
  'long-file': { run: longFile, help: longFileHelp },
  manifest: { run: manifest, help: manifestHelp },
  recognizer: { run: recognizer, help: recognizerHelp },
} as const

const root = resolve(import.meta.dirname, '../../..')
const [name, ...args] = process.argv.slice(2)
try {
  if (name === undefined || !Object.hasOwn(benchmarks, name)) {
    const found = name === undefined ? '' : ` Found ${name}.`
    throw new BenchError(
      'NEMO_BENCH_USAGE',
      `Usage: pnpm bench ${Object.keys(benchmarks).join('|')} [options].${found}`,
    )
  }
  const benchmark = benchmarks[name as keyof typeof benchmarks]
  if (args.includes('--help')) console.log(benchmark.help)
  else await benchmark.run(args, root)
} catch (error) {
  if (!(error instanceof Error)) throw error
  console.error(error instanceof BenchError ? `${error.code}: ${error.message}` : error.stack)
  process.exitCode = 1
}
