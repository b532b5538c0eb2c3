import { CheckpointContentError } from './errors.js'

/** Deepest nesting that is written; Python's own unpickler has no limit, but its users' recursive code has. */
const MAX_DEPTH = 500

const encoder = new TextEncoder()

/**
 * Writes a pickle of protocol 2 with the opcodes that PyTorch's `weights_only` unpickler accepts.
 *
 * One method per kind of Python object; containers are written as an empty one that `items` fills. Objects
 * that occur twice are written once and recalled, so shared lists stay shared.
 */
export class Pickler {
  private bytes = new Uint8Array(1024)
  private size = 0
  private readonly memo = new Map<unknown, number>()
  private depth = 0

  constructor() {
    this.op(0x80, 2)
  }

  /** Ends the pickle and returns its bytes. */
  finish(): Uint8Array {
    this.op(0x2e)
    return this.bytes.slice(0, this.size)
  }

  none(): void {
    this.op(0x4e)
  }

  boolean(value: boolean): void {
    this.op(value ? 0x88 : 0x89)
  }

  int(value: number | bigint): void {
    const big = BigInt(value)
    if (big >= 0n && big < 0x100n) this.op(0x4b, Number(big))
    else if (big >= 0n && big < 0x10000n) this.op(0x4d, Number(big & 0xffn), Number(big >> 8n))
    else if (big >= -0x80000000n && big < 0x80000000n) {
      this.op(0x4a)
      this.uint32(Number(BigInt.asUintN(32, big)))
    } else this.long(big)
  }

  private long(value: bigint): void {
    // Two's complement, little-endian, with room for the sign bit.
    let length = 1
    while (BigInt.asIntN(8 * length, value) !== value) length++
    if (length < 256) this.op(0x8a, length)
    else {
      this.op(0x8b)
      this.uint32(length)
    }
    let rest = BigInt.asUintN(8 * length, value)
    for (let i = 0; i < length; i++, rest >>= 8n) this.op(Number(rest & 0xffn))
  }

  float(value: number): void {
    this.op(0x47)
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value, false)
    this.put(bytes)
  }

  string(value: string): void {
    const key = `text ${value}` // apart from the keys of globals
    if (this.recall(key)) return
    if (/\p{Surrogate}/u.test(value)) {
      throw new CheckpointContentError(
        `The text ${JSON.stringify(value)} holds half a surrogate pair, which UTF-8 cannot express.`,
      )
    }
    const bytes = encoder.encode(value)
    this.op(0x58)
    this.uint32(bytes.length)
    this.put(bytes)
    this.remember(key)
  }

  /** A class or function, by module and name. */
  global(module: string, name: string): void {
    const key = `global ${module}\n${name}`
    if (this.recall(key)) return
    this.op(0x63)
    this.put(encoder.encode(`${module}\n${name}\n`))
    this.remember(key)
  }

  /** A tuple of what `items` writes. */
  tuple(items: () => void): void {
    this.op(0x28)
    this.nested(items)
    this.op(0x74)
  }

  emptyTuple(): void {
    this.op(0x29)
  }

  emptyList(): void {
    this.op(0x5d)
  }

  emptyDict(): void {
    this.op(0x7d)
  }

  /** Appends what `items` writes to the list on top. */
  appends(items: () => void): void {
    this.op(0x28)
    this.nested(items)
    this.op(0x65)
  }

  /** Sets what `items` writes, key and value in turn, on the dict on top. */
  setItems(items: () => void): void {
    this.op(0x28)
    this.nested(items)
    this.op(0x75)
  }

  /** Calls the function below the tuple on top. */
  reduce(): void {
    this.op(0x52)
  }

  /** Sets the state on top on the object below it. */
  build(): void {
    this.op(0x62)
  }

  /** Replaces the persistent id on top by the object that it stands for. */
  persistentId(): void {
    this.op(0x51)
  }

  /** Recalls an object that was remembered; false if it was not. */
  recall(key: unknown): boolean {
    const index = this.memo.get(key)
    if (index === undefined) return false
    if (index < 256) this.op(0x68, index)
    else {
      this.op(0x6a)
      this.uint32(index)
    }
    return true
  }

  /** Remembers the object on top under `key`. */
  remember(key: unknown): void {
    const index = this.memo.size
    this.memo.set(key, index)
    if (index < 256) this.op(0x71, index)
    else {
      this.op(0x72)
      this.uint32(index)
    }
  }

  private nested(items: () => void): void {
    if (++this.depth > MAX_DEPTH) {
      throw new CheckpointContentError(
        `The value is nested more than ${MAX_DEPTH} deep, or a tuple contains itself. Flatten it.`,
      )
    }
    items()
    this.depth--
  }

  private uint32(value: number): void {
    this.op(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24)
  }

  private op(...bytes: number[]): void {
    this.put(bytes)
  }

  private put(bytes: ArrayLike<number>): void {
    if (this.size + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.size + bytes.length))
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.set(bytes, this.size)
    this.size += bytes.length
  }
}
