/** A member to be written to a tar archive. */
export interface TarMember {
  /** Name within the archive. Names ending in `/` are folders. */
  readonly name: string
  /** Contents, in parts. Default none. */
  readonly contents?: readonly Uint8Array[]
}

const BLOCK = 512
/** tar programs write whole records of 20 blocks. */
const RECORD = 20 * BLOCK
const NAME_BYTES = 100
/** The largest size that eleven octal digits hold, plus one. */
const MAX_OCTAL_SIZE = 8 ** 11

const encoder = new TextEncoder()

/**
 * A tar archive in the pax format, in parts. Times, owners and modes are fixed, so equal contents give equal bytes.
 *
 * Source: POSIX.1-2001 pax interchange format.
 */
export function* tarChunks(members: Iterable<TarMember>): Generator<Uint8Array> {
  let written = 0
  for (const { name, contents = [] } of members) {
    const size = contents.reduce((sum, part) => sum + part.length, 0)
    const attributes: [string, string][] = []
    const nameBytes = encoder.encode(name)
    if (nameBytes.length > NAME_BYTES || nameBytes.length !== name.length) attributes.push(['path', name])
    if (size >= MAX_OCTAL_SIZE) attributes.push(['size', String(size)])
    if (attributes.length > 0) {
      const data = encoder.encode(attributes.map(([key, value]) => paxRecord(key, value)).join(''))
      yield header({ name: encoder.encode('./PaxHeaders/member'), size: data.length, type: 'x' })
      yield data
      yield padding(data.length)
      written += BLOCK + data.length + padding(data.length).length
    }
    yield header({
      name: nameBytes.subarray(0, NAME_BYTES),
      size: size >= MAX_OCTAL_SIZE ? 0 : size,
      type: name.endsWith('/') ? '5' : '0',
    })
    yield* contents
    yield padding(size)
    written += BLOCK + size + padding(size).length
  }
  const end = 2 * BLOCK
  yield new Uint8Array(Math.ceil((written + end) / RECORD) * RECORD - written)
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

/** A record whose length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length
  let length = rest
  while (rest + String(length).length !== length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

function header({ name, size, type }: { name: Uint8Array; size: number; type: string }): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const put = (at: number, value: string) => block.set(encoder.encode(value), at)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  block.set(name, 0)
  put(100, octal(type === '5' ? 0o755 : 0o644, 7))
  put(108, octal(0, 7)) // user
  put(116, octal(0, 7)) // group
  put(124, octal(size, 11))
  put(136, octal(0, 11)) // time
  put(148, ' '.repeat(8))
  put(156, type)
  put(257, 'ustar\x0000')
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return block
}
