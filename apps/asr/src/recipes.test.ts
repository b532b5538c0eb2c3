import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'

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
