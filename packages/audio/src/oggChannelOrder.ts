/**
 * Vorbis and Opus (mapping family 1) put the centre second and the low-frequency channel last. For each channel count,
 * where WAV's and FLAC's channels stand in that order.
 *
 * Source: Vorbis I specification 4.3.9, RFC 7845 5.1.1.2; WAVEFORMATEXTENSIBLE dwChannelMask.
 */
const WAV_ORDER: Readonly<Record<number, readonly number[]>> = {
  3: [0, 2, 1],
  5: [0, 2, 1, 3, 4],
  6: [0, 2, 1, 5, 3, 4],
  7: [0, 2, 1, 6, 5, 3, 4],
  8: [0, 2, 1, 7, 5, 6, 3, 4],
}

/** Puts per-channel values from Vorbis order into WAV order; other counts than 3 and 5 to 8 stay as they are. */
export function toWavOrder<T>(channels: readonly T[]): T[] {
  const order = WAV_ORDER[channels.length]
  return order === undefined ? [...channels] : order.map((from) => channels[from]!)
}
