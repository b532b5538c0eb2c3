import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tuningFile } from '../../src/trainer/tuningFile.js'

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-tuning-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

test('measurements are there again, in a folder that was not', async () => {
  const file = tuningFile(join(scratch, 'a', 'b'))
  expect(await file.load()).toBeUndefined()
  await file.save('{"x":1}')
  expect(await tuningFile(join(scratch, 'a', 'b')).load()).toBe('{"x":1}')
})

test('a folder that cannot be written stops nothing', async () => {
  await writeFile(join(scratch, 'taken'), '')
  const file = tuningFile(join(scratch, 'taken', 'folder'))
  await expect(file.save('{}')).resolves.toBeUndefined()
  expect(await file.load()).toBeUndefined()
})
