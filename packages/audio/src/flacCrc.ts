const CRC8_POLYNOMIAL = 0x07
const CRC16_POLYNOMIAL = 0x8005

let crc8Table: Uint8Array | undefined
let crc16Table: Uint16Array | undefined

/** CRC-8 of FLAC frame headers over `bytes[start, end)`. Source: RFC 9639. */
export function crc8(bytes: Uint8Array, start: number, end: number): number {
  crc8Table ??= Uint8Array.from({ length: 256 }, (_, byte) => remainder(byte, CRC8_POLYNOMIAL, 8))
  let crc = 0
  for (let i = start; i < end; i++) crc = crc8Table[crc ^ bytes[i]!]!
  return crc
}

/** CRC-16 of FLAC frames over `bytes[start, end)`. Source: RFC 9639. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  crc16Table ??= Uint16Array.from({ length: 256 }, (_, byte) => remainder(byte, CRC16_POLYNOMIAL, 16))
  let crc = 0
  for (let i = start; i < end; i++) crc = ((crc << 8) & 0xffff) ^ crc16Table[(crc >> 8) ^ bytes[i]!]!
  return crc
}

function remainder(byte: number, polynomial: number, width: number): number {
  let crc = byte << (width - 8)
  for (let bit = 0; bit < 8; bit++) {
    crc = (crc & (1 << (width - 1))) !== 0 ? (crc << 1) ^ polynomial : crc << 1
  }
  return crc & (2 ** width - 1)
}
