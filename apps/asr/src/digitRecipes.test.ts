import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeWav } from '@nemo/audio'
import { afterAll, expect, it, vi } from 'vitest'

// A recipe takes seconds of computing; a machine with other work gives it much less than a core.
vi.setConfig({ testTimeout: 240_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'nemo-digit-recipes-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

// A tone stands for a recording: each digit has its pitch.
const recordings = join(scratch, 'data', 'recordings')
mkdirSync(recordings, { recursive: true })
for (let digit = 0; digit < 10; digit++) {
  for (const index of [0, 5, 7]) {
    const step = (2 * Math.PI * (300 + 100 * digit)) / 8000
    const samples = Float32Array.from({ length: 4000 + index }, (_, t) => 0.3 * Math.sin(step * t))
    writeFileSync(join(recordings, `${digit}_ann_${index}.wav`), encodeWav({ sampleRate: 8000, channels: [samples] }))
  }
}

/** Runs a recipe from its sources in the scratch folder; gives the folder that its last line names. */
function recipe(name: string, ...args: readonly string[]): string {
  const node = ['--conditions=@nemo/source', '--import', import.meta.resolve('tsx'), join(here, `${name}.ts`)]
  const run = spawnSync(process.execPath, [...node, ...args], { cwd: scratch, encoding: 'utf8' })
  expect(run.status, run.stderr + run.stdout).toBe(0)
  return join(scratch, run.stdout.trim().split('\n').at(-1)!.replace(`${scratch}/`, ''))
}

const small = [
  `--data_dir=${join(scratch, 'data')}`,
  'corpus.joined={train: 2, dev: 1, test: 1}',
  'corpus.dev_indices=[5]',
  'model.train_ds.batch_size=4',
  'trainer.max_epochs=1',
  'trainer.limit_train_batches=2',
  'trainer.num_threads=1',
]
const block =
  '{filters: 8, repeat: 1, kernel: [3], stride: [2], dilation: [1], dropout: 0.0, residual: false, separable: true}'
const tinyEncoder = [`model.encoder.jasper=[${block}]`]

it('speech-to-text-bpe trains sub-words with a tokenizer of its own; finetune gives the model another', () => {
  const trained = recipe('speech-to-text-bpe', ...small, ...tinyEncoder, 'model.decoder.feat_in=8')
  const archive = join(trained, 'speech-to-text-bpe.nemo')
  expect(readdirSync(trained)).toEqual(expect.arrayContaining(['speech-to-text-bpe.nemo', 'tokens.txt', 'report.html']))
  const result = JSON.parse(readFileSync(join(trained, 'result.json'), 'utf8')) as { metrics: Record<string, number> }
  expect(result.metrics.test_joined_test_wer).toBeGreaterThan(0)

  const own = join(scratch, 'manifest.json')
  writeFileSync(own, readFileSync(join(scratch, '.cache/fsdd/train_manifest.json')))
  const dir = recipe(
    'process-asr-text-tokenizer',
    `manifest=${own}`,
    'data_root=toks',
    'tokenizer=spe',
    'spe_type=char',
    'vocab_size=18',
  )
  expect(readdirSync(dir).sort()).toEqual(['tokenizer.model', 'tokenizer.vocab', 'vocab.txt'])

  const tuned = recipe(
    'finetune',
    ...small,
    `init_from_nemo_model=${archive}`,
    `new_tokenizer.dir=${dir}`,
    'freeze_encoder=true',
  )
  const tokens = readFileSync(join(tuned, 'tokens.txt'), 'utf8').trim().split('\n')
  expect(tokens.at(-1)).toMatch(/^<blk> 17$/)
})

it('speech-to-text-rnnt and conformer train', () => {
  const transducer = recipe('speech-to-text-rnnt', ...small, ...tinyEncoder, 'model.model_defaults.enc_hidden=8')
  expect(readdirSync(transducer)).toContain('speech-to-text-rnnt.nemo')
  const tiny = ['n_layers=1', 'd_model=8', 'n_heads=2'].map((setting) => `model.encoder.${setting}`)
  const conformer = recipe('conformer', ...small, ...tiny)
  expect(readdirSync(conformer)).toEqual(expect.arrayContaining(['conformer.nemo', 'conformer.onnx']))
})
