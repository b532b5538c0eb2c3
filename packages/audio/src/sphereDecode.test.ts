import { describe, expect, it } from 'vitest'
import { decodeAudio, detectAudioFormat } from './index.js'

/** A SPHERE file of given fields and samples. */
function sphere(fields: readonly string[], data: Uint8Array): Uint8Array {
  const header = `NIST_1A\n   1024\n${fields.join('\n')}\nend_head\n`.padEnd(1024, ' ')
  return Uint8Array.from([...new TextEncoder().encode(header), ...data])
}
const pcm = [
  'channel_count -i 2',
  'sample_rate -i 16000',
  'sample_count -i 3',
  'sample_n_bytes -i 2',
  'sample_coding -s3 pcm',
]

describe('NIST SPHERE', () => {
  it.each([
    ['01', (i: number) => [i & 0xff, (i >> 8) & 0xff]],
    ['10', (i: number) => [(i >> 8) & 0xff, i & 0xff]],
  ])('16-bit PCM of byte order %s', async (order, bytesOf) => {
    const bytes = sphere(
      [...pcm, `sample_byte_format -s2 ${order}`],
      Uint8Array.from([1, -2, 16384, 0, -32768, 5].flatMap(bytesOf)),
    )
    expect(detectAudioFormat(bytes)).toBe('sphere')
    const { sampleRate, channels } = await decodeAudio(bytes)
    expect(sampleRate).toBe(16000)
    expect(channels.map((samples) => [...samples])).toEqual([
      [1 / 32768, 0.5, -1],
      [-2 / 32768, 0, 5 / 32768],
    ])
  })

  it('mu-law', async () => {
    const bytes = sphere(
      ['sample_rate -i 8000', 'sample_count -i 2', 'sample_coding -s4 ulaw'],
      Uint8Array.of(0xff, 0x80),
    )
    const { channels } = await decodeAudio(bytes)
    expect([...channels[0]!]).toEqual([0, 32124 / 32768])
  })

  it('files that end early, and Shorten, are refused', async () => {
    await expect(decodeAudio(sphere(pcm, new Uint8Array(5)), { source: 'a.sph' })).rejects.toThrow(/a.sph.*12 bytes.*5/)
    const { channels } = await decodeAudio(sphere(pcm, new Uint8Array(5)), { allowTruncated: true })
    expect(channels[0]!.length).toBe(1)
    const shorten = sphere([...pcm.slice(0, 4), 'sample_coding -s26 pcm,embedded-shorten-v2.00'], new Uint8Array(12))
    await expect(decodeAudio(shorten)).rejects.toThrow(/embedded-shorten/)
    await expect(decodeAudio(sphere(['sample_count -i 2'], new Uint8Array(4)))).rejects.toThrow(/sample_rate/)
  })
})
