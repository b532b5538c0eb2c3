import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildCorpusFolder, type FillFolder, sha256 } from './corpusFolder.js'

let parent: string
let dir: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'corpus-'))
  dir = join(parent, 'digits')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const fill: FillFolder = async (folder) => {
  await mkdir(join(folder, 'wavs'))
  const files = []
  for (const [path, content] of [
    ['wavs/0.wav', 'zero'],
    ['wavs/1.wav', 'one'],
    ['train_manifest.json', '{}'],
  ] as const) {
    await writeFile(join(folder, path), content)
    files.push({ path, bytes: content.length, sha256: sha256(content) })
  }
  return { files, facts: { utterances: 2 } }
}

describe('buildCorpusFolder', () => {
  it('makes the folder, describes it and leaves nothing beside it', async () => {
    const corpus = await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    expect(corpus.reused).toBe(false)
    expect(JSON.parse(await readFile(join(dir, 'corpus.json'), 'utf8'))).toMatchObject({
      name: 'test',
      parameters: { seed: 1 },
      facts: { utterances: 2 },
      contentHash: corpus.contentHash,
    })
    expect(await readdir(parent)).toEqual(['digits'])
  })

  it('reuses a whole corpus of equal parameters without touching it', async () => {
    const first = await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    const { mtimeMs } = await stat(join(dir, 'corpus.json'))
    const second = await buildCorpusFolder(dir, 'test', { seed: 1 }, () => Promise.reject(new Error('not called')))
    expect(second).toMatchObject({ reused: true, contentHash: first.contentHash, facts: { utterances: 2 } })
    expect((await stat(join(dir, 'corpus.json'))).mtimeMs).toBe(mtimeMs)
  })

  it.each([
    ['other parameters', async () => {}, { seed: 2 }, 'its parameters are others'],
    ['a changed file', () => writeFile(join(dir, 'wavs/1.wav'), 'two'), { seed: 1 }, 'wavs/1.wav was changed'],
    ['a shortened file', () => writeFile(join(dir, 'wavs/0.wav'), 'ze'), { seed: 1 }, 'wavs/0.wav was changed'],
    ['a missing file', () => rm(join(dir, 'wavs/1.wav')), { seed: 1 }, 'wavs/1.wav is missing'],
    ['no description', () => rm(join(dir, 'corpus.json')), { seed: 1 }, 'corpus.json is missing or damaged'],
    ['half a description', () => writeFile(join(dir, 'corpus.json'), '{"for'), { seed: 1 }, 'missing or damaged'],
    [
      'a description that points outside the folder',
      async () => {
        const path = join(dir, 'corpus.json')
        await writeFile(path, (await readFile(path, 'utf8')).replace('wavs/0.wav', '../0.wav'))
      },
      { seed: 1 },
      'corpus.json is missing or damaged',
    ],
  ])('rebuilds a corpus with %s', async (_, damage, parameters, reason) => {
    await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    await damage()
    const rebuilt = await buildCorpusFolder(dir, 'test', parameters, fill)
    expect(rebuilt.reused).toBe(false)
    expect(rebuilt.rebuiltBecause).toContain(reason)
    expect((await buildCorpusFolder(dir, 'test', parameters, fill)).reused).toBe(true)
  })

  it('keeps the old corpus and leaves no rest when making the new one fails', async () => {
    await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    const failing: FillFolder = async (folder) => {
      await writeFile(join(folder, 'train_manifest.json'), 'half')
      throw new Error('disk full')
    }
    await expect(buildCorpusFolder(dir, 'test', { seed: 2 }, failing)).rejects.toThrow('disk full')
    expect(await readdir(parent)).toEqual(['digits'])
    expect((await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)).reused).toBe(true)
  })

  it('removes what a killed process left', async () => {
    await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    // No process has this number: Linux and macOS stop far below it.
    await rename(dir, join(parent, '.digits.partial-2147483647'))
    await buildCorpusFolder(dir, 'test', { seed: 1 }, fill)
    expect(await readdir(parent)).toEqual(['digits'])
  })

  it('refuses a folder with files that are no part of a corpus', async () => {
    await mkdir(dir)
    await writeFile(join(dir, 'thesis.docx'), '')
    await expect(buildCorpusFolder(dir, 'test', { seed: 1 }, fill)).rejects.toThrow('for example "thesis.docx"')
    expect(await readdir(dir)).toEqual(['thesis.docx'])
  })

  it('refuses a path that is a file', async () => {
    await writeFile(dir, '')
    await expect(buildCorpusFolder(dir, 'test', {}, fill)).rejects.toThrow('cannot be read as a folder (ENOTDIR)')
  })
})
