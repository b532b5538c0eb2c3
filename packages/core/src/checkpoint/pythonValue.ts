import type { TensorData } from './tensorData.js'

/**
 * A value of a checkpoint in JavaScript terms.
 *
 * | Python                        | here                                              |
 * | ----------------------------- | ------------------------------------------------- |
 * | None, bool, str               | null, boolean, string                             |
 * | int                           | number, or bigint beyond 2^53                     |
 * | float                         | number; `PythonFloat` writes a whole number as float |
 * | bytes, bytearray              | Uint8Array                                        |
 * | list                          | array                                             |
 * | tuple, torch.Size             | frozen array (`Object.freeze`)                    |
 * | dict, defaultdict, Counter    | Map                                               |
 * | OrderedDict                   | `OrderedDict`, a Map                              |
 * | set, frozenset                | Set                                               |
 * | Tensor, Parameter             | `TensorData`                                |
 * | torch.device, torch.dtype     | `TorchDevice`, `TorchDType`                       |
 * | other classes, where allowed  | `OpaqueObject`, `OpaqueGlobal`                    |
 */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PythonFloat
  | TensorData
  | readonly PythonValue[]
  | ReadonlyMap<PythonValue, PythonValue>
  | ReadonlySet<PythonValue>
  | TorchDevice
  | TorchDType
  | OpaqueObject
  | OpaqueGlobal

/** A Python `collections.OrderedDict`, the class of every PyTorch state dict. */
export class OrderedDict<K = PythonValue, V = PythonValue> extends Map<K, V> {
  /** Python attributes set on the dict, such as `_metadata` of a module's state dict. */
  attributes: Map<string, PythonValue> | undefined
}

/** A number to be written as a Python float even if it is whole, such as a learning rate of 1. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

/** A `torch.device`. */
export class TorchDevice {
  /**
   * @param type - Such as `cpu` or `cuda`.
   * @param index - Ordinal of the device, or null for the current one.
   */
  constructor(
    readonly type: string,
    readonly index: number | null = null,
  ) {}
}

/** A `torch.dtype` as a value. `name` is PyTorch's, such as `float16`. */
export class TorchDType {
  constructor(readonly name: string) {}
}

/** A Python class or function that was named but neither imported nor called. */
export class OpaqueGlobal {
  /** @param pythonName - Dotted name, such as `omegaconf.dictconfig.DictConfig`. */
  constructor(readonly pythonName: string) {}
}

/** An instance of a class that is unknown here: the recipe that Python would have followed, as plain data. */
export class OpaqueObject {
  /** State that Python would pass to `__setstate__`. */
  state: PythonValue | undefined
  /** List items that Python would append. */
  readonly items: PythonValue[] = []
  /** Dict entries that Python would set. */
  readonly entries = new Map<PythonValue, PythonValue>()

  /**
   * @param pythonName - Dotted name of the class or function.
   * @param args - Arguments that it would be called with.
   */
  constructor(
    readonly pythonName: string,
    readonly args: readonly PythonValue[],
  ) {}
}

/** A state dict: parameter and buffer names with their tensors, in order. */
export type StateDict = Map<string, TensorData>
