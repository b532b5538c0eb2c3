import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'

// A recipe takes seconds of computing; a machine with other work gives it much less than a core.
vi.setConfig({ testTimeout: 240_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'nemo-asr-recipes-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs a recipe from its sources. */
function recipe(name: string, ...args: readonly string[]) {
  const node = ['--conditions=@nemo/source', '--import', 'tsx', join(here, `${name}.ts`)]
  return spawnSync(process.execPath, [...node, ...args], { cwd: here, encoding: 'utf8' })
}

it('jasper-tutorial trains, evaluates and writes checkpoints', () => {
  const log_dir = join(scratch, 'jasper')
  const corpus = [`corpus.dir=${join(scratch, 'corpus')}`, 'corpus.digits=[1,1]', 'corpus.invented_speakers=0']
  const sizes = ['train', 'dev', 'test'].map((split) => `corpus.utterances.${split}=${split === 'test' ? 0 : 4}`)
  const pace = ['batch_size=2', 'max_steps=2', 'log_freq=1', 'eval_freq=2', 'checkpoint_freq=2']
  const { status, stdout, stderr } = recipe('jasper-tutorial', ...corpus, ...sizes, ...pace, `log_dir=${log_dir}`)
  expect(status, stderr).toBe(0)
  expect(stdout.trim().split('\n').at(-1)).toBe(log_dir)
  expect(stdout + stderr).toMatch(/Evaluation_WER_DEV-CLEAN|DEV-CLEAN/)
  const files = readdirSync(log_dir, { recursive: true }).map(String)
  for (const pattern of [
    /JasperEncoder-STEP-2\.pt$/,
    /JasperDecoderForCTC-STEP-2\.pt$/,
    /trainer-STEP-2\.pt$/,
    /tfevents/,
  ])
    expect(
      files.some((file) => pattern.test(file)),
      `${pattern} in ${files.join(', ')}`,
    ).toBe(true)
})

describe('transcribe', () => {
  const model_path = fileURLToPath(new URL('../../../packages/asr/test/fixtures/model.nemo', import.meta.url))
  const sample = fileURLToPath(new URL('../../../packages/asr/test/fixtures/sample.wav', import.meta.url))

  it('writes transcripts of a manifest in all formats, long recordings in chunks, and leaves bad audio out', () => {
    const manifest = join(scratch, 'manifest.json')
    const rows = [
      { audio_filepath: sample, duration: 1.6, text: 'said', speaker: 'ann' },
      { audio_filepath: join(scratch, 'missing.wav'), duration: 1 },
      { audio_filepath: sample, duration: 0.8, offset: 0.5 },
    ]
    writeFileSync(manifest, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const output_dir = join(scratch, 'transcripts')
    const { status, stdout, stderr } = recipe(
      'transcribe',
      `model_path=${model_path}`,
      `dataset_manifest=${manifest}`,
      `output_dir=${output_dir}`,
      'formats=[jsonl,txt,ctm,srt,vtt]',
      'timestamps=true',
      'long_audio_secs=1',
      'chunk_len_in_secs=0.5',
      'context_in_secs=2',
    )
    expect(status, stderr).toBe(0)
    expect(stdout.trim().split('\n').at(-1)).toBe(output_dir)
    expect(stdout + stderr).toContain('1 left out')
    expect(readdirSync(output_dir).sort()).toEqual([
      'sample-2.srt',
      'sample-2.vtt',
      'sample.srt',
      'sample.vtt',
      'transcripts.ctm',
      'transcripts.jsonl',
      'transcripts.txt',
    ])
    const read = (name: string) => readFileSync(join(output_dir, name), 'utf8')
    const [long, part] = read('transcripts.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(long).toMatchObject({ ...rows[0], pred_text: expect.any(String), confidence: expect.any(Number) })
    expect(long.words.map(({ word }: { word: string }) => word).join(' ')).toBe(long.pred_text.trim())
    expect(part).toMatchObject({ offset: 0.5 })
    expect(read('transcripts.txt')).toBe(`${long.pred_text}\n${part.pred_text}\n`)
    expect(read('sample.srt')).toContain('-->')
    expect(read('sample.vtt')).toMatch(/^WEBVTT/)
    // Times of a part are those of its file.
    const starts = read('transcripts.ctm')
      .trim()
      .split('\n')
      .slice(long.words.length)
      .map((line) => Number(line.split(' ')[2]))
    expect(starts.every((start, i) => Math.abs(start - 0.5 - part.words[i].start) < 0.011)).toBe(true)
  })

  it('asks for one model and one source', () => {
    const { status, stderr } = recipe('transcribe', `model_path=${model_path}`)
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/expected one of audio_file, audio_dir, dataset_manifest, found none/)
  })
})

describe('language models', () => {
  const fixtures = new URL('../../../packages/asr/test/fixtures/', import.meta.url)
  const model = fileURLToPath(new URL('model.nemo', fixtures))
  const sample = fileURLToPath(new URL('sample.wav', fixtures))
  const manifest = join(scratch, 'language-model.json')
  const row = { audio_filepath: sample, duration: 1.6, text: 'one two' }
  writeFileSync(manifest, `${JSON.stringify(row)}\n${JSON.stringify({ ...row, text: 'two one two' })}\n`)

  it('train-ngram estimates from text and manifests, of words and of characters', () => {
    const text = join(scratch, 'text.txt')
    writeFileSync(text, 'three two one\n')
    const file = join(scratch, 'words.arpa')
    const words = recipe('train-ngram', `train_file=[${manifest},${text}]`, `kenlm_model_file=${file}`)
    expect(words.status, words.stderr).toBe(0)
    expect(words.stdout.trim().split('\n').at(-1)).toBe(file)
    expect(readFileSync(file, 'utf8')).toMatch(/ngram 1=6\n.*\tthree two\t.*\tone two <\/s>\n/s)
    const characters = join(scratch, 'characters.arpa')
    const made = recipe('train-ngram', `train_file=${text}`, `kenlm_model_file=${characters}`, 'level=char')
    expect(made.status, made.stderr).toBe(0)
    expect(readFileSync(characters, 'utf8')).toContain('\te \u2581 t\n')
  })

  it('eval-beamsearch tries every setting and writes results', () => {
    const lm = join(scratch, 'words.bin')
    expect(recipe('train-ngram', `train_file=${manifest}`, `kenlm_model_file=${lm}`).status).toBe(0)
    const folder = join(scratch, 'predictions')
    const inputs = [`nemo_model_file=${model}`, `input_manifest=${manifest}`, `kenlm_model_file=${lm}`]
    const grid = ['beam_width=8', 'beam_alpha=[0.5,1]', 'beam_beta=0']
    const { status, stdout, stderr } = recipe('eval-beamsearch', ...inputs, ...grid, `preds_output_folder=${folder}`)
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/greedy/)
    expect(stdout).toMatch(/\*\*[\d.]+ %\*\*/)
    const lines = readFileSync(join(folder, 'results.tsv'), 'utf8').trim().split('\n')
    expect(lines.map((line) => line.split('\t').slice(0, 3).join())).toEqual([
      'beam_width,alpha,beta',
      '8,0.5,0',
      '8,1,0',
    ])
    expect(readFileSync(join(folder, 'preds_out_width8_alpha1_beta0.tsv'), 'utf8')).toMatch(/^[^\t\n]*\t-?[\d.]+\n/)
  })
})
