import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AudioArgumentError, AudioError, AudioFileError, ManifestError } from '../errors.js'
import { loadManifest } from './loadManifest.js'
import { type ManifestEntry, parseManifestLine } from './manifestEntry.js'
import { readManifest, splitManifestPaths } from './readManifest.js'
import { textLines } from './textLines.js'
import { formatManifestRow, writeManifest } from './writeManifest.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nemo-manifest-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function all(entries: AsyncIterable<ManifestEntry>): Promise<ManifestEntry[]> {
  const list: ManifestEntry[] = []
  for await (const entry of entries) list.push(entry)
  return list
}

function lines(...rows: unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

const row = { audio_filepath: 'a.wav', duration: 1.5, text: 'one two' }

describe('lines', () => {
  const at = { manifest: 'm.json', line: 3 }

  it('NeMo keys become an entry, the rest stays in fields', async () => {
    const path = write('m.json', lines({ ...row, offset: 0.25, speaker: 7, orig_sample_rate: 8000, lang: 'en' }))
    expect(await all(readManifest(path))).toEqual([
      {
        id: 0,
        audioFile: join(folder, 'a.wav'),
        duration: 1.5,
        offset: 0.25,
        text: 'one two',
        label: undefined,
        speaker: 7,
        origSr: 8000,
        manifest: path,
        line: 1,
        fields: { ...row, offset: 0.25, speaker: 7, orig_sample_rate: 8000, lang: 'en' },
      },
    ])
  })

  it('audio_filename, normalized_text and orig_sr are read as well', () => {
    const json = JSON.stringify({
      audio_filename: 'b.wav',
      duration: 2,
      normalized_text: 'x',
      orig_sr: 44100,
      offset: null,
    })
    expect(parseManifestLine(json, at)).toMatchObject({
      audioFilepath: 'b.wav',
      text: 'x',
      origSr: 44100,
      offset: undefined,
    })
  })

  it.each(['command', 'target', 'label'])('"%s" is a label', (key) => {
    const json = JSON.stringify({ audio_filepath: 'b.wav', duration: 2, [key]: 'yes' })
    expect(parseManifestLine(json, { ...at, target: 'label' }).label).toBe('yes')
  })

  it('text_filepath is read beside the manifest, line ends dropped', async () => {
    write('t.txt', 'ein\nzwei\r\n')
    const path = write('m.json', lines({ audio_filepath: 'a.wav', duration: 1, text_filepath: 't.txt' }))
    expect((await all(readManifest(path)))[0]!.text).toBe('einzwei')
  })

  it('a missing text_filepath is an error of that line', async () => {
    const path = write('m.json', lines({ audio_filepath: 'a.wav', duration: 1, text_filepath: 'no.txt' }))
    await expect(all(readManifest(path))).rejects.toThrow(`${path}:1: "text_filepath" "no.txt" cannot be used`)
  })

  it('relative paths start at the manifest, ~ at home, absolute ones stay', async () => {
    mkdirSync(join(folder, 'sub'))
    const paths = ['x/a.wav', '../a.wav', '~/a.wav', '/data/a.wav']
    const path = write('sub/m.json', lines(...paths.map((audio_filepath) => ({ ...row, audio_filepath }))))
    expect((await all(readManifest(path))).map((entry) => entry.audioFile)).toEqual([
      join(folder, 'sub/x/a.wav'),
      join(folder, 'a.wav'),
      join(homedir(), 'a.wav'),
      '/data/a.wav',
    ])
  })

  it.each([
    ['{"duration": 1', 'expected one JSON object a line, found "{\\"duration\\": 1"'],
    ['[1, 2]', 'expected a JSON object, found [1,2]'],
    ['null', 'expected a JSON object, found null'],
    ['{"duration": 1, "text": "a"}', 'expected "audio_filename" or "audio_filepath", found "duration", "text"'],
    ['{"audio_filepath": "", "duration": 1, "text": "a"}', 'expected "audio_filename" or "audio_filepath"'],
    ['{"audio_filepath": 7, "duration": 1, "text": "a"}', 'expected "audio_filepath" to be a string, found 7'],
    ['{"audio_filepath": "a", "text": "a"}', 'expected "duration", found "audio_filepath", "text"'],
    [
      '{"audio_filepath": "a", "duration": "1", "text": "a"}',
      'expected "duration" to be a number of seconds of at least 0, found "1"',
    ],
    ['{"audio_filepath": "a", "duration": -1, "text": "a"}', 'found -1'],
    ['{"audio_filepath": "a", "duration": 1e999, "text": "a"}', 'found Infinity'],
    [
      '{"audio_filepath": "a", "duration": 1}',
      'expected "text" or "text_filepath" or "normalized_text", found "audio_filepath", "duration"',
    ],
    ['{"audio_filepath": "a", "duration": 1, "text": {}}', 'expected "text" to be a string, found {}'],
    [
      '{"audio_filepath": "a", "duration": 1, "text": "a", "offset": "0"}',
      'expected "offset" to be a number of seconds',
    ],
    [
      '{"audio_filepath": "a", "duration": 1, "text": "a", "orig_sr": 0}',
      'expected "orig_sr" to be a positive sample rate in Hz, found 0',
    ],
    ['{}', 'found no keys'],
  ])('%s is refused, by place, key and value', (json, message) => {
    expect(() => parseManifestLine(json, at)).toThrow(ManifestError)
    expect(() => parseManifestLine(json, at)).toThrow(`m.json:3: `)
    expect(() => parseManifestLine(json, at)).toThrow(message)
  })

  it('a label manifest needs a label, one of noises neither', () => {
    const json = JSON.stringify({ audio_filepath: 'n.wav', duration: 3 })
    expect(() => parseManifestLine(json, { ...at, target: 'label' })).toThrow(
      'expected "command" or "target" or "label"',
    )
    expect(parseManifestLine(json, { ...at, target: 'none' }).audioFilepath).toBe('n.wav')
  })
})

describe('files', () => {
  it('several manifests come by comma or as a list; ids go on, lines start anew', async () => {
    const [a, b] = [write('a.json', lines(row, row)), write('b.json', lines(row))]
    for (const paths of [`${a}, ${b}`, [a, b]]) {
      const entries = await all(readManifest(paths))
      expect(entries.map(({ id, manifest, line }) => [id, manifest, line])).toEqual([
        [0, a, 1],
        [1, a, 2],
        [2, b, 1],
      ])
    }
  })

  it('an empty path is refused', () => {
    expect(() => splitManifestPaths('a.json,')).toThrow('expected paths of manifests, found an empty one')
    expect(() => splitManifestPaths([])).toThrow(ManifestError)
  })

  it('blank lines, a byte order mark, Windows line ends and a missing last line end are taken', async () => {
    const path = write('m.json', `\ufeff${JSON.stringify(row)}\r\n\r\n   \n${JSON.stringify({ ...row, text: 'ü' })}`)
    expect((await all(readManifest(path))).map(({ line, text }) => [line, text])).toEqual([
      [1, 'one two'],
      [4, 'ü'],
    ])
  })

  it('a bad line stops, or is handed over and skipped', async () => {
    const path = write('m.json', `${lines(row)}nonsense\n${lines(row)}`)
    await expect(all(readManifest(path))).rejects.toThrow(
      `${path}:2: expected one JSON object a line, found "nonsense"`,
    )
    const errors: ManifestError[] = []
    const entries = await all(readManifest(path, { onBadLine: (error) => errors.push(error) }))
    expect(entries.map(({ id, line }) => [id, line])).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(errors.map(({ line, code }) => [line, code])).toEqual([[2, 'NEMO_AUDIO_MANIFEST']])
  })

  it('bytes that are not UTF-8 are a bad line', async () => {
    const path = write('m.json', Uint8Array.of(0x7b, 0xff, 0x7d, 0x0a))
    await expect(all(readManifest(path))).rejects.toThrow(`${path}:1: expected UTF-8 text`)
  })

  it('a missing manifest is a file error', async () => {
    const error = await all(readManifest(join(folder, 'no.json'))).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AudioFileError)
    expect(String(error)).toContain('no.json: the file cannot be opened: it does not exist. Check the path.')
  })

  it('a line without end is given up, not read into memory', async () => {
    const megabyte = new Uint8Array(1 << 20).fill(0x61)
    const endless = (function* () {
      for (;;) yield megabyte
    })()
    await expect(textLines(endless, 'x.bin').next()).rejects.toThrow(
      'x.bin:1: expected one JSON object a line, found a line of more than',
    )
  })

  it('lines do not depend on how the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[ab\u00e4]{0,5}$/)),
        fc.array(fc.integer({ min: 1, max: 7 })),
        async (texts, cuts) => {
          const bytes = new TextEncoder().encode(texts.map((text) => `${text}\n`).join(''))
          const chunks: Uint8Array[] = []
          let at = 0
          for (const cut of cuts) {
            chunks.push(bytes.subarray(at, at + cut))
            at += cut
          }
          chunks.push(bytes.subarray(at))
          const read: unknown[] = []
          for await (const line of textLines(chunks, 'x')) read.push(line.text)
          expect(read).toEqual(texts)
        },
      ),
      { seed: 12 },
    )
  })

  it('any bytes give entries or a named error', async () => {
    const valid = new TextEncoder().encode(lines(row, { ...row, offset: 1, speaker: 'x', text: 'ä"\\' }, row))
    const damaged = fc
      .tuple(fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 6 }), fc.nat())
      .map(([flips, length]) => {
        const copy = valid.slice(0, length % (valid.length + 1))
        for (const [position, bit] of flips) if (copy.length > 0) copy[position % copy.length]! ^= 1 << bit
        return copy
      })
    const json = fc.json().map((text) => new TextEncoder().encode(text))
    const deep = fc.nat(100_000).map((depth) => new TextEncoder().encode('['.repeat(depth)))
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, json, deep, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
        const path = write('fuzz.json', bytes)
        let [bad, good] = [0, 0]
        const onBadLine = (error: ManifestError) => {
          expect(error.line).toBeGreaterThan(0)
          bad++
        }
        for await (const entry of readManifest(path, { onBadLine })) {
          expect(entry.duration).toBeGreaterThanOrEqual(0)
          good++
        }
        expect(bad + good).toBeLessThanOrEqual(bytes.length)
        await all(readManifest(path)).catch((error: unknown) => expect(error).toBeInstanceOf(AudioError))
      }),
      { numRuns: 500, seed: 13 },
    )
  })
})

describe('loading', () => {
  const durations = [3, 1, 7, 2, 1, 5]
  let path: string
  beforeEach(() => {
    path = write('m.json', lines(...durations.map((duration, i) => ({ ...row, duration, text: `${i}` }))))
  })

  it('keeps the order of the file unless asked to sort by duration, which is stable', async () => {
    const texts = async (options: object) =>
      (await loadManifest(path, options)).entries.map(({ text }) => text).join('')
    expect(await texts({})).toBe('012345')
    expect(await texts({ sortByDuration: true })).toBe('143052')
  })

  it('filters by duration, both limits included, and reports what it left out', async () => {
    const accept = ({ text }: ManifestEntry) => text !== '3'
    const { entries, report } = await loadManifest(path, { minDuration: 2, maxDuration: 5, accept })
    expect(entries.map(({ duration }) => duration)).toEqual([3, 5])
    expect(report).toEqual({
      files: [path],
      kept: 2,
      keptHours: 8 / 3600,
      filtered: 4,
      filteredHours: 11 / 3600,
      tooShort: 2,
      tooLong: 1,
      notAccepted: 1,
      badLines: 0,
      badLineErrors: [],
    })
  })

  it('max_utts counts kept entries, comes before sorting, and 0 means no limit', async () => {
    const options = { minDuration: 2, maxUtts: 2, sortByDuration: true }
    expect((await loadManifest(path, options)).entries.map(({ duration }) => duration)).toEqual([3, 7])
    expect((await loadManifest(path, { maxUtts: 0 })).entries.length).toBe(6)
  })

  it('reads no further than max_utts', async () => {
    const broken = write('n.json', `${lines(row)}nonsense\n`)
    expect((await loadManifest(broken, { maxUtts: 1 })).entries.length).toBe(1)
  })

  it('skipped lines are counted and the first ones kept', async () => {
    const broken = write('n.json', `${'nonsense\n'.repeat(12)}${lines(row)}`)
    const { report } = await loadManifest(broken, { onBadLine: 'skip' })
    expect([report.kept, report.badLines, report.badLineErrors.length]).toEqual([1, 12, 10])
  })

  it('nothing left is an error that says why', async () => {
    await expect(loadManifest(path, { maxDuration: 0.5 })).rejects.toThrow(
      'no entry remains: 0 shorter than 0 s, 6 longer than 0.5 s, 0 not accepted, 0 bad line(s). Widen the filters',
    )
    await expect(loadManifest(write('empty.json', ''))).rejects.toThrow('expected at least one entry, found none')
  })
})

describe('writing', () => {
  it('what is written reads back', async () => {
    const path = join(folder, 'new/folder/m.json')
    const rows = [
      { audio_filepath: '/x/a.wav', duration: 1.25, text: 'grüße\n', offset: 0.5, speaker: 'anna', extra: [1] },
      { audio_filepath: '/x/b.wav', duration: 0, text: '' },
    ]
    await writeManifest(path, rows)
    expect((await all(readManifest(path))).map(({ fields }) => fields)).toEqual(rows)
  })

  it('paths can be relative to the manifest', async () => {
    const path = join(folder, 'sub/m.json')
    await writeManifest(path, [{ ...row, audio_filepath: join(folder, 'wavs/a.wav') }], { relativePaths: true })
    const [entry] = await all(readManifest(path))
    expect(entry!.fields.audio_filepath).toBe('../wavs/a.wav')
    expect(entry!.audioFile).toBe(join(folder, 'wavs/a.wav'))
  })

  it('a row that could not be read back is refused and nothing is written', async () => {
    expect(() => formatManifestRow({ audio_filepath: 'a', duration: Number.NaN })).toThrow(AudioArgumentError)
    const path = join(folder, 'm.json')
    await expect(writeManifest(path, [row, { audio_filepath: '', duration: 1 }])).rejects.toThrow(AudioArgumentError)
    await expect(all(readManifest(path))).rejects.toThrow(AudioFileError)
  })
})
