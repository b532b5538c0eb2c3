import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeWav } from '@nemo/audio'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

// A recipe takes seconds of computing; a machine with other work gives it much less than a core.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'nemo-label-recipes-'))
const recordings = join(scratch, 'recordings')
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

beforeAll(async () => {
  mkdirSync(recordings)
  for (const [s, speaker] of ['ann', 'bob', 'cyd'].entries())
    for (let digit = 0; digit < 10; digit++)
      for (const index of [0, 5, 7]) {
        const samples = Float32Array.from({ length: 2400 }, (_, t) => {
          const phase = (0.05 + 0.02 * digit + 0.2 * s) * t
          return 0.3 * Math.sin(phase) + 0.02 * Math.sin(7 * phase + index)
        })
        await writeWav(join(recordings, `${digit}_${speaker}_${index}.wav`), { sampleRate: 8000, channels: [samples] })
      }
})

/** Runs a recipe from its sources. @returns its folder, which is its last line. */
function recipe(name: string, ...args: readonly string[]): { dir: string; printed: string; files: string[] } {
  const node = ['--conditions=@nemo/source', '--import', 'tsx', join(here, `${name}.ts`)]
  const settings = ['--data_dir', recordings, `exp_manager.exp_dir=${join(scratch, 'experiments')}`]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...settings, ...args], {
    cwd: here,
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  const dir = stdout.trim().split('\n').at(-1)!
  return { dir, printed: stdout, files: readdirSync(dir, { recursive: true }).map(String) }
}

const brief = ['trainer.max_epochs=1', 'trainer.limit_train_batches=2', 'model.train_ds.num_workers=0']
const results = (dir: string) => JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')).metrics as object

it('speech-to-label trains on people and synthesised voices, and tests a left-out speaker', () => {
  const { dir, printed, files } = recipe(
    'speech-to-label',
    ...['--holdout', 'bob', `corpus.dir=${join(scratch, 'words')}`, 'corpus.copies=1'],
    ...[`synthesis.dir=${join(scratch, 'voices')}`, 'synthesis.utterances={train: 8, dev: 0, test: 0}'],
    ...['synthesis.invented_speakers=0', 'model.train_ds.batch_size=8', ...brief],
  )
  expect(printed).toMatch(/accuracy on bob, never heard +\d/)
  expect(results(dir)).toHaveProperty('test_epoch_top@1')
  for (const file of ['speech-to-label-without-bob.nemo', 'speech-to-label-without-bob.onnx', 'report.html'])
    expect(files).toContain(file)
})

it('vad trains on speech that it makes, and is tried on recordings', () => {
  const { dir, printed, files } = recipe(
    'vad',
    ...[`corpus.dir=${join(scratch, 'noise')}`, 'corpus.streams={train: 1, dev: 1}', 'corpus.sentences=4'],
    ...['corpus.windows=8', 'corpus.seconds=5', 'corpus.invented_speakers=0', 'model.train_ds.batch_size=4'],
    ...['evaluation.streams=1', 'evaluation.seconds=3', 'vad.shift_length_in_sec=0.02'],
    ...brief.slice(0, 2),
  )
  expect(printed).toMatch(/digits of people +\d+ of 3 s/)
  expect(results(dir)).toHaveProperty('f1_digits_of_people')
  expect(files).toContain('digits_of_people.truth.rttm')
  expect(files).toContain('vad.nemo')
})

it('speaker verifies people, and diarize says who speaks when by its model', () => {
  const speaker = recipe(
    'speaker',
    ...[`corpus.dir=${join(scratch, 'people')}`, 'corpus.joined={train: 4, dev: 0, test: 6}'],
    ...[`synthesis.dir=${join(scratch, 'timbres')}`, 'synthesis.utterances={train: 6, dev: 0, test: 0}'],
    ...['synthesis.invented_speakers=1', 'model.train_ds.batch_size=8', ...brief],
  )
  expect(speaker.printed).toMatch(/strings of digits +15 +\d+ +\d+\.\d\d %/)
  expect(results(speaker.dir)).toHaveProperty('eer_single')
  const { dir, printed, files } = recipe(
    'diarize',
    ...[`speaker_model=${join(speaker.dir, 'speaker.nemo')}`, `corpus.dir=${join(scratch, 'talk')}`],
    ...['corpus.conversations=1', 'corpus.seconds=8', 'corpus.speakers=[2,2]', 'exp_manager.name=talk'],
  )
  expect(printed).toMatch(/speech known, speakers known +\d+\.\d\d %/)
  expect(results(dir)).toHaveProperty('der_speech_known_speakers_estimated')
  expect(files).toContain('report.html')
  expect(files.some((file) => file.endsWith('conversation-0.rttm'))).toBe(true)
})
