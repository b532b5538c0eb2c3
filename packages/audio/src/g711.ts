/** One A-law byte as a 16-bit linear sample. Source: ITU-T G.711. */
export function decodeALaw(code: number): number {
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 7
  const mantissa = ((bits & 0x0f) << 4) + 8
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1)
  return (bits & 0x80) !== 0 ? magnitude : -magnitude
}

/** One mu-law byte as a 16-bit linear sample. Source: ITU-T G.711. */
export function decodeMuLaw(code: number): number {
  const bits = ~code
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84
  return (bits & 0x80) !== 0 ? -magnitude : magnitude
}
