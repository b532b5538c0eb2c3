import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mixChannels, readAudio, streamAudio, writeWav } from './index.js'

const folder = await mkdtemp(join(tmpdir(), 'nemo-stream-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const stereo = join(folder, 'stereo.wav')
const channels = [0, 1].map((c) => Float32Array.from({ length: 9001 }, (_, t) => 0.4 * Math.sin((t * (c + 1)) / 9)))
await writeWav(stereo, { sampleRate: 8000, channels }, { encoding: 'float32' })

async function joined(blocks: AsyncIterable<Float32Array>): Promise<number[]> {
  const samples: number[] = []
  for await (const block of blocks) samples.push(...block)
  return samples
}

describe('streamAudio', () => {
  it.each([8000, 16000, 11025])('gives what readAudio gives, at %i Hz', async (sampleRate) => {
    const { samples } = await readAudio(stereo, { sampleRate })
    for (const blockSeconds of [0.01, 0.3, 10])
      expect(await joined(streamAudio(stereo, { sampleRate, blockSeconds }))).toEqual([...samples])
  })

  it('reads a part of a channel', async () => {
    const options = { sampleRate: 8000, offset: 0.5, duration: 0.25 }
    const part = await joined(streamAudio(stereo, { ...options, channels: 1, blockSeconds: 0.1 }))
    expect(part).toEqual([...channels[1]!.subarray(4000, 6000)])
  })

  it('refuses an offset past the end, negative times and a channel that is not there', async () => {
    const read = (options: object) => joined(streamAudio(stereo, { sampleRate: 8000, ...options }))
    await expect(read({ offset: 2 })).rejects.toThrow(/past the end/)
    await expect(read({ duration: -1 })).rejects.toThrow(/duration/)
    await expect(read({ channels: 2 })).rejects.toThrow(/channel 2/)
  })

  it('an empty file is an error', async () => {
    const path = join(folder, 'empty.wav')
    await writeWav(path, { sampleRate: 8000, channels: [new Float32Array(0)] })
    await expect(joined(streamAudio(path, { sampleRate: 8000 }))).rejects.toThrow(/without samples/)
  })
})

describe('mixChannels', () => {
  const clip = { sampleRate: 8, channels: [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(3, 3)] }

  it('takes one channel, the mean of some, or of all', () => {
    expect([...mixChannels(clip, 1)]).toEqual([0, 1])
    expect([...mixChannels(clip, [0, 1])]).toEqual([0.5, 0.5])
    expect(mixChannels(clip)[0]).toBeCloseTo(4 / 3)
  })

  it('refuses an empty list', () => {
    expect(() => mixChannels(clip, [])).toThrow(/list/)
  })
})
