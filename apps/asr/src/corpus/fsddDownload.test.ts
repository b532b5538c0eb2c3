import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeWav } from '@nemo/audio'
import { downloadFile } from '@nemo/core'
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadFsdd } from './fsdd.js'
import { downloadFsdd } from './fsddDownload.js'

type Handler = (request: IncomingMessage, response: ServerResponse, attempt: number) => void

let archive: Buffer
let parent: string
let server: Server
let handle: Handler
let requests: IncomingMessage[]

beforeAll(async () => {
  configure({ useWebWorkers: false })
  archive = await zipOf(recordings())
})

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'download-'))
  requests = []
  cut = undefined
  server = createServer((request, response) => {
    requests.push(request)
    handle(request, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(parent, { recursive: true, force: true })
})

const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/fsdd.zip`
const options = () => ({
  url: address(),
  dir: join(parent, 'fsdd'),
  recordingsPerSpeaker: 20,
  retries: 3,
  retryDelayMs: 1,
  timeoutMs: 2000,
  onProgress: cutConnection,
})

const sendWhole: Handler = (_, response) => {
  response.writeHead(200, { 'Content-Length': archive.length, ETag: '"v1"' }).end(archive)
}

/** Sends the first `bytes` bytes; `cutConnection` ends it once they have arrived. */
const sendCut = (response: ServerResponse, bytes: number, headers: Record<string, string> = { ETag: '"v1"' }) => {
  response.writeHead(200, { 'Content-Length': archive.length, ...headers }).write(archive.subarray(0, bytes))
  cut = { response, bytes }
}
let cut: { response: ServerResponse; bytes: number } | undefined
const cutConnection = (arrived: number) => {
  if (cut !== undefined && arrived >= cut.bytes) cut.response.destroy()
}

/** Answers a range request with the rest of the archive. */
const sendRest: Handler = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
  response
    .writeHead(206, {
      'Content-Range': `bytes ${start}-${archive.length - 1}/${archive.length}`,
      'Content-Length': archive.length - start,
      ETag: '"v1"',
    })
    .end(archive.subarray(start))
}

describe('downloadFsdd', () => {
  it('fetches, checks and unpacks the archive, and does not fetch it twice', async () => {
    handle = sendWhole
    const dir = await downloadFsdd(options())
    expect((await loadFsdd(dir)).recordings.length).toBe(40)
    expect(await readdir(parent)).toEqual(['fsdd'])
    await downloadFsdd(options())
    expect(requests.length).toBe(1)
  })

  it('goes on where a cut connection left off', async () => {
    handle = (request, response, attempt) =>
      attempt === 1 ? sendCut(response, 5000) : sendRest(request, response, attempt)
    const dir = await downloadFsdd(options())
    expect((await loadFsdd(dir)).recordings.length).toBe(40)
    expect(requests.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=5000-', '"v1"'],
    ])
  })

  it('starts over when the server sends the whole file again or has no validator', async () => {
    handle = (request, response, attempt) => {
      if (attempt === 1) return sendCut(response, 5000)
      if (attempt === 2) return sendCut(response, 3000, {})
      sendWhole(request, response, attempt)
    }
    expect((await loadFsdd(await downloadFsdd(options()))).recordings.length).toBe(40)
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=5000-', undefined])
  })

  it('tries again after passing failures and time-outs', async () => {
    handle = (request, response, attempt) => {
      if (attempt === 1) response.writeHead(503).end()
      else if (attempt === 2) response.writeHead(200, { 'Content-Length': archive.length }).write('PK')
      else sendWhole(request, response, attempt)
    }
    await downloadFsdd({ ...options(), timeoutMs: 200 })
    expect(requests.length).toBe(3)
  })

  it('says after the last try what went wrong and what to do without a network', async () => {
    handle = (_, response) => sendCut(response, 100)
    await expect(downloadFsdd(options())).rejects.toThrow(/after 4 tries.*--data_dir DIR/)
    expect(requests.length).toBe(4)
    handle = (_, response) => response.writeHead(200, { 'Content-Length': archive.length }).write('PK')
    await expect(downloadFsdd({ ...options(), timeoutMs: 50, retries: 0 })).rejects.toThrow(
      'nothing arrived for 0.05 s',
    )
    const refused = { ...options(), url: 'http://127.0.0.1:9/fsdd.zip', retries: 0 }
    await expect(downloadFsdd(refused)).rejects.toThrow('--data_dir')
  })

  it('does not try again when the file is not there', async () => {
    handle = (_, response) => response.writeHead(404).end('<html>')
    await expect(downloadFsdd(options())).rejects.toThrow('the server answered 404 Not Found')
    expect(requests.length).toBe(1)
  })

  it('refuses files that are too large or whose length is wrong', async () => {
    handle = sendWhole
    await expect(downloadFsdd({ ...options(), maxBytes: 1000 })).rejects.toThrow('more than the 1000 allowed')
    handle = (_, response) =>
      response.writeHead(200, { 'Content-Length': archive.length + 7, Connection: 'close' }).end(archive)
    await expect(downloadFsdd({ ...options(), retries: 0, timeoutMs: 300 })).rejects.toThrow('could not be downloaded')
  })

  it.each([
    ['no zip', async () => Buffer.from('<html>rate limited</html>'), 'damaged or not what was expected'],
    ['a changed byte', async () => changedByte(), 'damaged or not what was expected'],
    ['a missing recording', () => zipOf(recordings().slice(1)), /expected 20 recordings, found 19|has no/],
    ['other content', () => zipOf([['x-1/README.md', new Uint8Array(3)]]), 'holds no recordings'],
  ])('refuses an archive with %s and leaves nothing', async (_, make, message) => {
    const content = await make()
    handle = (__, response) => response.writeHead(200, { 'Content-Length': content.length }).end(content)
    await expect(downloadFsdd(options())).rejects.toThrow(message)
    expect(await readdir(parent)).toEqual([])
  })

  it('refuses an archive with names that leave its folder', async () => {
    const evil = new Uint8Array([1])
    const content = await zipOf([...recordings(), ['x-1/recordings/../../../0_evil_0.wav', evil]])
    handle = (_, response) => response.writeHead(200, { 'Content-Length': content.length }).end(content)
    await expect(downloadFsdd(options())).rejects.toThrow('damaged or not what was expected')
    expect(await readdir(parent)).toEqual([])
  })

  it('leaves a folder alone that holds something else', async () => {
    handle = sendWhole
    await mkdir(join(parent, 'fsdd'))
    await writeFile(join(parent, 'fsdd', 'mine.txt'), 'mine')
    await expect(downloadFsdd(options())).rejects.toThrow('found mine.txt')
    expect(requests.length).toBe(0)
  })
})

describe('downloadFile', () => {
  it('goes on in a later run', async () => {
    const path = join(parent, 'file')
    handle = (_, response) => sendCut(response, 4000)
    await expect(downloadFile({ url: address(), path, retries: 0, onProgress: cutConnection })).rejects.toThrow(
      'could not be downloaded',
    )
    expect((await readdir(parent)).sort()).toEqual(['file.part', 'file.part.json'])
    handle = sendRest
    const seen: number[] = []
    await downloadFile({ url: address(), path, onProgress: (bytes) => seen.push(bytes) })
    expect(Buffer.compare(await readFile(path), archive)).toBe(0)
    expect(seen.at(-1)).toBe(archive.length)
    expect(await readdir(parent)).toEqual(['file'])
  })

  it('refuses other addresses', async () => {
    const path = join(parent, 'file')
    await expect(downloadFile({ url: 'file:///etc/passwd', path })).rejects.toThrow('expected an http or https address')
    await expect(downloadFile({ url: 'fsdd.zip', path })).rejects.toThrow('"fsdd.zip" is no address')
  })
})

/** Two speakers with two recordings of each digit, laid out as in the release. */
function recordings(): [string, Uint8Array][] {
  const bytes = encodeWav({
    sampleRate: 8000,
    channels: [Float32Array.from({ length: 400 }, (_, t) => 0.3 * Math.sin(t * t))],
  })
  return ['ann', 'bob'].flatMap((speaker) =>
    Array.from({ length: 20 }, (_, at): [string, Uint8Array] => [
      `free-spoken-digit-dataset-1.0.10/recordings/${at % 10}_${speaker}_${at < 10 ? 0 : 5}.wav`,
      bytes,
    ]),
  )
}

async function zipOf(files: readonly (readonly [string, Uint8Array])[]): Promise<Buffer> {
  const writer = new ZipWriter(new Uint8ArrayWriter())
  for (const [name, bytes] of files) await writer.add(name, new Uint8ArrayReader(bytes))
  return Buffer.from(await writer.close())
}

/** The archive with one byte of a recording's compressed content changed. */
function changedByte(): Buffer {
  const damaged = Buffer.from(archive)
  const at = damaged.indexOf('.wav') + 300
  damaged[at] = damaged[at]! ^ 0x10
  return damaged
}
