import { openFile, toPath } from '#fileSystem'
import { clipDuration } from './audioClip.js'
import { BitReader } from './bitReader.js'
import { isFlac, parseStreamInfoBlock } from './flacDecode.js'
import { readAudioClip } from './readAudio.js'
import { isWav, parseWavHeader } from './wavHeader.js'

/** What is known of a recording without its samples. */
export interface AudioInfo {
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: number
  /** Length in seconds. */
  readonly duration: number
}

// "fLaC", a block header of 4 bytes, and the stream's description, which is always first.
const FLAC_HEAD_BYTES = 42

/**
 * Rate, channels and length of an audio file. Of WAV and FLAC files only the header is read; others are decoded.
 *
 * @throws AudioFileError, AudioFormatError, AudioTruncatedError.
 */
export async function readAudioInfo(path: string | URL): Promise<AudioInfo> {
  const source = toPath(path)
  const file = await openFile(source)
  try {
    const head = await file.read(0, FLAC_HEAD_BYTES)
    if (isWav(head)) {
      const { sampleRate, channels, frames } = await parseWavHeader(file, { source })
      return { sampleRate, channels, duration: frames / sampleRate }
    }
    const flac = flacInfo(head, source)
    if (flac) return flac
  } finally {
    await file.close()
  }
  const clip = await readAudioClip(source)
  return { sampleRate: clip.sampleRate, channels: clip.channels.length, duration: clipDuration(clip) }
}

/** Undefined where it is no FLAC, or one that does not tell its length. */
function flacInfo(head: Uint8Array, source: string): AudioInfo | undefined {
  if (head.length < FLAC_HEAD_BYTES || !isFlac(head) || (head[4]! & 0x7f) !== 0) return undefined
  const { sampleRate, channels, totalSamples } = parseStreamInfoBlock(new BitReader(head, 8), source)
  return totalSamples === 0 ? undefined : { sampleRate, channels, duration: totalSamples / sampleRate }
}
