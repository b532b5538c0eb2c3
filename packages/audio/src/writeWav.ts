import { toPath, writeBytes } from '#fileSystem'
import type { AudioClip } from './audioClip.js'
import { AudioSegment } from './audioSegment.js'
import { type EncodeWavOptions, encodeWav } from './wavEncode.js'

/**
 * Writes a clip or segment as a WAV file, whole or not at all; missing folders are made.
 *
 * @throws AudioFileError when the file cannot be written, AudioArgumentError as {@link encodeWav}.
 */
export async function writeWav(
  path: string | URL,
  audio: AudioClip | AudioSegment,
  options: EncodeWavOptions = {},
): Promise<void> {
  const clip = audio instanceof AudioSegment ? { sampleRate: audio.sampleRate, channels: [audio.samples] } : audio
  await writeBytes(toPath(path), [encodeWav(clip, options)])
}
