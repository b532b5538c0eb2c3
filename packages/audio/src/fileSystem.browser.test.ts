import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AudioFileError } from './errors.js'
import { openFile, readBytes, readChunks, resolveBeside, toPath, writeBytes } from './fileSystem.browser.js'

let server: Server
let origin: string
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/data/a.bin') response.end(Uint8Array.of(1, 2, 3, 4))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

describe('files in a browser', () => {
  it('are fetched', async () => {
    const url = `${origin}/data/a.bin`
    expect(await readBytes(url)).toEqual(Uint8Array.of(1, 2, 3, 4))
    const file = await openFile(url)
    expect([file.size, await file.read(1, 2)]).toEqual([4, Uint8Array.of(2, 3)])
    await file.close()
    for await (const chunk of readChunks(url)) expect(chunk.length).toBe(4)
  })

  it('that are missing are a file error', async () => {
    await expect(readBytes(`${origin}/no.wav`)).rejects.toThrow(AudioFileError)
    await expect(readBytes(`${origin}/no.wav`)).rejects.toThrow('the server answered 404')
  })

  it('cannot be written', async () => {
    await expect(writeBytes('a.wav', [])).rejects.toThrow('a browser cannot write files')
  })

  it('resolve beside their manifest', () => {
    expect(resolveBeside('https://x.org/data/m.json', 'wavs/a.wav')).toBe('https://x.org/data/wavs/a.wav')
    expect(resolveBeside('https://x.org/data/m.json', 'https://y.org/a.wav')).toBe('https://y.org/a.wav')
    expect(toPath(new URL('https://x.org/a'))).toBe('https://x.org/a')
  })
})
