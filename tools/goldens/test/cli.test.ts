import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

function run(...args: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@nemo/source', '--import', 'tsx', cli, ...args],
      { cwd: fileURLToPath(new URL('../../..', import.meta.url)) },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    )
  })
}

const cropOrPad = (output: readonly number[]) => ({
  name: 'crop',
  variants: [],
  crop_or_pad: [{ audio_length: 3, input: [[1, 2]], output: [output], length: [3] }],
  arrays: {},
})

let folder: string
function write(name: string, json: object): void {
  mkdirSync(join(folder, name))
  writeFileSync(join(folder, name, 'case.json'), JSON.stringify(json))
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goldens-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('pnpm goldens', () => {
  it('says that a folder has no cases', async () => {
    const { code, text } = await run(folder)
    expect(code).toBe(2)
    expect(text).toMatch(/no case\.json in it or below/)
  })

  it('reports cases that hold, and those of an unknown kind', async () => {
    write('good', cropOrPad([1, 2, 0]))
    write('strange', { name: 'strange', riddles: [] })
    const { code, text } = await run(folder)
    expect(text).toMatch(/^good +ok/m)
    expect(text).toMatch(/^strange {2}NOT SUPPORTED YET: no handler for a case with name, riddles$/m)
    expect(text).toMatch(/1 ok, 0 failed, 1 not supported yet/)
    expect(code).toBe(0)
  })

  it('exits with 1 when a case fails', async () => {
    write('wrong', cropOrPad([1, 2, 9]))
    const { code, text } = await run(folder)
    expect(text).toMatch(/^wrong +FAILED/m)
    expect(text).toMatch(/crop_or_pad\/3: is \[1,2,0\], expected \[1,2,9\]/)
    expect(code).toBe(1)
  })
})
