import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TinyModel, tinyModel, weightsOf } from '../../test/trainer/tinyModel.js'
import { UnknownTargetError } from '../config/errors.js'
import { DownloadError } from '../download/errors.js'
import { ModelError } from './errors.js'
import { Model } from './model.js'
import { pretrainedModels, registerPretrainedModels } from './pretrained.js'

let scratch = ''
let server: Server
let archive: Buffer
let requests: IncomingMessage[] = []
let answer: (request: IncomingMessage, response: ServerResponse) => void
let caches = 0
let options: { cacheDir: string; retries: number; retryDelayMs: number; timeoutMs: number; onProgress: () => void }
const original = tinyModel({ channels: 5 })

const rangeStart = (request: IncomingMessage) => Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
const sendWhole = (request: IncomingMessage, response: ServerResponse) => {
  const start = rangeStart(request)
  const range = start > 0 ? { 'Content-Range': `bytes ${start}-${archive.length - 1}/${archive.length}` } : {}
  response
    .writeHead(start > 0 ? 206 : 200, { 'Content-Length': archive.length - start, ETag: '"v1"', ...range })
    .end(archive.subarray(start))
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-pretrained-'))
  const path = join(scratch, 'tiny.nemo')
  await original.saveTo(path)
  archive = await readFile(path)
  server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
  const sha256 = createHash('sha256').update(archive).digest('hex')
  registerPretrainedModels([
    { name: 'tiny_en', target: 'test.TinyModel', location: `${base}/tiny_en.nemo` },
    { name: 'tiny_sums', target: 'test.TinyModel', location: `${base}/tiny_sums.nemo`, sha256 },
    { name: 'tiny_wrong', target: 'test.TinyModel', location: `${base}/tiny_wrong.nemo`, sha256: '00'.repeat(32) },
    { name: 'tiny_lost', target: 'test.NotThere', location: `${base}/tiny_lost.nemo` },
    { name: 'tiny_twice', target: 'test.TinyModel', location: `${base}/one.nemo` },
    { name: 'tiny_twice', target: 'test.OtherModel', location: `${base}/two.nemo` },
  ])
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(scratch, { recursive: true, force: true })
})
beforeEach(() => {
  requests = []
  answer = sendWhole
  options = {
    cacheDir: join(scratch, `cache${caches++}`),
    retries: 2,
    retryDelayMs: 1,
    timeoutMs: 2000,
    onProgress() {},
  }
})

const cachedFile = async (name: string) => {
  const folders = join(options.cacheDir, 'models')
  const folder = (await readdir(folders)).find((entry) => entry.startsWith(name))!
  return join(folders, folder, `${name}.nemo`)
}

describe('fromPretrained', () => {
  it('downloads once and restores, on the class and on Model', async () => {
    const model = await TinyModel.fromPretrained('tiny_en', options)
    expect(model).toBeInstanceOf(TinyModel)
    expect(await weightsOf(model)).toEqual(await weightsOf(original))
    const again = await Model.fromPretrained('tiny_en', options)
    expect(await weightsOf(again)).toEqual(await weightsOf(original))
    expect(requests).toHaveLength(1)
    await TinyModel.fromPretrained('tiny_en', { ...options, refreshCache: true })
    expect(requests).toHaveLength(2)
    const changed = await TinyModel.fromPretrained('tiny_en', {
      ...options,
      overrideConfig: (cfg) => ({ ...cfg, dropout: 0.5 }),
    })
    expect(changed.dropout.p).toBe(0.5)
  })

  it('goes on with a download that was cut, also in a later call', async () => {
    const half = Math.floor(archive.length / 2)
    let sent: (() => void) | undefined
    // The connection ends when its first half has arrived.
    const cut = { ...options, retries: 0, onProgress: () => sent?.() }
    answer = (_request, response) => {
      sent = () => response.destroy()
      response.writeHead(200, { 'Content-Length': archive.length, ETag: '"v1"' }).write(archive.subarray(0, half))
    }
    await expect(TinyModel.fromPretrained('tiny_sums', cut)).rejects.toThrow(DownloadError)
    sent = undefined
    answer = sendWhole
    const model = await TinyModel.fromPretrained('tiny_sums', options)
    expect(await weightsOf(model)).toEqual(await weightsOf(original))
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${half}-`])
  })

  it('refuses a file of another checksum and leaves nothing of it', async () => {
    const failing = TinyModel.fromPretrained('tiny_wrong', options)
    await expect(failing).rejects.toThrow(/tiny_wrong.*SHA-256.*expected 00000/)
    expect(requests).toHaveLength(1)
    expect(await readdir(join(await cachedFile('tiny_wrong'), '..'))).not.toContain('tiny_wrong.nemo')
    // A checksum of the caller's wins.
    const sha256 = createHash('sha256').update(archive).digest('hex').toUpperCase()
    await TinyModel.fromPretrained('tiny_wrong', { ...options, sha256 })
  })

  it('downloads again what was damaged in the cache, but trusts a file put there by hand', async () => {
    await TinyModel.fromPretrained('tiny_en', options)
    const path = await cachedFile('tiny_en')
    const damaged = Buffer.from(archive)
    damaged[700]! ^= 1
    await writeFile(path, damaged)
    await TinyModel.fromPretrained('tiny_en', options)
    expect(requests).toHaveLength(2)
    await rm(`${path}.json`)
    await TinyModel.fromPretrained('tiny_en', options)
    expect(requests).toHaveLength(2)
  })

  it('without a network says which address to fetch and where to put the file', async () => {
    answer = (_request, response) => response.destroy()
    const failing = TinyModel.fromPretrained('tiny_en', options)
    await expect(failing).rejects.toThrow(
      /tiny_en: http.*tiny_en\.nemo could not be downloaded after 3 tries.*Without a network.*put the file at .*tiny_en\.nemo.*restoreFrom/,
    )
    answer = (_request, response) => response.writeHead(404).end()
    await expect(TinyModel.fromPretrained('tiny_en', options)).rejects.toThrow(/answered 404/)
  })

  it('refuses names that are unknown, ambiguous or of a class that is not there, before any download', async () => {
    await expect(TinyModel.fromPretrained('tiny_eng', options)).rejects.toThrow(
      /no pretrained model tiny_eng. Did you mean tiny_en\?/,
    )
    await expect(TinyModel.fromPretrained('stt_en_quartznet15x5', options)).rejects.toThrow(
      /It is a nemo.collections.asr.models.ctc_models.EncDecCTCModel/,
    )
    await expect(Model.fromPretrained('tiny_twice', options)).rejects.toThrow(ModelError)
    await expect(Model.fromPretrained('tiny_twice', options)).rejects.toThrow(
      /several models: test.TinyModel, test.OtherModel/,
    )
    await expect(Model.fromPretrained('tiny_lost', options)).rejects.toThrow(UnknownTargetError)
    expect(requests).toHaveLength(0)
  })
})

it('NeMo’s public models are listed with their addresses', () => {
  const models = pretrainedModels().filter(({ target }) => target.startsWith('nemo.'))
  expect(models).toHaveLength(73)
  expect(new Set(models.map(({ location }) => location)).size).toBe(73)
  const address = (name: string) => models.find((model) => model.name === name)?.location
  expect(address('QuartzNet15x5Base-En')).toBe(
    'https://api.ngc.nvidia.com/v2/models/nvidia/nemospeechmodels/versions/1.0.0a5/files/QuartzNet15x5Base-En.nemo',
  )
  expect(address('stt_en_jasper10x5dr')).toBe(
    'https://api.ngc.nvidia.com/v2/models/nvidia/nemo/stt_en_jasper10x5dr/versions/1.0.0rc1/files/stt_en_jasper10x5dr.nemo',
  )
  expect(TinyModel.listAvailableModels().map(({ name }) => name)).toContain('tiny_en')
  expect(TinyModel.listAvailableModels().map(({ name }) => name)).not.toContain('tiny_lost')
})
