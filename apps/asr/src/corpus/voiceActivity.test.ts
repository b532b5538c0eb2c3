import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAudio, readManifest } from '@nemo/audio'
import { afterAll, expect, it } from 'vitest'
import { CorpusOptionError } from './errors.js'
import { makeVoiceActivity } from './voiceActivity.js'

const folder = mkdtempSync(join(tmpdir(), 'nemo-voice-activity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('clips of speech and of its absence, half each, the same bytes for the same parameters', async () => {
  const parameters = { streams: { train: 2, dev: 1 }, seconds: 6, windows: 12, sentences: 4, invented_speakers: 1 }
  const first = await makeVoiceActivity({ dir: join(folder, 'a'), parameters })
  const second = await makeVoiceActivity({ dir: join(folder, 'b'), parameters })
  expect(second.contentHash).toBe(first.contentHash)
  const labels: string[] = []
  for await (const { audioFile, offset, duration, label } of readManifest(join(folder, 'a', 'train_manifest.json'), {
    target: 'label',
  })) {
    labels.push(String(label))
    expect((await readAudio(audioFile, { offset, duration })).samples.length).toBeGreaterThanOrEqual(2479)
  }
  expect(labels.filter((label) => label === 'speech').length).toBe(12)
  expect(labels.length).toBe(24)
  const wrong = makeVoiceActivity({ dir: join(folder, 'c'), parameters: { seconds: 0 } })
  await expect(wrong).rejects.toThrow(CorpusOptionError)
}, 60_000)
