import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'

// A recipe takes seconds of computing; a machine with other work gives it much less than a core.
vi.setConfig({ testTimeout: 240_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'nemo-start-here-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs a recipe from its sources. @returns what it printed. */
function recipe(name: string, ...args: readonly string[]): string {
  const node = ['--conditions=@nemo/source', '--import', 'tsx', join(here, `${name}.ts`)]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...args], { cwd: here, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

it('simplest-example prints a loss that falls', () => {
  const printed = recipe('simplest-example', 'n=512', 'batch_size=64', 'num_epochs=10', 'lr=0.0005')
  const losses = [...printed.matchAll(/Train Loss: (\S+)/g)].map(([, loss]) => Number(loss))
  expect(losses.length).toBeGreaterThan(1)
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
})

it('chatbot answers each question of a text of its own', () => {
  const datafile = join(scratch, 'dialogs.txt')
  writeFileSync(datafile, 'who are you ?\ti am nemo .\nwhere is the sea ?\there .\n')
  const layers = ['encoder_n_layers=1', 'decoder_n_layers=1']
  const settings = [...layers, 'hidden_size=8', 'batch_size=2', 'num_epochs=1', 'beam_size=2']
  const printed = recipe('chatbot', `datafile=${datafile}`, ...settings)
  expect(printed).toMatch(/Train Loss: \d/)
  expect(printed).toMatch(/^who are you \? -> /m)
  expect(printed).toMatch(/^where is the sea \? -> /m)
})
