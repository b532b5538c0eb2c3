import { PickleError, PickleRefusedError, TensorDataError } from './errors.js'
import { OpaqueGlobal, OrderedDict, type PythonValue, TorchDevice, TorchDType } from './pythonValue.js'
import { type DType, dtypeNames, isTensor, type TensorData } from './tensorData.js'
import { storageClasses, type TensorLayout, TorchStorage } from './torchStorage.js'
import { PickleCallable } from './unpickler.js'

/**
 * Modules whose classes occur in the `.ckpt` files of PyTorch Lightning and NeMo: hyper-parameters,
 * callback states. Pass it as `opaque` to read such files.
 */
export const lightningModules: readonly string[] = [
  'argparse.Namespace',
  'builtins.bool',
  'builtins.dict',
  'builtins.float',
  'builtins.int',
  'builtins.list',
  'builtins.object',
  'builtins.str',
  'builtins.tuple',
  'copyreg._reconstructor',
  'lightning',
  'lightning_fabric',
  'lightning_utilities',
  'nemo',
  'numpy',
  'omegaconf',
  'pathlib',
  'pytorch_lightning',
  'typing',
]

/** Makes a tensor from a storage, once the storage is there. */
export type MakeTensor = (layout: TensorLayout) => TensorData

/** A class of storage, such as `torch.FloatStorage`, as persistent ids name it. */
export class StorageClass {
  constructor(readonly dtype: DType | 'untyped') {}
}

/**
 * Resolves the Python globals that PyTorch checkpoints consist of, and refuses the rest.
 *
 * @param options.opaque - Modules or dotted names whose classes become opaque records instead.
 */
export function torchGlobals(options: {
  readonly name: string
  readonly opaque: readonly string[]
  readonly makeTensor: MakeTensor
}): (pythonName: string) => unknown {
  const known = knownGlobals(options.name, options.makeTensor)
  return (pythonName) => {
    const value = known.get(pythonName)
    if (value !== undefined) return value
    const unsupported = UNSUPPORTED.get(pythonName)
    if (unsupported) throw new TensorDataError(`${options.name}: ${pythonName} is not supported: ${unsupported}.`)
    if (options.opaque.some((prefix) => pythonName === prefix || pythonName.startsWith(`${prefix}.`))) {
      return new OpaqueGlobal(pythonName)
    }
    if (FACTORIES.has(pythonName)) {
      return new PickleCallable(pythonName, () => {
        throw new PickleError(
          `${options.name}: ${pythonName} is called, though it may only be named as a default factory.`,
        )
      })
    }
    throw new PickleRefusedError(
      pythonName,
      `${options.name}: the checkpoint names ${pythonName}, which is not one of the classes that tensors and plain values need. Nothing was executed. If the file is trustworthy, allow the class as an opaque record with the option opaque: ['${pythonName}'].`,
    )
  }
}

/** What defaultdicts name as the maker of missing values. */
const FACTORIES = new Set(['builtins.dict', 'builtins.list', 'builtins.set', 'builtins.int', 'builtins.float'])

const UNSUPPORTED = new Map<string, string>([
  ...['ComplexFloatStorage', 'ComplexDoubleStorage'].map((name) => [`torch.${name}`, 'complex tensors'] as const),
  ...['QInt8Storage', 'QUInt8Storage', 'QInt32Storage', 'QUInt4x2Storage', 'QUInt2x4Storage'].map(
    (name) => [`torch.${name}`, 'quantised tensors'] as const,
  ),
  ['torch._utils._rebuild_qtensor', 'quantised tensors'],
  ['torch._utils._rebuild_sparse_tensor', 'sparse tensors'],
  ['torch._utils._rebuild_sparse_csr_tensor', 'sparse tensors'],
  ['torch._utils._rebuild_nested_tensor', 'nested tensors'],
  ['torch._utils._rebuild_meta_tensor_no_storage', 'meta tensors, which have no elements'],
])

function knownGlobals(file: string, makeTensor: MakeTensor): Map<string, unknown> {
  const globals = new Map<string, unknown>()
  const define = (pythonName: string, call: (args: readonly unknown[]) => unknown) =>
    globals.set(pythonName, new PickleCallable(pythonName, call))
  const bad = (pythonName: string): PickleError =>
    new PickleError(`${file}: ${pythonName} is called with arguments that it does not take.`)

  // Plain Python
  define('collections.OrderedDict', (args) => {
    const dict = new OrderedDict()
    if (args.length === 0) return dict
    const pairs = args.length === 1 ? args[0] : undefined
    if (!Array.isArray(pairs)) throw bad('collections.OrderedDict')
    for (const pair of pairs) {
      if (!Array.isArray(pair) || pair.length !== 2) throw bad('collections.OrderedDict')
      dict.set(pair[0] as PythonValue, pair[1] as PythonValue)
    }
    return dict
  })
  // Its argument is the factory for missing keys, which a value that is only read does not need.
  define('collections.defaultdict', (args) => {
    if (args.length > 1) throw bad('collections.defaultdict')
    return new Map()
  })
  define('collections.Counter', (args) => {
    if (args.length > 1 || (args.length === 1 && !(args[0] instanceof Map))) throw bad('collections.Counter')
    return args[0] ?? new Map()
  })
  for (const name of ['builtins.set', 'builtins.frozenset']) {
    define(name, (args) => {
      if (args.length > 1 || (args.length === 1 && !Array.isArray(args[0]))) throw bad(name)
      return new Set(args[0] as unknown[] | undefined)
    })
  }
  // Protocols before 3 have no bytes; Python writes them as text whose characters are the bytes.
  const encode = (name: string, args: readonly unknown[]): Uint8Array => {
    const [text, encoding] = args
    if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1') || args.length > 2)
      throw bad(name)
    return Uint8Array.from(text, (character) => {
      const code = character.charCodeAt(0)
      if (code > 0xff) throw bad(name)
      return code
    })
  }
  define('_codecs.encode', (args) => encode('_codecs.encode', args))
  for (const name of ['builtins.bytes', 'builtins.bytearray']) {
    define(name, (args) => {
      if (args.length === 0) return new Uint8Array(0)
      return args.length === 1 && args[0] instanceof Uint8Array ? args[0].slice() : encode(name, args)
    })
  }

  // Values of torch
  for (const [name, dtype] of Object.entries(storageClasses)) {
    globals.set(`torch.${name}`, new StorageClass(dtype))
    globals.set(`torch.cuda.${name}`, new StorageClass(dtype))
  }
  globals.set('torch.storage.UntypedStorage', new StorageClass('untyped'))
  globals.set('torch.UntypedStorage', new StorageClass('untyped'))
  for (const name of [...dtypeNames, ...OTHER_DTYPES]) globals.set(`torch.${name}`, new TorchDType(name))
  define('torch.Size', (args) => {
    if (args.length !== 1 || !Array.isArray(args[0])) throw bad('torch.Size')
    return Object.freeze([...args[0]])
  })
  define('torch.device', (args) => {
    const [type, index = null] = args
    if (typeof type !== 'string' || !(index === null || typeof index === 'number') || args.length > 2)
      throw bad('torch.device')
    const [, name = type, ordinal] = /^(.*?):(\d+)$/.exec(type) ?? []
    return new TorchDevice(name, ordinal === undefined ? index : Number(ordinal))
  })

  // Tensors
  const rebuild = (name: string, args: readonly unknown[], dtype?: DType): TensorData => {
    const [storage, offset, shape, strides] = args
    if (!(storage instanceof TorchStorage) || !Array.isArray(shape) || !Array.isArray(strides)) throw bad(name)
    const type = dtype ?? storage.dtype
    if (type === 'untyped') throw bad(name)
    // Copies, so that nothing that the pickle does later can change what was checked.
    return makeTensor({ storage, dtype: type, offset: offset as number, shape: [...shape], strides: [...strides] })
  }
  const withoutMathBits = (name: string, metadata: unknown): void => {
    if (metadata instanceof Map && (metadata.get('neg') === true || metadata.get('conj') === true)) {
      throw new TensorDataError(
        `${file}: ${name} of a lazily negated or conjugated tensor is not supported. Save tensor.clone().`,
      )
    }
  }
  define('torch._utils._rebuild_tensor', (args) => rebuild('torch._utils._rebuild_tensor', args))
  define('torch._utils._rebuild_tensor_v2', (args) => {
    withoutMathBits('torch._utils._rebuild_tensor_v2', args[6])
    return rebuild('torch._utils._rebuild_tensor_v2', args)
  })
  define('torch._utils._rebuild_tensor_v3', (args) => {
    withoutMathBits('torch._utils._rebuild_tensor_v3', args[7])
    const dtype = args[6]
    if (!(dtype instanceof TorchDType)) throw bad('torch._utils._rebuild_tensor_v3')
    const known = dtypeNames.find((name) => name === dtype.name)
    if (!known) throw new TensorDataError(`${file}: tensors of torch.${dtype.name} are not supported.`)
    return rebuild('torch._utils._rebuild_tensor_v3', args, known)
  })
  for (const name of ['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state']) {
    define(name, (args) => {
      if (!isTensor(args[0])) throw bad(name)
      return args[0]
    })
  }
  // A tensor with attributes: (function, class, arguments, attributes). The attributes are dropped.
  define('torch._tensor._rebuild_from_type_v2', (args) => {
    const [callable, , inner] = args
    if (!(callable instanceof PickleCallable) || !Array.isArray(inner)) throw bad('torch._tensor._rebuild_from_type_v2')
    return callable.call(inner)
  })
  for (const name of ['torch.Tensor', 'torch.nn.parameter.Parameter']) {
    define(name, () => {
      throw bad(name)
    })
  }
  return globals
}

/** Further dtypes that may occur as values, though not as those of tensors. */
const OTHER_DTYPES = [
  'complex32',
  'complex64',
  'complex128',
  'float8_e4m3fn',
  'float8_e5m2',
  'qint8',
  'quint8',
  'qint32',
]
