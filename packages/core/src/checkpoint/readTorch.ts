import {
  ArchiveMissingError,
  CheckpointFormatError,
  CheckpointLimitError,
  PickleError,
  TensorDataError,
} from './errors.js'
import { withFile } from './fileAccess.js'
import { type CheckpointLimits, completeLimits } from './limits.js'
import { OpaqueObject, OrderedDict, type PythonValue } from './pythonValue.js'
import { type RandomAccess, randomAccessOf } from './randomAccess.js'
import { isTar } from './tarReader.js'
import type { TensorData } from './tensorData.js'
import { StorageClass, torchGlobals } from './torchGlobals.js'
import {
  checkLayout,
  gather,
  type PendingTensor,
  pendingTensor,
  type TensorLayout,
  TorchStorage,
} from './torchStorage.js'
import { PickleCallable, unpickle } from './unpickler.js'
import { isZip, readZip, type ZipEntry } from './zipReader.js'

/** How a PyTorch checkpoint is read. */
export interface ReadTorchOptions {
  /** Name of the file, for messages. Default `checkpoint`. */
  readonly name?: string
  /**
   * Python modules, or dotted names of classes, whose objects become `OpaqueObject`s instead of an error; nothing
   * of them is executed. Default none; `lightningModules` suits Lightning's `.ckpt` files.
   */
  readonly opaque?: readonly string[]
  readonly limits?: Partial<CheckpointLimits>
}

/**
 * Reads what `torch.save` wrote: the ZIP layout of PyTorch 1.6 and later, or the layout before it.
 *
 * Only tensors and plain values are built; every other Python class or function is refused by name, and none is
 * ever executed. Tensors are copied into C order; equal views of one storage share their elements, as tied weights do.
 *
 * @throws CheckpointFormatError if it is another kind of file; PickleRefusedError if it names other classes;
 * ArchiveTruncatedError, ArchiveCorruptError, PickleError, TensorDataError if it is damaged; CheckpointLimitError.
 *
 * Source: torch.serialization.
 */
export function readTorch(bytes: Uint8Array, options: ReadTorchOptions = {}): PythonValue {
  return readTorchFrom(randomAccessOf(bytes, options.name ?? 'checkpoint'), options)
}

/** `readTorch` of a file of any size; only one storage at a time is held beside the tensors. Node only. */
export function readTorchFile(path: string, options: ReadTorchOptions = {}): Promise<PythonValue> {
  return withFile(path, (source) => readTorchFrom(source, options))
}

/** `readTorch` from a part of a larger file. */
export function readTorchFrom(source: RandomAccess, options: ReadTorchOptions = {}): PythonValue {
  if (isZip(source)) return readZipLayout(source, options)
  if (isTar(source)) {
    throw new CheckpointFormatError(
      `${source.name}: expected a PyTorch checkpoint, found a tar archive. Read .nemo files with readNemo; checkpoints of torch < 0.1.10 are not supported: load and save them with torch 1.x.`,
    )
  }
  const start = source.read(0, Math.min(source.byteLength, MAGIC.length))
  if (start.length === MAGIC.length && MAGIC.every((byte, i) => start[i] === byte))
    return readLegacyLayout(source, options)
  throw new CheckpointFormatError(
    `${source.name}: expected a PyTorch checkpoint (a ZIP archive, or a pickle with PyTorch's magic number), found a file that begins with ${hex(start)}.`,
  )
}

/** The pickled magic number 0x1950a86a20f9469cfc6c that begins the layout before PyTorch 1.6. */
const MAGIC = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
const LEGACY_PROTOCOL = 1001
/** Version of the ZIP layout that PyTorch has written since 1.6. */
const MAX_ZIP_VERSION = 4

function hex(bytes: Uint8Array): string {
  return bytes.length === 0
    ? 'nothing'
    : Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ')
}

/** Tensors met in a pickle, and the elements that they wait for. */
class TensorCollector {
  readonly storages = new Map<string, TorchStorage[]>()
  private readonly pending: PendingTensor[] = []
  private tensorBytes = 0

  constructor(
    private readonly name: string,
    private readonly maxTensorBytes: number,
  ) {}

  addStorage(storage: TorchStorage): void {
    const known = this.storages.get(storage.key)
    if (known) known.push(storage)
    else this.storages.set(storage.key, [storage])
  }

  makeTensor = (layout: TensorLayout) => {
    this.tensorBytes += checkLayout(layout, this.name)
    if (this.tensorBytes > this.maxTensorBytes) {
      throw new CheckpointLimitError(
        `${this.name}: the tensors take more than ${this.maxTensorBytes} bytes. If the file is trustworthy, raise maxTensorBytes.`,
      )
    }
    const pending = pendingTensor(layout)
    this.pending.push(pending)
    return pending.tensor
  }

  private gather(layout: TensorLayout, bytes: Uint8Array, bigEndian: boolean): TensorData['data'] {
    try {
      return gather(layout, bytes, bigEndian)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new CheckpointLimitError(
        `${this.name}: cannot allocate a tensor of shape [${layout.shape.join(', ')}] (${cause.message}).`,
      )
    }
  }

  /** Fills the tensors, storage by storage, so that no more than one storage is in memory beside them. */
  fill(storedBytes: (key: string) => Uint8Array, bigEndian: boolean): void {
    const byKey = new Map<string, PendingTensor[]>()
    for (const pending of this.pending) {
      const { key } = pending.layout.storage
      const group = byKey.get(key)
      if (group) group.push(pending)
      else byKey.set(key, [pending])
    }
    for (const [key, group] of byKey) {
      const bytes = storedBytes(key)
      const shared = new Map<string, TensorData['data']>()
      for (const { layout, fill } of group) {
        const { dtype, offset, shape, strides, storage } = layout
        const view = JSON.stringify([dtype, storage.byteOffset, offset, shape, strides])
        let data = shared.get(view)
        if (data === undefined) {
          data = this.gather(layout, bytes, bigEndian)
          shared.set(view, data)
        }
        fill(data)
      }
    }
  }
}

/** Reads a persistent id: ('storage', class, key, location, elements[, view of another storage]). */
function loadStorage(id: unknown, name: string): TorchStorage {
  const [kind, type, key, , length, view] = Array.isArray(id) ? id : []
  if (kind !== 'storage' || !(type instanceof StorageClass) || typeof key !== 'string' || !isCount(length)) {
    throw new PickleError(`${name}: expected the description of a storage as persistent id, found something else.`)
  }
  const whole = new TorchStorage(key, type.dtype, length)
  if (!Array.isArray(view)) return whole
  // torch < 0.4: a storage that is a window of the one with this key.
  const [, offset, viewLength] = view
  if (!isCount(offset) || !isCount(viewLength) || offset + viewLength > length || length === 0) {
    throw new PickleError(`${name}: storage ${JSON.stringify(key)} is viewed beyond its end.`)
  }
  return new TorchStorage(key, type.dtype, viewLength, (offset * whole.byteLength) / length)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function readZipLayout(source: RandomAccess, options: ReadTorchOptions): PythonValue {
  const limits = completeLimits(options.limits)
  const entries = readZip(source, limits)
  const pickle = [...entries.keys()].filter((name) => /^[^/]*\/?data\.pkl$/.test(name))
  if (pickle.length !== 1) {
    throw new ArchiveMissingError(
      `${source.name}: expected a PyTorch checkpoint with one member NAME/data.pkl, found the members ${listNames(entries.keys())}.`,
    )
  }
  const prefix = pickle[0]!.slice(0, -'data.pkl'.length)
  if (entries.has(`${prefix}constants.pkl`)) {
    throw new CheckpointFormatError(
      `${source.name}: a TorchScript archive holds code as well as weights and is not supported. Save the model's state_dict() with torch.save.`,
    )
  }
  const text = (member: string): string | undefined => {
    const entry = entries.get(prefix + member)
    return entry && entry.size < 100 ? new TextDecoder().decode(entry.read()).trim() : undefined
  }
  const version = Number(text('version') ?? text('.data/version') ?? 3)
  if (!(version <= MAX_ZIP_VERSION)) {
    throw new CheckpointFormatError(
      `${source.name}: expected layout version ${MAX_ZIP_VERSION} or less, found ${version}.`,
    )
  }
  const byteOrder = text('byteorder') ?? 'little'
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw new CheckpointFormatError(
      `${source.name}: expected byte order little or big, found ${JSON.stringify(byteOrder)}.`,
    )
  }
  const entry = entries.get(pickle[0]!) as ZipEntry
  if (entry.size > limits.maxPickleBytes) throw pickleTooLarge(source.name, limits)

  // PyTorch 1.4 could write this layout too, with another name for the folder.
  const stored = (key: string): ZipEntry => {
    const member = entries.get(`${prefix}data/${key}`) ?? entries.get(`${prefix}tensors/${key}`)
    if (member) return member
    throw new ArchiveMissingError(`${source.name}: the elements of a tensor, member ${prefix}data/${key}, are missing.`)
  }
  let storedBytes = 0
  for (const { size } of entries.values()) storedBytes += size
  const collector = new TensorCollector(source.name, tensorLimit(limits, storedBytes))
  const { value } = unpickle(entry.read(), 0, {
    name: source.name,
    maxObjects: limits.maxPickleObjects,
    resolveGlobal: torchGlobals({
      name: source.name,
      opaque: options.opaque ?? [],
      makeTensor: collector.makeTensor,
    }),
    persistentLoad: (id) => {
      const storage = loadStorage(id, source.name)
      checkStorageSize(storage, stored(storage.key).size, source.name)
      collector.addStorage(storage)
      return storage
    },
  })
  checkPlain(value, source.name)
  collector.fill((key) => stored(key).read(), byteOrder === 'big')
  return value
}

function checkStorageSize(storage: TorchStorage, stored: number, name: string): void {
  if (storage.byteOffset + storage.byteLength > stored) {
    throw new TensorDataError(
      `${name}: storage ${storage.key} of ${storage.length} ${storage.dtype} elements needs ${storage.byteLength} bytes, found ${stored}.`,
    )
  }
}

function readLegacyLayout(source: RandomAccess, options: ReadTorchOptions): PythonValue {
  const limits = completeLimits(options.limits)
  const refuseAll = {
    name: source.name,
    maxObjects: limits.maxPickleObjects,
    resolveGlobal: torchGlobals({ name: source.name, opaque: [], makeTensor: noTensors }),
    persistentLoad: noTensors,
  }
  const readPickle = pickleReader(source, limits)
  let at = readPickle(MAGIC.length, refuseAll, (protocol) => {
    if (protocol !== LEGACY_PROTOCOL) {
      throw new CheckpointFormatError(
        `${source.name}: expected protocol version ${LEGACY_PROTOCOL}, found ${String(protocol)}.`,
      )
    }
  })
  // The system's properties: elements are little-endian whatever they say.
  at = readPickle(at, refuseAll, () => {})

  let collector: TensorCollector
  let value: unknown
  const start = at
  at = readPickle(
    start,
    () => {
      collector = new TensorCollector(source.name, tensorLimit(limits, source.byteLength))
      return {
        name: source.name,
        maxObjects: limits.maxPickleObjects,
        resolveGlobal: torchGlobals({
          name: source.name,
          opaque: options.opaque ?? [],
          makeTensor: collector.makeTensor,
        }),
        persistentLoad: (id) => {
          const storage = loadStorage(id, source.name)
          collector.addStorage(storage)
          return storage
        },
      }
    },
    (read) => {
      value = read
    },
  )
  checkPlain(value, source.name)
  let keys: readonly string[] = []
  at = readPickle(at, refuseAll, (read) => {
    if (!Array.isArray(read) || !read.every((key) => typeof key === 'string')) {
      throw new PickleError(`${source.name}: expected the list of storage keys, found something else.`)
    }
    keys = read
  })
  const places = new Map<string, { start: number; end: number }>()
  for (const key of keys) {
    const storage = collector!.storages.get(key)
    if (!storage) throw new PickleError(`${source.name}: storage ${JSON.stringify(key)} belongs to no tensor.`)
    const header = source.read(at, at + 8)
    const length = Number(new DataView(header.buffer, header.byteOffset, 8).getBigInt64(0, true))
    const { dtype } = storage[0]!
    const elementSize = new TorchStorage(key, dtype, 1).byteLength
    const end = at + 8 + length * elementSize
    if (!(length >= 0))
      throw new PickleError(`${source.name}: storage ${JSON.stringify(key)} declares ${length} elements.`)
    source.read(end, end) // within the file
    for (const each of storage) checkStorageSize(each, length * elementSize, source.name)
    places.set(key, { start: at + 8, end })
    at = end
  }
  collector!.fill((key) => {
    const place = places.get(key)
    if (!place)
      throw new ArchiveMissingError(`${source.name}: the elements of storage ${JSON.stringify(key)} are missing.`)
    return source.read(place.start, place.end)
  }, false)
  return value as PythonValue
}

type Environment = Parameters<typeof unpickle>[2]

/** Pickles stand one after the other without lengths: a window is read, and doubled while a pickle does not fit. */
function pickleReader(source: RandomAccess, limits: CheckpointLimits) {
  const firstWindow = 1 << 20
  return (at: number, environment: Environment | (() => Environment), use: (value: unknown) => void): number => {
    for (let window = firstWindow; ; window *= 4) {
      const size = Math.min(window, limits.maxPickleBytes, source.byteLength - at)
      try {
        const { value, end } = unpickle(
          source.read(at, at + size),
          0,
          typeof environment === 'function' ? environment() : environment,
        )
        use(value)
        return at + end
      } catch (cause) {
        if (!(cause instanceof PickleError) || size === source.byteLength - at) throw cause
        if (size === limits.maxPickleBytes) throw pickleTooLarge(source.name, limits)
      }
    }
  }
}

function noTensors(): never {
  throw new PickleError('A tensor stands where the layout allows none.')
}

function pickleTooLarge(name: string, limits: CheckpointLimits): CheckpointLimitError {
  return new CheckpointLimitError(
    `${name}: the pickle is larger than ${limits.maxPickleBytes} bytes. If the file is trustworthy, raise maxPickleBytes.`,
  )
}

function tensorLimit(limits: CheckpointLimits, stored: number): number {
  return limits.maxTensorBytes ?? 2 ** 26 + 16 * stored
}

function listNames(names: Iterable<string>): string {
  const all = [...names]
  const shown = all.slice(0, 10).map((name) => JSON.stringify(name))
  return all.length > shown.length
    ? `${shown.join(', ')} and ${all.length - shown.length} more`
    : shown.join(', ') || 'none'
}

/** Checks that no function, class or bare storage is left in the value. Iterative: values may be deeply nested. */
function checkPlain(value: unknown, name: string): asserts value is PythonValue {
  const seen = new Set<unknown>()
  const waiting = [value]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    if (next instanceof PickleCallable) {
      throw new PickleError(`${name}: expected values, found the class or function ${next.pythonName}.`)
    }
    if (next instanceof TorchStorage || next instanceof StorageClass) {
      throw new PickleError(`${name}: expected values, found a bare storage. Save tensors instead.`)
    }
    seen.add(next)
    if (Array.isArray(next) || next instanceof Set) for (const item of next) waiting.push(item)
    if (next instanceof Map) for (const [key, item] of next) waiting.push(key, item)
    if (next instanceof OrderedDict) waiting.push(next.attributes)
    if (next instanceof OpaqueObject) waiting.push(next.args, next.state, next.items, next.entries)
  }
}
