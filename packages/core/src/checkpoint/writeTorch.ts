import { atomicWriteFile } from './atomicWriteFile.js'
import { CheckpointContentError, TensorDataError } from './errors.js'
import { Pickler } from './pickler.js'
import { OrderedDict, PythonFloat, type PythonValue, TorchDevice, TorchDType } from './pythonValue.js'
import { bytesOf, checkTensor, type DType, elementBytes, isTensor, type TensorData } from './tensorData.js'
import { storageClasses } from './torchStorage.js'
import { concat, type ZipMember, zipChunks } from './zipWriter.js'

/** How a PyTorch checkpoint is written. */
export interface WriteTorchOptions {
  /**
   * `zip` is what PyTorch 1.6 and later write by default, `legacy` the layout before it, which every version
   * reads. Default `zip`.
   */
  readonly format?: 'zip' | 'legacy'
  /** Folder name inside the ZIP layout; PyTorch uses the file's name without extension. Default `archive`. */
  readonly archiveName?: string
}

/**
 * Writes a value as `torch.save` would, so that `torch.load` reads it, also with `weights_only=True`.
 *
 * Maps are written as dicts, `OrderedDict`s and a state dict that is the whole value as OrderedDicts, frozen arrays as
 * tuples, whole numbers as ints (`PythonFloat` makes them floats). Tensors that share their `data` array share
 * their storage. Equal values give equal bytes. Tensors of uint16, uint32 and uint64 need the `zip` layout and PyTorch
 * 2.3 to read them; all else is read by PyTorch 1.5 and later.
 *
 * @throws CheckpointContentError for values that have no Python counterpart; TensorDataError for inconsistent tensors.
 */
export function writeTorch(value: PythonValue, options: WriteTorchOptions = {}): Uint8Array {
  return concat(torchChunks(value, options))
}

/** `writeTorch` into a file, atomically, without a second copy of the tensors in memory. Node only. */
export async function writeTorchFile(path: string, value: PythonValue, options: WriteTorchOptions = {}): Promise<void> {
  await atomicWriteFile(path, torchChunks(value, options))
}

/** `writeTorch` in parts; the elements of tensors are passed on without a copy. */
export function torchChunks(value: PythonValue, options: WriteTorchOptions = {}): Uint8Array[] {
  return options.format === 'legacy' ? legacyChunks(value) : zipLayoutChunks(value, options.archiveName ?? 'archive')
}

/** PyTorch maps storages into memory, which needs this alignment. */
const STORAGE_ALIGNMENT = 64

function zipLayoutChunks(value: PythonValue, folder: string): Uint8Array[] {
  const writer = new ValueWriter(false)
  const pickle = writer.pickle(value)
  const text = (contents: string) => new TextEncoder().encode(contents)
  const member = (name: string, contents: Uint8Array): ZipMember => ({ name: `${folder}/${name}`, contents })
  return zipChunks(
    [
      member('data.pkl', pickle),
      member('.format_version', text('1')),
      member('.storage_alignment', text(String(STORAGE_ALIGNMENT))),
      member('byteorder', text('little')),
      ...writer.storages.map((tensor, key) => member(`data/${key}`, bytesOf(tensor))),
      member('version', text('3\n')),
    ],
    { alignment: STORAGE_ALIGNMENT },
  )
}

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const LEGACY_PROTOCOL = 1001

function legacyChunks(value: PythonValue): Uint8Array[] {
  const plain = (item: PythonValue): Uint8Array => new ValueWriter(true).pickle(item)
  const writer = new ValueWriter(true)
  const pickle = writer.pickle(value)
  const systemInfo = new Map<string, PythonValue>([
    ['protocol_version', LEGACY_PROTOCOL],
    ['little_endian', true],
    [
      'type_sizes',
      new Map([
        ['short', 2],
        ['int', 4],
        ['long', 4],
      ]),
    ],
  ])
  return [
    plain(LEGACY_MAGIC),
    plain(LEGACY_PROTOCOL),
    plain(systemInfo),
    pickle,
    plain(writer.storages.map((_, key) => String(key))),
    ...writer.storages.flatMap((tensor) => {
      const length = new DataView(new ArrayBuffer(8))
      length.setBigInt64(0, BigInt(storedLength(tensor)), true)
      return [new Uint8Array(length.buffer), bytesOf(tensor)]
    }),
  ]
}

const storageNames = Object.fromEntries(Object.entries(storageClasses).map(([name, dtype]) => [dtype, name])) as {
  readonly [D in DType]?: string
}

/** Elements of a storage; bytes for dtypes that are stored untyped. */
function storedLength({ dtype, data }: TensorData): number {
  return storageNames[dtype] ? data.length : data.length * elementBytes(dtype)
}

/** Writes values as pickles and collects the tensors whose elements must follow. */
class ValueWriter {
  /** One tensor per storage; its index is the storage's key. */
  readonly storages: TensorData[] = []
  private readonly storageKeys = new Map<unknown, Map<DType, number>>()
  private readonly pickler = new Pickler()
  private root: PythonValue | undefined

  /** @param legacy - Whether persistent ids have the sixth field of the layout before 1.6. */
  constructor(private readonly legacy: boolean) {}

  pickle(value: PythonValue): Uint8Array {
    if (value instanceof Map && value.size > 0 && [...value.values()].every(isTensor)) this.root = value
    this.write(value)
    return this.pickler.finish()
  }

  private write(value: PythonValue): void {
    const p = this.pickler
    if (value === null) p.none()
    else if (typeof value === 'boolean') p.boolean(value)
    else if (typeof value === 'bigint') p.int(value)
    else if (typeof value === 'number') this.number(value)
    else if (typeof value === 'string') p.string(value)
    else if (value instanceof PythonFloat) p.float(value.value)
    else if (p.recall(value)) return
    else if (value instanceof Uint8Array) this.bytes(value)
    else if (Array.isArray(value)) this.array(value)
    else if (value instanceof Map) this.map(value)
    else if (value instanceof Set) this.set(value)
    else if (value instanceof TorchDevice) {
      p.global('torch', 'device')
      p.tuple(() => {
        p.string(value.type)
        if (value.index !== null) p.int(value.index)
      })
      p.reduce()
    } else if (value instanceof TorchDType) p.global('torch', value.name)
    else if (isTensor(value)) this.tensor(value)
    else {
      throw new CheckpointContentError(
        `Expected a value that has a Python counterpart, found ${describe(value)}. Use Map for dicts, arrays, numbers, strings, tensors.`,
      )
    }
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.pickler.int(value)
    else this.pickler.float(value)
  }

  /** Protocol 2 has no bytes: text of one character per byte stands for them. */
  private bytes(value: Uint8Array): void {
    let text = ''
    for (let i = 0; i < value.length; i += 4096) text += String.fromCharCode(...value.subarray(i, i + 4096))
    this.pickler.global('_codecs', 'encode')
    this.pickler.tuple(() => {
      this.pickler.string(text)
      this.pickler.string('latin1')
    })
    this.pickler.reduce()
    this.pickler.remember(value)
  }

  private array(value: readonly PythonValue[]): void {
    const p = this.pickler
    const items = () => {
      for (const item of value) this.write(item)
    }
    if (Object.isFrozen(value)) {
      if (value.length === 0) p.emptyTuple()
      else {
        p.tuple(items)
        p.remember(value)
      }
      return
    }
    p.emptyList()
    p.remember(value)
    if (value.length > 0) p.appends(items)
  }

  private map(value: ReadonlyMap<PythonValue, PythonValue>): void {
    const p = this.pickler
    if (value instanceof OrderedDict || value === this.root) this.emptyOrderedDict()
    else p.emptyDict()
    p.remember(value)
    if (value.size > 0) {
      p.setItems(() => {
        for (const [key, item] of value) {
          this.write(key)
          this.write(item)
        }
      })
    }
    if (value instanceof OrderedDict && value.attributes) {
      this.write(value.attributes)
      p.build()
    }
  }

  private emptyOrderedDict(): void {
    this.pickler.global('collections', 'OrderedDict')
    this.pickler.emptyTuple()
    this.pickler.reduce()
  }

  private set(value: ReadonlySet<PythonValue>): void {
    const p = this.pickler
    p.global('__builtin__', 'set')
    p.tuple(() => this.array([...value]))
    p.reduce()
    p.remember(value)
  }

  /** The elements follow in C order, so offset is 0 and strides are those of a contiguous tensor. */
  private tensor(value: TensorData): void {
    const p = this.pickler
    checkTensor(value, 'Tensor to be saved')
    const storageName = storageNames[value.dtype]
    if (!storageName && this.legacy) {
      throw new TensorDataError(
        `Tensors of ${value.dtype} cannot be stored in the legacy layout: PyTorch itself does not read them. Use the format zip.`,
      )
    }
    p.global('torch._utils', storageName ? '_rebuild_tensor_v2' : '_rebuild_tensor_v3')
    p.tuple(() => {
      p.tuple(() => {
        p.string('storage')
        if (storageName) p.global('torch', storageName)
        else p.global('torch.storage', 'UntypedStorage')
        p.string(String(this.storageKey(value)))
        p.string('cpu')
        p.int(storedLength(value))
        if (this.legacy) p.none()
      })
      p.persistentId()
      p.int(0)
      this.integers(value.shape)
      this.integers(contiguousStrides(value.shape))
      p.boolean(false) // requires_grad
      this.emptyOrderedDict() // backward hooks
      if (!storageName) p.global('torch', value.dtype)
    })
    p.reduce()
    p.remember(value)
  }

  private integers(values: readonly number[]): void {
    if (values.length === 0) this.pickler.emptyTuple()
    else
      this.pickler.tuple(() => {
        for (const value of values) this.pickler.int(value)
      })
  }

  private storageKey(tensor: TensorData): number {
    let keys = this.storageKeys.get(tensor.data)
    if (!keys) {
      keys = new Map()
      this.storageKeys.set(tensor.data, keys)
    }
    let key = keys.get(tensor.dtype)
    if (key === undefined) {
      key = this.storages.push(tensor) - 1
      keys.set(tensor.dtype, key)
    }
    return key
  }
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= Math.max(1, shape[axis]!)
  }
  return strides
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value
  return `an instance of ${value.constructor?.name ?? 'Object'}`
}
