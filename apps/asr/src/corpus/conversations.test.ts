import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRttm } from '@nemo/asr'
import { readAudio, readManifest, writeWav } from '@nemo/audio'
import { afterAll, expect, it } from 'vitest'
import { makeConversations } from './conversations.js'

const folder = mkdtempSync(join(tmpdir(), 'nemo-conversations-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('conversations have turns of different people, and say where they are', async () => {
  const dataDir = join(folder, 'recordings')
  mkdirSync(dataDir)
  for (const [s, speaker] of ['ann', 'bob', 'cyd'].entries())
    for (let digit = 0; digit < 10; digit++)
      for (const index of [0, 9]) {
        const samples = Float32Array.from({ length: 2400 }, (_, t) => 0.3 * Math.sin((0.1 + 0.2 * s) * t))
        await writeWav(join(dataDir, `${digit}_${speaker}_${index}.wav`), { sampleRate: 8000, channels: [samples] })
      }
  const parameters = { conversations: 2, seconds: 12, speakers: [2, 3] as [number, number] }
  const make = () => makeConversations({ dataDir, dir: join(folder, 'talk'), parameters })
  const made = await make()
  expect(made.conversations.length).toBe(2)
  let turns = 0
  for (const { audioFile, rttmFile, speakers } of made.conversations) {
    const segments = parseRttm(readFileSync(rttmFile, 'utf8'))
    turns += segments.length
    expect(new Set(segments.map(({ speaker }) => speaker)).size).toBe(speakers)
    const { samples } = await readAudio(audioFile)
    for (const [i, { start, duration, speaker }] of segments.entries()) {
      const next = segments[i + 1]
      expect(start + duration).toBeLessThanOrEqual(next?.start ?? samples.length / 8000)
      expect(next?.speaker).not.toBe(speaker)
      // Loud within, quiet just before.
      const level = (from: number) => Math.max(...samples.subarray(from * 8000, from * 8000 + 400).map(Math.abs))
      expect(level(start + 0.05)).toBeGreaterThan(0.15)
      expect(level(start - 0.06)).toBeLessThan(0.02)
    }
  }
  const lines = []
  for await (const line of readManifest(made.speechManifest, { target: 'none' })) lines.push(line)
  expect(lines.length).toBe(turns)
  expect((await make()).reused).toBe(true)
  await expect(
    makeConversations({ dataDir, dir: join(folder, 'more'), parameters: { speakers: [2, 4] } }),
  ).rejects.toThrow('there are 3 people')
})
