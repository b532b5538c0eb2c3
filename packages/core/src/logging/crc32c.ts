// Castagnoli's polynomial, reflected.
const POLYNOMIAL = 0x82f63b78

let table: Uint32Array | undefined

function makeTable(): Uint32Array {
  const values = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    values[byte] = value
  }
  return values
}

/** CRC-32C (Castagnoli) of the bytes, as an unsigned 32-bit number. RFC 3720, appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  table ??= makeTable()
  let crc = 0xffffffff
  for (let index = 0; index < bytes.length; index += 1) {
    crc = table[(crc ^ bytes[index]!) & 0xff]! ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
