import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EncDecCTCModel } from '@nemo/asr'
import { nonSilentRange, readAudio } from '@nemo/audio'
import {
  asStateDict,
  type ConfigObject,
  fromNemo09StateDict,
  Model,
  nemo09ModuleOf,
  parseYaml,
  readNemo,
  readTorchFile,
  type StateDict,
} from '@nemo/core'
import type { Runtime, TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import type { Comparison } from '../comparison.js'
import type { GoldenCase } from '../goldenCase.js'

interface Transcript {
  readonly text: string
  /** Its log-probabilities. */
  readonly array: string
}

/**
 * `files`: archives of one recogniser in all their layouts, NeMo 0.9 module checkpoints (`.pt`) of the same weights and a
 * recording; what they must hold and give.
 */
export const nemoArchive: CaseHandler = {
  kind: 'recogniser archives',
  matches: ({ json }) =>
    typeof json.files === 'object' &&
    Object.keys(json.files ?? {}).some((file) => file.endsWith('.nemo')) &&
    typeof json.forward === 'object',
  async run(golden, comparison, { runtime }) {
    const files = Object.keys(golden.json.files as object)
    const sample = join(golden.folder, files.find((file) => file.endsWith('.wav'))!)
    for (const file of files.filter((name) => name.endsWith('.nemo'))) {
      const path = join(golden.folder, file)
      await compareContents(file, path, golden, comparison)
      const model = await Model.restoreFrom<Model>(path)
      if (!(model instanceof EncDecCTCModel)) throw new Error(`${file} holds a ${model.target}.`)
      await compareResults(model, sample, golden, comparison, runtime)
    }
    const modules = files.filter((file) => file.endsWith('.pt'))
    if (modules.length > 0) await compareNemo09(modules, golden, comparison, runtime)
  },
}

async function compareContents(file: string, path: string, golden: GoldenCase, comparison: Comparison): Promise<void> {
  const { config, weights } = await readNemo(new Uint8Array(readFileSync(path)), { name: file })
  comparison.equal(`${file} config text`, config, golden.json.model_config_yaml)
  const { target: _, ...parsed } = parseYaml(config, file) as ConfigObject
  comparison.equal(`${file} config`, parsed, golden.json.model_config)
  comparison.equal(`${file} keys`, [...weights.keys()], golden.json.state_dict_keys)
  for (const [name, want] of Object.entries(golden.json.state_dict_sums as Record<string, number>)) {
    const data = weights.get(name)?.data ?? []
    let [sum, size] = [0, 0]
    for (const value of data as Iterable<number | bigint>) {
      sum += Number(value)
      size += Math.abs(Number(value))
    }
    // Sums of the very same numbers; only the order of adding may differ.
    comparison.number(`${file} sum of ${name}`, sum, want, 1e-12 * Math.max(1, size))
  }
}

async function compareResults(
  model: EncDecCTCModel,
  sample: string,
  golden: GoldenCase,
  comparison: Comparison,
  runtime: Runtime,
): Promise<void> {
  const { samples } = await readAudio(sample, { sampleRate: model.sampleRate })
  const inputSignal: TensorData = { dtype: 'float32', shape: [1, samples.length], data: samples }
  const length: TensorData = { dtype: 'int64', shape: [1], data: BigInt64Array.of(BigInt(samples.length)) }
  const features = await model.preprocessor.run({ inputSignal, length }, { runtime })
  comparison.array('features', features.processedSignal!)
  comparison.array('features_length', features.processedLength!)

  const forward = golden.json.forward as Transcript
  const outputs = await model.run({ inputSignal, inputSignalLength: length }, { runtime })
  comparison.array(forward.array, outputs.logProbs!)
  comparison.array('forward/encoded_lengths', outputs.encodedLengths!)
  comparison.equal('forward.text', model.decodePredictions(outputs.greedyPredictions!, outputs.encodedLengths!), [
    forward.text,
  ])

  const transcribe = golden.json.transcribe as Transcript & { readonly trimmed_to_samples?: readonly number[] }
  const [logProbs] = await model.transcribe([sample], { runtime, logprobs: true })
  comparison.array(transcribe.array, logProbs!)
  comparison.equal('transcribe.text', await model.transcribe([sample], { runtime }), [transcribe.text])
  if (transcribe.trimmed_to_samples) {
    const { start, end } = nonSilentRange(samples)
    comparison.equal('transcribe.trimmed_to_samples', [start, end], transcribe.trimmed_to_samples)
  }
}

async function compareNemo09(
  files: readonly string[],
  golden: GoldenCase,
  comparison: Comparison,
  runtime: Runtime,
): Promise<void> {
  const model = EncDecCTCModel.fromConfigDict<EncDecCTCModel>(golden.json.model_config as ConfigObject).eval()
  const state: StateDict = new Map()
  for (const file of files) {
    const read = asStateDict(await readTorchFile(join(golden.folder, file)), file)
    for (const [name, tensor] of fromNemo09StateDict(nemo09ModuleOf(file), read)) state.set(name, tensor)
  }
  const { missing, unexpected } = model.loadStateDict(state as ReadonlyMap<string, TensorData>, { strict: false })
  const left = missing.filter((name) => !name.startsWith('preprocessor.'))
  comparison.equal('nemo09 names', [left, unexpected], [[], []])
  const outputs = await model.run(
    { processedSignal: golden.array('features'), processedSignalLength: golden.array('features_length') },
    { runtime },
  )
  comparison.array('nemo09/log_probs', outputs.logProbs!)
}
