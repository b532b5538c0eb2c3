import { crc32c } from './crc32c.js'

/** TensorFlow stores checksums rotated and shifted, so that a checksum of data with checksums stays useful. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

const HEADER = 12
const FOOTER = 4

/** Frames data as one TFRecord: length (uint64), its masked CRC-32C, the data, its masked CRC-32C; little-endian. */
export function encodeTFRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER + data.length + FOOTER)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true)
  record.set(data, HEADER)
  view.setUint32(HEADER + data.length, maskedCrc(data), true)
  return record
}

/**
 * Reads the records of a TFRecord file. A record cut off at the end (the writer was killed) ends the reading quietly.
 *
 * @throws Error for a wrong checksum.
 */
export function decodeTFRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const records: Uint8Array[] = []
  let offset = 0
  while (offset + HEADER + FOOTER <= file.length) {
    const length = Number(view.getBigUint64(offset, true))
    if (view.getUint32(offset + 8, true) !== maskedCrc(file.subarray(offset, offset + 8))) {
      throw new Error(
        `TFRecord ${records.length} at byte ${offset}: the length's checksum is wrong; the file is damaged`,
      )
    }
    const start = offset + HEADER
    if (start + length + FOOTER > file.length) break
    const data = file.subarray(start, start + length)
    if (view.getUint32(start + length, true) !== maskedCrc(data)) {
      throw new Error(`TFRecord ${records.length} at byte ${offset}: the data's checksum is wrong; the file is damaged`)
    }
    records.push(data)
    offset = start + length + FOOTER
  }
  return records
}
