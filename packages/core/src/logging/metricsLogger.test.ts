import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { unzlibSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.js'
import { CSVLogger, parseCsv } from './csvLogger.js'
import { makeHistogram } from './histogram.js'
import { flattenHyperparams, MetricsLoggerCollection } from './metricsLogger.js'
import { encodePng, readPngHeader } from './png.js'
import { readWavHeader, TensorBoardLogger } from './tensorBoardLogger.js'
import { decodeTFRecords, encodeTFRecord } from './tfRecord.js'

const root = mkdtempSync(join(tmpdir(), 'nemo-metrics-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDir = (): string => mkdtempSync(join(root, `${folders++}-`))

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A protobuf message as field number -> raw values: enough to look inside an event. */
function readMessage(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (number | Uint8Array)[]>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    let value: number | Uint8Array
    if (type === WireType.Bit64) value = reader.double()
    else if (type === WireType.Bit32) value = reader.float()
    else if (type === WireType.Varint) value = Number(reader.int64())
    else value = reader.bytes()
    fields.set(field, [...(fields.get(field) ?? []), value])
  }
  return fields
}

const field = (bytes: Uint8Array, ...path: number[]): number | Uint8Array | undefined => {
  let current: number | Uint8Array | undefined = bytes
  for (const number of path) current = readMessage(current as Uint8Array).get(number)?.[0]
  return current
}

const fieldText = (bytes: Uint8Array, ...path: number[]): string =>
  new TextDecoder().decode(field(bytes, ...path) as Uint8Array)

function makeWav(frames: number, channels = 1, sampleRate = 16000): Uint8Array {
  const wav = new Uint8Array(44 + frames * channels * 2)
  const view = new DataView(wav.buffer)
  wav.set(text('RIFF'))
  view.setUint32(4, wav.length - 8, true)
  wav.set(text('WAVEfmt '), 8)
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, sampleRate, true)
  view.setUint32(28, sampleRate * channels * 2, true)
  view.setUint16(32, channels * 2, true)
  view.setUint16(34, 16, true)
  wav.set(text('data'), 36)
  view.setUint32(40, frames * channels * 2, true)
  return wav
}

describe('TFRecord', () => {
  it('checksums are those of RFC 3720', () => {
    expect(crc32c(text('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  })

  it('records are the bytes that TensorBoard writes', () => {
    // tensorboard.summary.writer.record_writer.RecordWriter, tensorboard 2.21
    const reference = '0500000000000000eab2043e68656c6c6fbb1f1c19000000000000000029039807d8ea82a2'
    const hex = [text('hello'), new Uint8Array(0)]
      .map((data) => Buffer.from(encodeTFRecord(data)).toString('hex'))
      .join('')
    expect(hex).toBe(reference)
  })

  it('what was written is read back, a cut-off end is left out, damage raises', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), fc.nat(), (list, cut) => {
        const file = Buffer.concat(list.map(encodeTFRecord))
        expect(decodeTFRecords(file).map((data) => [...data])).toEqual(list.map((data) => [...data]))
        const short = decodeTFRecords(file.subarray(0, file.length === 0 ? 0 : cut % file.length))
        expect(short.map((data) => [...data])).toEqual(list.slice(0, short.length).map((data) => [...data]))
      }),
      { seed: 9, numRuns: 200 },
    )
    const damaged = encodeTFRecord(text('hello'))
    damaged[13]! ^= 1
    expect(() => decodeTFRecords(damaged)).toThrow("the data's checksum is wrong")
  })
})

describe('TensorBoardLogger', () => {
  it('writes every kind of summary with its step', () => {
    const dir = newDir()
    const logger = new TensorBoardLogger({ dir })
    const png = encodePng({ width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 50, 100, 150, 200, 250) })
    const wav = makeWav(80, 2, 8000)
    logger.logHyperparams({ model: { lr: 0.1, name: 'x', flag: true, none: null } })
    logger.logMetrics({ loss: 0.5, wer: 0.25 }, 7)
    logger.logText('note', 'hello', 8)
    logger.logImage('spec', { png }, 9)
    logger.logAudio('clip', { wav }, 10)
    logger.logHistogram('weights', [1, 2, 3], 11)
    logger.close()
    logger.close()

    const [file, ...others] = readdirSync(dir)
    expect(others).toEqual([])
    expect(file).toMatch(/^events\.out\.tfevents\.\d{10}\.[\w.-]+\.\d+\.\d+$/)
    const events = decodeTFRecords(readFileSync(join(dir, file!)))
    expect(fieldText(events[0]!, 3)).toBe('brain.Event:2')
    expect(events.slice(1).map((event) => field(event, 2))).toEqual([0, 7, 8, 9, 10, 11, 0])
    const [, start, scalars, note, image, audio, histogram, end] = events as [Uint8Array, ...Uint8Array[]]

    expect(fieldText(start!, 5, 1, 1)).toBe('_hparams_/session_start_info')
    expect(fieldText(start!, 5, 1, 9, 1, 1)).toBe('hparams')
    const values = readMessage(field(scalars!, 5) as Uint8Array).get(1) as Uint8Array[]
    expect(values.map((value) => [fieldText(value, 1), field(value, 2)])).toEqual([
      ['loss', 0.5],
      ['wer', 0.25],
    ])
    expect([fieldText(note!, 5, 1, 1), fieldText(note!, 5, 1, 9, 1, 1), fieldText(note!, 5, 1, 8, 8)]).toEqual([
      'note/text_summary',
      'text',
      'hello',
    ])
    expect([1, 2, 3].map((number) => field(image!, 5, 1, 4, number))).toEqual([2, 3, 1])
    expect([...(field(image!, 5, 1, 4, 4) as Uint8Array)]).toEqual([...png])
    expect([1, 2, 3].map((number) => field(audio!, 5, 1, 6, number))).toEqual([8000, 2, 80])
    expect([...(field(audio!, 5, 1, 6, 4) as Uint8Array)]).toEqual([...wav])
    expect([1, 2, 3, 4, 5].map((number) => field(histogram!, 5, 1, 5, number))).toEqual([1, 3, 3, 6, 14])
    expect(fieldText(end!, 5, 1, 1)).toBe('_hparams_/session_end_info')
  })

  it('events reach the file without being closed', () => {
    const dir = newDir()
    const logger = new TensorBoardLogger({ dir, flushSeconds: 0 })
    logger.logMetrics({ loss: 1 }, 1)
    expect(decodeTFRecords(readFileSync(logger.path)).length).toBe(2)
    logger.close()
  })

  it('a resumed run says from where on older events are void', () => {
    const dir = newDir()
    const logger = new TensorBoardLogger({ dir, purgeStep: 40 })
    logger.close()
    const restart = decodeTFRecords(readFileSync(logger.path))[1]!
    expect([field(restart, 2), field(restart, 7, 1)]).toEqual([40, 1])
  })

  it('images and sounds that are none are refused', () => {
    const logger = new TensorBoardLogger({ dir: newDir() })
    expect(() => logger.logImage('x', { png: text('GIF89a') }, 0)).toThrow('expected a PNG file, found 6 bytes')
    expect(() => logger.logAudio('x', { wav: text('OggS') }, 0)).toThrow('expected a WAV file')
    logger.close()
  })
})

describe('readWavHeader', () => {
  it('finds the chunks wherever they are and never reads past the end', () => {
    const wav = makeWav(10)
    const withList = Buffer.concat([
      wav.subarray(0, 36),
      text('LIST'),
      Uint8Array.of(3, 0, 0, 0),
      text('abc\0'),
      wav.subarray(36),
    ])
    expect(readWavHeader(withList)).toEqual({ sampleRate: 16000, channels: 1, frames: 10 })
    expect(readWavHeader(wav.subarray(0, 50)).frames).toBe(3)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(44), (noise, at) => {
        const damaged = Buffer.concat([wav.subarray(0, at), noise])
        try {
          readWavHeader(damaged)
        } catch (error) {
          expect((error as Error).name).toBe('MediaFormatError')
        }
      }),
      { seed: 10, numRuns: 300 },
    )
  })
})

describe('makeHistogram', () => {
  it('counts every finite value once, between limits that enclose it', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 50 }), (values) => {
        const finite = values.filter(Number.isFinite)
        const { counts, limits, count, min, max } = makeHistogram(values)
        expect(count).toBe(finite.length)
        expect(counts.reduce((sum, item) => sum + item, 0)).toBe(finite.length)
        expect(limits.length).toBe(counts.length)
        if (finite.length > 0) {
          expect([min, max]).toEqual([Math.min(...finite), Math.max(...finite)])
          expect(limits.at(-1)).toBeGreaterThanOrEqual(max)
        }
        let seen = 0
        limits.forEach((limit, index) => {
          seen += counts[index]!
          if (index < limits.length - 1) expect(seen).toBe(finite.filter((value) => value < limit).length)
        })
      }),
      { seed: 11, numRuns: 200 },
    )
  })
})

describe('CSVLogger', () => {
  it('adds columns as names appear and rows as steps go', () => {
    const dir = newDir()
    const logger = new CSVLogger({ dir })
    logger.logMetrics({ loss: 1.5 }, 1)
    logger.logMetrics({ loss: 1.25, 'val, "wer"': 0.5 }, 2)
    logger.logMetrics({ loss: Number.NaN }, 3)
    logger.logHyperparams({ lr: 0.1 })
    logger.close()
    expect(readFileSync(logger.path, 'utf8')).toBe('step,loss,"val, ""wer"""\n1,1.5,\n2,1.25,0.5\n3,NaN,\n')
    expect(readFileSync(join(dir, 'hparams.yaml'), 'utf8')).toBe('lr: 0.1\n')
  })

  it('a resumed run continues the file, without rows that are done again or were cut off', () => {
    const dir = newDir()
    writeFileSync(join(dir, 'metrics.csv'), 'step,loss\n1,5\n2,4\n3,3\n')
    appendFileSync(join(dir, 'metrics.csv'), '4,2')
    const logger = new CSVLogger({ dir, purgeStep: 3 })
    logger.logMetrics({ loss: 2.5 }, 3)
    logger.close()
    expect(readFileSync(logger.path, 'utf8')).toBe('step,loss\n1,5\n2,4\n3,2.5\n')
  })

  it('parseCsv reads what is quoted', () => {
    expect(parseCsv('a,"b\n""c""",\r\n1,2,3\n')).toEqual([
      ['a', 'b\n"c"', ''],
      ['1', '2', '3'],
    ])
  })
})

describe('encodePng', () => {
  it('stores every pixel, checked by undoing filters and compression', () => {
    const bitmap = fc
      .record({
        width: fc.integer({ min: 1, max: 20 }),
        height: fc.integer({ min: 1, max: 20 }),
        channels: fc.constantFrom(1 as const, 3 as const, 4 as const),
      })
      .chain(({ width, height, channels }) => {
        const size = width * height * channels
        return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => ({ width, height, channels, data }))
      })
    fc.assert(
      fc.property(bitmap, ({ width, height, channels, data }) => {
        const png = encodePng({ width, height, channels, data })
        expect(readPngHeader(png)).toEqual({ width, height, channels })
        const length = new DataView(png.buffer).getUint32(33)
        const rows = unzlibSync(png.subarray(41, 41 + length))
        const stride = width * channels
        const pixels = new Uint8Array(data.length)
        for (let y = 0; y < height; y += 1) {
          const filter = rows[y * (stride + 1)]
          for (let x = 0; x < stride; x += 1) {
            const before =
              filter === 1
                ? x >= channels
                  ? pixels[y * stride + x - channels]!
                  : 0
                : y > 0
                  ? pixels[(y - 1) * stride + x]!
                  : 0
            pixels[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + before
          }
        }
        expect(pixels).toEqual(data)
      }),
      { seed: 12, numRuns: 100 },
    )
  })

  it('a wrong amount of data is refused', () => {
    expect(() => encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(4) })).toThrow(
      'expected 2 x 2 x 3 = 12 bytes of picture, found 4',
    )
  })
})

describe('MetricsLoggerCollection', () => {
  it('gives each kind of data to the loggers that can hold it', async () => {
    const dir = newDir()
    const csv = new CSVLogger({ dir })
    const tensorBoard = new TensorBoardLogger({ dir })
    const all = new MetricsLoggerCollection([csv, tensorBoard])
    all.logMetrics({ loss: 1 }, 1)
    all.logText('t', 'x', 1)
    all.logHistogram('h', [1], 1)
    all.logImage('i', { png: encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(1) }) }, 1)
    all.logAudio('a', { wav: makeWav(1) }, 1)
    all.logHyperparams({ lr: 1 })
    await all.flush()
    await all.close('failed')
    expect(readFileSync(csv.path, 'utf8')).toBe('step,loss\n1,1\n')
    expect(decodeTFRecords(readFileSync(tensorBoard.path)).length).toBe(8)
  })

  it('flattenHyperparams joins names with slashes and keeps lists as text', () => {
    expect(flattenHyperparams({ a: { b: { c: 1 }, d: [1, 'x'] }, e: null })).toEqual({
      'a/b/c': 1,
      'a/d': '[1,"x"]',
      e: null,
    })
  })
})
