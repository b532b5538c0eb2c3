import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { loadManifest, ManifestError, ManifestIndex } from '../index.js'

const folder = await mkdtemp(join(tmpdir(), 'nemo-index-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const path = join(folder, 'manifest.json')

const line = fc.record(
  {
    audio_filepath: fc.string({ minLength: 1, unit: 'grapheme' }),
    text: fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('"duration": 5, ', '\\"duration\\":3', '{"a":1}', 'é{'),
    ),
    duration: fc.oneof(
      fc.double({ min: 0, max: 1e4, noNaN: true }),
      fc.integer({ min: 0, max: 99 }),
      fc.constant(1e-7),
    ),
    offset: fc.double({ min: 0, max: 9, noNaN: true }),
    extra: fc.constantFrom({ duration: 77 }, [1, { duration: 2 }], 'duration', null),
  },
  { requiredKeys: ['audio_filepath', 'text', 'duration'] },
)

describe('ManifestIndex', () => {
  it('has the entries of loadManifest, whatever the lines hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n\n', '\n  \n')), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (rows, endless) => {
          const text = rows.map(([row, end]) => JSON.stringify(row) + end).join('')
          await writeFile(path, endless ? text.trimEnd() : text)
          const options = { minDuration: 0.001, maxDuration: 9000 }
          const whole = await loadManifest(path, options).catch((error: unknown) => error)
          const index = await ManifestIndex.open(path, options).catch((error: unknown) => error)
          if (whole instanceof Error) {
            expect(index).toBeInstanceOf(ManifestError)
            return
          }
          const opened = index as ManifestIndex
          const { entries, report } = whole as Awaited<ReturnType<typeof loadManifest>>
          expect(opened.length).toBe(entries.length)
          expect({ ...opened.report, keptHours: 0, filteredHours: 0 }).toEqual({
            ...report,
            keptHours: 0,
            filteredHours: 0,
          })
          for (const [i, entry] of entries.entries()) {
            expect(await opened.entry(i)).toEqual({ ...entry, id: i })
            expect(opened.durationOf(i)).toBe(Math.fround(entry.duration))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('reads lines that lie across chunks, of several manifests', async () => {
    const text = 'x'.repeat(50_000)
    const row = (i: number) => `${JSON.stringify({ audio_filepath: `${i}.wav`, duration: i, text })}\n`
    await writeFile(path, Array.from({ length: 200 }, (_, i) => row(i)).join(''))
    const other = join(folder, 'other.json')
    await writeFile(other, row(7))
    const index = await ManifestIndex.open([path, other])
    expect(index.length).toBe(201)
    for (const i of [0, 83, 84, 199]) {
      const entry = await index.entry(i)
      expect([entry.duration, entry.line, entry.text?.length]).toEqual([i, i + 1, 50_000])
    }
    expect(await index.entry(200)).toMatchObject({ duration: 7, manifest: other, line: 1 })
    expect((await ManifestIndex.open(path, { maxUtts: 5 })).length).toBe(5)
  })

  it('bad lines are errors, or skipped and counted', async () => {
    await writeFile(
      path,
      '{"duration": 1, "audio_filepath": "a", "text": ""}\n{"text": "b"}\nnonsense\n{"duration": -1}\n',
    )
    await expect(ManifestIndex.open(path)).rejects.toThrow(/manifest.json:2.*"duration".*none/)
    const { report, length } = await ManifestIndex.open(path, { onBadLine: 'skip' })
    expect([length, report.badLines]).toEqual([1, 3])
    await writeFile(path, '{"duration": 1, "text": ""}\n')
    const index = await ManifestIndex.open(path)
    await expect(index.entry(0)).rejects.toThrow(/audio_filename/)
  })
})
