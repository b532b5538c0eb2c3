import { atomicWriteFile } from './atomicWriteFile.js'
import {
  ArchiveTruncatedError,
  CheckpointContentError,
  CheckpointFormatError,
  CheckpointLimitError,
  TensorDataError,
} from './errors.js'
import { withFile } from './fileAccess.js'
import type { StateDict } from './pythonValue.js'
import { type RandomAccess, randomAccessOf } from './randomAccess.js'
import {
  bytesOf,
  checkTensor,
  type DType,
  dataOver,
  elementBytes,
  elementCount,
  type TensorData,
} from './tensorData.js'
import { concat } from './zipWriter.js'

/** Contents of a safetensors file. */
export interface Safetensors {
  readonly tensors: StateDict
  /** Free text by key, such as `format: pt`. */
  readonly metadata: ReadonlyMap<string, string>
}

const codes = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
} as const satisfies Record<DType, string>

const dtypes = new Map<unknown, DType>(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]))

const LENGTH_BYTES = 8
/** The format's own bound on the header. */
const MAX_HEADER_BYTES = 100_000_000
const METADATA = '__metadata__'

/**
 * Reads a safetensors file: a JSON header with dtypes, shapes and offsets, then the elements.
 *
 * @param options.name - Name of the file, for messages. Default `model.safetensors`.
 * @throws CheckpointFormatError if the header is malformed; TensorDataError if dtype, shape and offsets disagree, overlap or
 * leave holes; ArchiveTruncatedError, CheckpointLimitError.
 *
 * Source: the format's specification in the safetensors repository.
 */
export function readSafetensors(bytes: Uint8Array, options: { readonly name?: string } = {}): Safetensors {
  return readSafetensorsFrom(randomAccessOf(bytes, options.name ?? 'model.safetensors'))
}

/** `readSafetensors` of a file of any size, without a second copy in memory. Node only. */
export function readSafetensorsFile(path: string): Promise<Safetensors> {
  return withFile(path, readSafetensorsFrom)
}

function readSafetensorsFrom(source: RandomAccess): Safetensors {
  const { header, dataStart } = readHeader(source)
  const metadata = readMetadata(header[METADATA], source.name)
  const dataBytes = source.byteLength - dataStart
  const entries = new Map<string, Entry>()
  for (const [name, entry] of Object.entries(header)) {
    if (name !== METADATA) entries.set(name, readEntry(entry, `${source.name}: tensor ${JSON.stringify(name)}`))
  }
  checkCoverage(entries, dataBytes, source.name)
  const tensors: StateDict = new Map()
  for (const [name, { dtype, shape, start, end }] of entries) {
    const data = dataOver(dtype, source.read(dataStart + start, dataStart + end).slice().buffer)
    tensors.set(name, { dtype, shape, data })
  }
  return { tensors, metadata }
}

/** The specification allows neither overlaps nor holes: a hole may hide data, an overlap is an attack or a bug. */
function checkCoverage(entries: ReadonlyMap<string, Entry>, dataBytes: number, file: string): void {
  const inFile = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)
  let covered = 0
  for (const [name, { start, end }] of inFile) {
    const what = `${file}: tensor ${JSON.stringify(name)}`
    if (start !== covered) {
      throw new TensorDataError(
        `${what} starts at byte ${start} of the data, expected ${covered}: tensors must follow each other without holes or overlaps.`,
      )
    }
    if (end > dataBytes) {
      throw new ArchiveTruncatedError(
        `${what} ends at byte ${end} of the data, but there are only ${dataBytes}. The file is cut short; copy or download it again.`,
      )
    }
    covered = end
  }
  if (covered !== dataBytes) {
    throw new TensorDataError(`${file}: ${dataBytes - covered} bytes at the end of the file belong to no tensor.`)
  }
}

function readHeader(source: RandomAccess): { header: Record<string, unknown>; dataStart: number } {
  const prefix = source.read(0, LENGTH_BYTES)
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new CheckpointLimitError(
      `${source.name}: expected a safetensors header of at most ${MAX_HEADER_BYTES} bytes, found a length of ${length}. Is this a safetensors file?`,
    )
  }
  const dataStart = LENGTH_BYTES + Number(length)
  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(source.read(LENGTH_BYTES, dataStart))
    header = JSON.parse(text)
    if (!text.startsWith('{')) header = undefined
  } catch (cause) {
    if (cause instanceof ArchiveTruncatedError) throw cause
    throw new CheckpointFormatError(
      `${source.name}: the safetensors header is not JSON (${(cause as Error).message}).`,
      { cause },
    )
  }
  if (!isRecord(header))
    throw new CheckpointFormatError(`${source.name}: expected a JSON object as safetensors header.`)
  return { header, dataStart }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readMetadata(value: unknown, name: string): Map<string, string> {
  if (value === undefined) return new Map()
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new CheckpointFormatError(`${name}: expected ${METADATA} to be an object of strings.`)
  }
  return new Map(Object.entries(value as Record<string, string>))
}

interface Entry {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly start: number
  readonly end: number
}

function readEntry(entry: unknown, what: string): Entry {
  if (!isRecord(entry))
    throw new CheckpointFormatError(`${what}: expected an object with dtype, shape and data_offsets.`)
  const dtype = dtypes.get(entry.dtype)
  if (!dtype) {
    throw new TensorDataError(
      `${what}: expected one of the dtypes ${[...dtypes.keys()].join(', ')}, found ${JSON.stringify(entry.dtype)}.`,
    )
  }
  const shape = integers(entry.shape)
  const offsets = integers(entry.data_offsets)
  if (!shape || !offsets || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new CheckpointFormatError(
      `${what}: expected shape and data_offsets to be lists of non-negative integers in order.`,
    )
  }
  const [start, end] = offsets as [number, number]
  const bytes = elementCount(shape, what) * elementBytes(dtype)
  if (end - start !== bytes) {
    throw new TensorDataError(
      `${what}: shape [${shape.join(', ')}] of ${dtype} needs ${bytes} bytes, found ${end - start}.`,
    )
  }
  return { dtype, shape, start, end }
}

function integers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0) ? value : undefined
}

/**
 * Writes tensors in the safetensors format, wider elements first so that all are aligned. Equal contents give equal bytes.
 *
 * @param metadata - Free text by key. Default none.
 * @throws TensorDataError for inconsistent tensors; CheckpointContentError for the reserved name `__metadata__`.
 */
export function writeSafetensors(tensors: StateDict, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  return concat(safetensorsChunks(tensors, metadata))
}

/** `writeSafetensors` into a file, atomically, without a second copy in memory. Node only. */
export async function writeSafetensorsFile(
  path: string,
  tensors: StateDict,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  await atomicWriteFile(path, safetensorsChunks(tensors, metadata))
}

function safetensorsChunks(tensors: StateDict, metadata: ReadonlyMap<string, string>): Uint8Array[] {
  for (const [name, tensor] of tensors) {
    checkTensor(tensor, `Tensor ${JSON.stringify(name)}`)
    if (name === METADATA) throw new CheckpointContentError(`The name ${METADATA} is reserved; rename the tensor.`)
  }
  const inFile = [...tensors].sort(([, a], [, b]) => elementBytes(b.dtype) - elementBytes(a.dtype))
  let at = 0
  const starts = new Map<string, number>()
  for (const [name, tensor] of inFile) {
    starts.set(name, at)
    at += tensor.data.byteLength
  }
  // The header keeps the order of the state dict; only the elements are sorted.
  const entries = Array.from(tensors, ([name, tensor]) => jsonEntry(name, tensor, starts.get(name) as number))
  if (metadata.size > 0) entries.unshift(`${JSON.stringify(METADATA)}:${jsonOfText(metadata)}`)
  const json = new TextEncoder().encode(`{${entries.join(',')}}`)
  const header = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20)
  header.set(json)
  const length = new DataView(new ArrayBuffer(LENGTH_BYTES))
  length.setBigUint64(0, BigInt(header.length), true)
  return [new Uint8Array(length.buffer), header, ...inFile.map(([, tensor]) => bytesOf(tensor))]
}

function jsonEntry(name: string, { dtype, shape, data }: TensorData, start: number): string {
  const end = start + data.byteLength
  return `${JSON.stringify(name)}:${JSON.stringify({ dtype: codes[dtype], shape, data_offsets: [start, end] })}`
}

function jsonOfText(texts: ReadonlyMap<string, string>): string {
  return `{${Array.from(texts, ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`
}
