/**
 * Packs the reference cases that unit tests of packages/asr need into small safetensors files:
 *
 *   node --conditions=@nemo/source --import tsx tools/goldens/src/packFixtures.ts DIR
 *
 * The metadata key `case` holds what case.json says; tolerances stand in its `arrays`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StateDict, writeSafetensors } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { GoldenCase } from './goldenCase.js'

const fixtures = fileURLToPath(new URL('../../../packages/asr/test/fixtures/', import.meta.url))
const LARGEST_FIXTURE = 200_000

function write(name: string, json: object, tensors: StateDict): void {
  const path = join(fixtures, `${name}.safetensors`)
  const bytes = writeSafetensors(tensors, new Map([['case', JSON.stringify(json)]]))
  if (bytes.length > LARGEST_FIXTURE) throw new Error(`${name}: ${bytes.length} bytes are too many for a fixture.`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  console.log(path, bytes.length)
}

/** Elements of the chosen items (axis 0) and every `step`-th frame (last axis). */
function cut(x: TensorData, items: readonly number[], step = 1): TensorData {
  const frames = x.shape.length > 1 ? x.shape.at(-1)! : 1
  const perItem = x.data.length / x.shape[0]!
  const kept: (number | bigint)[] = []
  for (const item of items) {
    for (let i = 0; i < perItem; i++) if ((i % frames) % step === 0) kept.push(x.data[item * perItem + i]!)
  }
  const shape = [items.length, ...x.shape.slice(1, -1), ...(x.shape.length > 1 ? [Math.ceil(frames / step)] : [])]
  const data = x.dtype === 'int64' ? BigInt64Array.from(kept as bigint[]) : Float32Array.from(kept as number[])
  return { dtype: x.dtype, shape, data } as TensorData
}

function packWhole(folder: string, name: string): void {
  const golden = new GoldenCase(join(folder, name))
  write(name, golden.json, new Map(Object.keys(golden.arrays).map((key) => [key, golden.array(key)])))
}

/** Weights in a file of their own, and no gradients of matrices: together they would be too large. */
function packNetwork(folder: string, name: string): void {
  const golden = new GoldenCase(join(folder, name))
  const json = golden.json as { gradients: Record<string, string>; arrays: Record<string, { shape: number[] }> }
  const small = (array: string) => json.arrays[array]!.shape.length < 2
  const gradients = Object.fromEntries(Object.entries(json.gradients).filter(([, array]) => small(array)))
  const keys = Object.keys(golden.arrays).filter((key) => !key.startsWith('train/grad/') || small(key))
  const arrays = Object.fromEntries(
    keys.map((key): [string, object] => {
      const { atol, rtol } = golden.spec(key)
      return [key, { atol, rtol }]
    }),
  )
  const [state, rest] = [true, false].map((isState) => keys.filter((key) => key.startsWith('state/') === isState))
  const read = (part: readonly string[]) => new Map(part.map((key) => [key, golden.array(key)]))
  write(`${name}-state`, { arrays: {} }, read(state!))
  write(name, { ...json, gradients, arrays, state_fixture: `${name}-state` }, read(rest!))
}

function packCtc(folder: string): void {
  const golden = new GoldenCase(join(folder, 'ctc'))
  for (const problem of golden.json.problems as { name: string; results: { reduction: string }[] }[]) {
    if (problem.name === 'long') continue
    const results = problem.results.filter(({ reduction }) => reduction !== 'sum' || problem.name !== 'basic')
    const dropped = problem.name === 'basic' ? `${problem.name}/sum/` : ' '
    const keys = Object.keys(golden.arrays).filter(
      (key) => key.startsWith(`${problem.name}/`) && !key.startsWith(dropped),
    )
    const arrays = Object.fromEntries(keys.map((key) => [key, golden.spec(key)]))
    write(
      `ctc-${problem.name}`,
      { problem: { ...problem, results }, arrays },
      new Map(keys.map((key) => [key, golden.array(key)])),
    )
  }
}

/** Two of three items; all frames of the first variant, every eighth of the others. */
function packMel(folder: string): void {
  const golden = new GoldenCase(join(folder, 'mel'))
  const items = [0, 1]
  const signal = cut(golden.array('input_signal'), items)
  // The samples came from 16-bit audio.
  const samples = Int16Array.from(signal.data as Float32Array, (v) => v * 32768)
  write(
    'mel-input',
    {},
    new Map<string, TensorData>([
      ['input_signal', { dtype: 'int16', shape: signal.shape, data: samples } as TensorData],
      ['length', cut(golden.array('length'), items)],
    ]),
  )
  const tensors: StateDict = new Map()
  const variants = golden.json.variants as { name: string; outputs: [string, string] }[]
  const steps = variants.map((_, i) => (i === 0 ? 1 : 8))
  variants.forEach(({ outputs: [features, lengths] }, i) => {
    tensors.set(features, cut(golden.array(features), items, steps[i]!))
    tensors.set(lengths, cut(golden.array(lengths), items))
  })
  const arrays = Object.fromEntries([...tensors.keys()].map((key) => [key, golden.spec(key)]))
  const described = variants.map((variant, i) => ({ ...variant, frameStep: steps[i]! }))
  const half = Math.ceil(described.length / 2)
  for (const [name, part] of [
    ['mel-output-1', described.slice(0, half)],
    ['mel-output-2', described.slice(half)],
  ] as const) {
    const keys = part.flatMap(({ outputs }) => outputs)
    write(name, { variants: part, arrays }, new Map(keys.map((key) => [key, tensors.get(key)!])))
  }
}

const STEPS_PACKED = 2

function int16(x: TensorData): TensorData {
  return { dtype: 'int16', shape: x.shape, data: Int16Array.from(x.data as Float32Array, (v) => v * 32768) }
}

// The first steps of a training, whose samples are whole 16-bit numbers.
function packTrajectory(folder: string): void {
  const golden = new GoldenCase(join(folder, 'training-trajectory'))
  const { model_config, state_dict_initial, batches } = golden.json as {
    model_config: object
    state_dict_initial: Record<string, string>
    batches: { texts: string[]; arrays: Record<string, string> }[]
  }
  const state = Object.entries(state_dict_initial).map(([key, name]) => [key, golden.array(name)] as const)
  const curves = Object.fromEntries(
    ['loss', 'loss_tolerance', 'lr'].map((key) => [key, (golden.json[key] as number[]).slice(0, STEPS_PACKED)]),
  )
  const gradNorm = Array.from(golden.array('grad_norm').data as Float32Array).slice(0, STEPS_PACKED)
  write('trajectory-state', { model_config, ...curves, grad_norm: gradNorm, arrays: {} }, new Map(state))
  for (const [i, { texts, arrays }] of batches.slice(0, STEPS_PACKED).entries()) {
    const tensors = Object.entries(arrays).map(([key, name]) => [key, golden.array(name)] as const)
    write(
      `trajectory-batch${i}`,
      { texts, arrays: {} },
      new Map(tensors.map(([key, array]) => [key, key === 'audio_signal' ? int16(array) : array])),
    )
  }
}

// Archives, their recording, and what they must give.
function packArchive(folder: string): void {
  const golden = new GoldenCase(join(folder, 'nemo-archive'))
  for (const file of ['model.nemo', 'model_legacy.nemo', 'sample.wav'])
    writeFileSync(join(fixtures, file), readFileSync(join(golden.folder, file)))
  const keys = ['forward/log_probs', 'forward/encoded_lengths', 'transcribe/log_probs']
  const { forward, transcribe, state_dict_keys } = golden.json
  const arrays = Object.fromEntries(keys.map((key) => [key, golden.spec(key)]))
  write(
    'nemo-archive',
    { forward, transcribe, state_dict_keys, arrays },
    new Map(keys.map((key) => [key, golden.array(key)])),
  )
}

function packWer(folder: string): void {
  const { vocabulary, blank, pairs, greedy, metric } = new GoldenCase(join(folder, 'wer')).json
  writeFileSync(join(fixtures, 'wer.json'), `${JSON.stringify({ vocabulary, blank, pairs, greedy, metric })}\n`)
}

function packWerBpe(folder: string): void {
  const { pieces, blank, greedy, metric } = new GoldenCase(join(folder, 'wer-bpe')).json
  writeFileSync(join(fixtures, 'wer-bpe.json'), `${JSON.stringify({ pieces, blank, greedy, metric })}\n`)
}

const folder = resolve(process.argv[2] ?? '../shared/goldens')
for (const name of [
  'classifier-marblenet',
  'encoder-extra-future',
  'encoder-extra-groups',
  'encoder-extra-layernorm',
  'encoder-extra-se',
]) {
  packWhole(folder, name)
}
for (const name of [
  'rnnt-loss',
  'rnnt-net',
  'rnnt-net-batchnorm',
  'rnnt-greedy',
  'angular-softmax',
  'lstm-ctc',
  'ctc-beam',
])
  packWhole(folder, name)
for (const name of ['speaker-decoder-gram', 'speaker-decoder-supervector', 'speaker-decoder-xvector'])
  packWhole(folder, name)
for (const name of ['encoder-conformer-abs', 'encoder-conformer-context']) packNetwork(folder, name)
packCtc(folder)
packMel(folder)
packTrajectory(folder)
packArchive(folder)
packWer(folder)
packWerBpe(folder)
