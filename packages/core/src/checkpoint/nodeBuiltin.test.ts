import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { fixture } from '../../test/checkpoint/describeValue.js'
import { CheckpointFileError } from './errors.js'
import { packNemo, readNemo, writeNemo } from './nemoArchive.js'
import { readTorch, readTorchFile } from './readTorch.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'
import { asStateDict } from './stateDict.js'
import { writeTorch } from './writeTorch.js'

afterEach(() => vi.unstubAllGlobals())

test('without Node, bytes are read and written, and paths are refused by name', async () => {
  const nemo = fixture('model.nemo')
  vi.stubGlobal('process', undefined)
  vi.stubGlobal('Buffer', undefined)
  const { config, weights } = await readNemo(nemo)
  expect((await readNemo(packNemo({ config, weights }))).config).toBe(config)
  expect(asStateDict(readTorch(writeTorch(weights)), 'test').size).toBe(weights.size)
  expect(readSafetensors(writeSafetensors(weights)).tensors.size).toBe(weights.size)
  await expect(readNemo('model.nemo')).rejects.toThrow(CheckpointFileError)
  await expect(readTorchFile('model.pt')).rejects.toThrow('In a browser, pass the bytes')
  await expect(writeNemo('model.nemo', { config, weights })).rejects.toThrow(CheckpointFileError)
})

test('no module of this folder imports a module of Node when it is loaded', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder).filter((name) => !name.endsWith('.test.ts'))
  for (const name of sources) {
    expect(readFileSync(new URL(name, folder), 'utf8')).not.toMatch(/^(import|export) .*from 'node:/m)
  }
})
