/** Bytes of a chunk, padded to an even length. */
export function chunk(id: string, body: readonly number[] | Uint8Array, declaredLength?: number): number[] {
  const length = declaredLength ?? body.length
  return [...ascii(id), ...u32(length), ...body, ...(body.length % 2 === 1 ? [0] : [])]
}

/** A RIFF file of these chunks. */
export function riff(chunks: readonly number[][], options: { id?: string; size?: number } = {}): Uint8Array {
  const body = chunks.flat()
  return Uint8Array.from([
    ...ascii(options.id ?? 'RIFF'),
    ...u32(options.size ?? body.length + 4),
    ...ascii('WAVE'),
    ...body,
  ])
}

/** A "fmt " chunk; with `subFormat` a WAVE_FORMAT_EXTENSIBLE one. */
export function fmt(options: {
  tag?: number
  channels?: number
  sampleRate?: number
  bits?: number
  blockAlign?: number
  subFormat?: number
  validBits?: number
}): number[] {
  const { tag = 1, channels = 1, sampleRate = 8000, bits = 16 } = options
  const blockAlign = options.blockAlign ?? (channels * bits) / 8
  const plain = [
    ...u16(options.subFormat === undefined ? tag : 0xfffe),
    ...u16(channels),
    ...u32(sampleRate),
    ...u32(sampleRate * blockAlign),
    ...u16(blockAlign),
    ...u16(bits),
  ]
  if (options.subFormat === undefined) return chunk('fmt ', plain)
  const guidTail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]
  return chunk('fmt ', [
    ...plain,
    ...u16(22),
    ...u16(options.validBits ?? bits),
    ...u32(0),
    ...u16(options.subFormat),
    ...guidTail,
  ])
}

export function u16(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff]
}

export function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)]
}

export function ascii(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0))
}
