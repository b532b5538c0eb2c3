import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { encodeWav, readManifest } from '@nemo/audio'
import { tarChunks } from '@nemo/core'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareAishell } from './aishell.js'
import { prepareAn4 } from './an4.js'
import { prepareCommonVoice } from './commonVoice.js'
import { librispeechSetsOf, prepareLibrispeech } from './librispeech.js'
import type { Preparation } from './preparation.js'
import { prepareSpeechCommands } from './speechCommands.js'

const text = (value: string) => new TextEncoder().encode(value)
const wav = (length: number, sampleRate = 16000) =>
  encodeWav({ sampleRate, channels: [Float32Array.from({ length }, (_, t) => 0.1 * Math.sin(t * t))] })

/** The audio fixtures of @nemo/audio: formats that we cannot write. */
const fixture = async (name: string) =>
  new Uint8Array(await readFile(new URL(`../../../../packages/audio/test/fixtures/formats/${name}`, import.meta.url)))

function tarGz(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const members = Object.entries(files).map(([name, contents]) => ({ name, contents: [contents] }))
  return gzipSync(Buffer.concat([...tarChunks(members)]))
}

const archives = new Map<string, Buffer>()
let requests: { readonly path: string; readonly range: string | undefined }[] = []
let answer: (path: string, response: ServerResponse) => boolean = () => false
const server = createServer((request, response) => {
  const path = request.url!.slice(1)
  const range = request.headers.range
  requests.push({ path, range })
  if (answer(path, response)) return
  const body = archives.get(path)
  if (!body) {
    response.writeHead(404).end()
    return
  }
  const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
  const headers = { ETag: '"v1"', 'Content-Length': body.length - start }
  if (start > 0)
    response.writeHead(206, { ...headers, 'Content-Range': `bytes ${start}-${body.length - 1}/${body.length}` })
  else response.writeHead(200, headers)
  response.end(body.subarray(start))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
afterAll(() => new Promise((resolve) => server.close(resolve)))

let dataRoot: string
let preparation: Preparation
beforeEach(async () => {
  dataRoot = await mkdtemp(join(tmpdir(), 'nemo-prepare-'))
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  preparation = { dataRoot, mirror, workers: 2, network: { retries: 2, retryDelayMs: 1, timeoutMs: 2000 } }
  requests = []
  answer = () => false
})
afterEach(() => rm(dataRoot, { recursive: true, force: true }))

async function rows(manifest: string) {
  const entries = []
  for await (const { audioFile, duration, text: said, label, speaker } of readManifest(manifest, { target: 'none' })) {
    expect((await stat(audioFile)).isFile()).toBe(true)
    entries.push({ file: audioFile.slice(dataRoot.length + 1), duration, said, label, speaker })
  }
  return entries
}

describe('LibriSpeech', () => {
  const folder = 'LibriSpeech/dev-clean/84/121123'
  const transcript = text('84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS\n')
  const make = async () => {
    const flac = await fixture('speech.flac')
    const files = { [`${folder}/84-121123-0000.flac`]: flac, [`${folder}/84-121123-0001.flac`]: flac }
    archives.set('dev-clean.tar.gz', tarGz({ ...files, [`${folder}/84-121123.trans.txt`]: transcript }))
    return { dev_clean: createHash('sha256').update(archives.get('dev-clean.tar.gz')!).digest('hex') }
  }

  it('is fetched and listed; what is there is not fetched again', async () => {
    const checksums = await make()
    const [manifest] = await prepareLibrispeech(preparation, ['dev_clean'], checksums)
    expect(manifest).toBe(join(dataRoot, 'dev_clean.json'))
    const found = await rows(manifest!)
    expect(found).toEqual([
      {
        file: `${folder}/84-121123-0000.flac`,
        duration: 5513 / 22050,
        said: 'go do you hear',
        label: undefined,
        speaker: '84',
      },
      {
        file: `${folder}/84-121123-0001.flac`,
        duration: 5513 / 22050,
        said: 'but in less',
        label: undefined,
        speaker: '84',
      },
    ])
    await prepareLibrispeech(preparation, ['dev_clean'], checksums)
    expect(requests).toHaveLength(1)
    expect((await readFile(manifest!, 'utf8')).includes(dataRoot)).toBe(false)
  })

  it('a broken download goes on where it was', async () => {
    const checksums = await make()
    const whole = archives.get('dev-clean.tar.gz')!
    answer = (_, response) => {
      if (requests.length > 1) return false
      response.writeHead(200, { ETag: '"v1"', 'Content-Length': whole.length })
      response.write(whole.subarray(0, 5000), () => setTimeout(() => response.destroy(), 50))
      return true
    }
    await prepareLibrispeech({ ...preparation, cleanup: true }, ['dev_clean'], checksums)
    expect(requests[1]!.range).toBe('bytes=5000-')
    expect((await readdir(dataRoot)).filter((name) => name.endsWith('.tar.gz'))).toEqual([])
  })

  it('another checksum is refused, and so are names that leave the folder', async () => {
    await make()
    await expect(prepareLibrispeech(preparation, ['dev_clean'])).rejects.toThrow(/SHA-256/)
    archives.set('dev-clean.tar.gz', tarGz({ '../evil.txt': text('x') }))
    await expect(prepareLibrispeech(preparation, ['dev_clean'], {})).rejects.toThrow(/evil/)
    await rm(join(dataRoot, 'dev-clean.tar.gz'))
    archives.set('dev-clean.tar.gz', Buffer.from('not gzip'))
    await rm(join(dataRoot, 'dev-clean.tar.gz.tar'), { force: true })
    await expect(prepareLibrispeech(preparation, ['dev_clean'], {})).rejects.toThrow(/cannot be unpacked/)
  })

  it('sets are told by name', () => {
    expect(librispeechSetsOf('dev-clean, TEST_OTHER')).toEqual(['dev_clean', 'test_other'])
    expect(librispeechSetsOf('all')).toHaveLength(7)
    expect(() => librispeechSetsOf('dev')).toThrow(/dev_clean.*"dev"/)
  })
})

it('AN4: SPHERE files by speaker', async () => {
  const header = [
    'NIST_1A',
    '   1024',
    'channel_count -i 1',
    'sample_rate -i 16000',
    'sample_count -i 800',
    'sample_byte_format -s2 10',
    'sample_n_bytes -i 2',
    'end_head',
    '',
  ]
  const sph = Uint8Array.from([...text(header.join('\n').padEnd(1024)), ...new Uint8Array(1600)])
  archives.set(
    'an4_sphere.tar.gz',
    tarGz({
      'an4/etc/an4_train.transcription': text('<s> TWENTY TWO </s> (an1-fash-b)\nC Z D (an2-mtxj-b)\n'),
      'an4/etc/an4_test.transcription': text('<s> YES </s> (an9-fcaw-b)\n'),
      'an4/wav/an4_clstk/fash/an1-fash-b.sph': sph,
      'an4/wav/an4_clstk/mtxj/an2-mtxj-b.sph': sph,
      'an4/wav/an4test_clstk/fcaw/an9-fcaw-b.sph': sph,
    }),
  )
  const [train, test] = await prepareAn4(preparation)
  expect((await rows(train!)).map(({ said, speaker, duration }) => [said, speaker, duration])).toEqual([
    ['twenty two', 'fash', 0.05],
    ['c z d', 'mtxj', 0.05],
  ])
  expect((await rows(test!))[0]).toMatchObject({ file: 'an4/wav/an4test_clstk/fcaw/an9-fcaw-b.sph', said: 'yes' })
})

it('Common Voice: MP3 files of lists', async () => {
  const base = 'cv-corpus-1/en'
  archives.set(
    'en.tar.gz',
    tarGz({
      [`${base}/train.tsv`]: text('client_id\tpath\tsentence\tage\nx1\ta.mp3\tHello There.\t\nx2\tb\tBye\tsixties\n'),
      [`${base}/test.tsv`]: text('client_id\tpath\tsentence\nx1\ta.mp3\tAgain\n'),
      [`${base}/clips/a.mp3`]: await fixture('speech.mp3'),
      [`${base}/clips/b.mp3`]: await fixture('speech.mp3'),
    }),
  )
  const choice = { version: 'cv-corpus-1', language: 'en', files: ['train.tsv', 'test.tsv'], manifestDir: dataRoot }
  const manifests = await prepareCommonVoice(preparation, choice)
  expect(manifests).toEqual(['train', 'test'].map((set) => join(dataRoot, `commonvoice_${set}_manifest.json`)))
  const train = await rows(manifests[0]!)
  expect(train.map(({ said, speaker }) => [said, speaker])).toEqual([
    ['hello there.', 'x1'],
    ['bye', 'x2'],
  ])
  expect(train[0]!.duration).toBeGreaterThan(0.1)
})

it('AISHELL: archives of speakers within the archive, and the vocabulary', async () => {
  const speaker = (set: string, id: string) =>
    tarGz({ [`${set}/${id}/${id}W0001.wav`]: wav(1600), [`${set}/${id}/${id}W0002.wav`]: wav(1600) })
  archives.set(
    'data_aishell.tgz',
    tarGz({
      'data_aishell/transcript/aishell_transcript_v0.8.txt': text(
        'S1W0001 而 对 楼市\nS2W0001 楼市\nS3W0001 对\nS1W0002 楼\nS2W0002 市\n',
      ),
      'data_aishell/wav/S1.tar.gz': speaker('train', 'S1'),
      'data_aishell/wav/S2.tar.gz': speaker('dev', 'S2'),
      'data_aishell/wav/S3.tar.gz': speaker('test', 'S3'),
    }),
  )
  const [train, dev, test] = await prepareAishell(preparation)
  expect((await rows(train!)).map(({ said }) => said)).toEqual(['而对楼市', '楼'])
  expect(await rows(dev!)).toHaveLength(2)
  // One of two recordings has no transcript.
  expect(await rows(test!)).toHaveLength(1)
  expect(await readFile(join(dataRoot, 'vocab.txt'), 'utf8')).toBe('楼\n对\n市\n而\n')
})

describe('Speech Commands', () => {
  const words = ['yes', 'no', 'bed']
  const make = () => {
    const files = words.flatMap((word) =>
      [0, 1, 2, 3].map((i): [string, Uint8Array] => [`${word}/a${i}.wav`, wav(1600)]),
    )
    files.push(['yes/a4.wav', wav(1600)], ['_background_noise_/hum.wav', wav(20_000)])
    files.push(['validation_list.txt', text(words.map((word) => `${word}/a1.wav\n`).join(''))])
    files.push(['testing_list.txt', text(words.map((word) => `${word}/a2.wav\n`).join(''))])
    archives.set('speech_commands_v0.01.tar.gz', tarGz(Object.fromEntries(files)))
    return createHash('sha256').update(archives.get('speech_commands_v0.01.tar.gz')!).digest('hex')
  }
  const counts = async (manifest: string) => {
    const found = new Map<unknown, number>()
    for (const { label } of await rows(manifest)) found.set(label, (found.get(label) ?? 0) + 1)
    return Object.fromEntries(found)
  }

  it('all words, split as its lists say, rarer ones repeated', async () => {
    const choice = { version: 1, classes: 'all', rebalance: false, sha256: make() } as const
    const [train, validation, test] = await prepareSpeechCommands(preparation, choice)
    expect(await counts(train!)).toEqual({ bed: 2, no: 2, yes: 3 })
    expect(await counts(test!)).toEqual({ bed: 1, no: 1, yes: 1 })
    expect((await rows(validation!))[0]!.file).toBe('google_speech_recognition_v1/bed/a1.wav')
    const [balanced] = await prepareSpeechCommands(preparation, { ...choice, rebalance: true })
    expect(await counts(balanced!)).toEqual({ bed: 3, no: 3, yes: 3 })
  })

  it('ten words, others and silence', async () => {
    const choice = { version: 1, classes: 'sub', rebalance: false, sha256: make() } as const
    const [train, , test] = await prepareSpeechCommands(preparation, choice)
    expect(await counts(train!)).toEqual({ yes: 3, no: 2, unknown: 1, silence: 1 })
    expect(await counts(test!)).toEqual({ yes: 1, no: 1, unknown: 1, silence: 1 })
    const silence = (await rows(train!)).find(({ label }) => label === 'silence')!
    expect(silence.duration).toBe(1)
  })
})

it('a folder that is no corpus is told', async () => {
  await writeFile(join(dataRoot, 'an4_sphere.tar.gz.unpacked'), '')
  await expect(prepareAn4(preparation)).rejects.toThrow(/an4_train.transcription/)
})
