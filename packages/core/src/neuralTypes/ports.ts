import type { ElementType, hostValue } from './elementType.js'
import { NeuralTypeDefinitionError } from './errors.js'
import type { Layout, LayoutText } from './layout.js'
import { type AnyNeuralType, NeuralType } from './neuralType.js'
import type { NmTensor } from './nmTensor.js'

/** What one port takes: a tensor of a neural type, or a list of such (`[port(...)]`), nested to any depth. */
export type PortType = AnyNeuralType | readonly PortType[]

/** The input or the output ports of a module, by name, in order. */
export interface PortTypes {
  readonly [port: string]: PortType
}

/**
 * A module with ports. They are declared once, as static members; a module whose ports depend on its configuration
 * has instance members of the same names, which then count.
 */
export interface Typed {
  readonly inputTypes?: PortTypes | undefined
  readonly outputTypes?: PortTypes | undefined
}

type BasePort<Port> = Port extends readonly (infer Item)[] ? BasePort<Item> : Port

type IsOptional<Port> = BasePort<Port> extends { readonly optional: true } ? true : false

type OptionalPorts<Ports> = { [K in keyof Ports]: IsOptional<Ports[K]> extends true ? K : never }[keyof Ports]

/** Plain JavaScript values that stand for an element type; none for most. */
type HostValue<Element extends ElementType> = unknown extends Element[typeof hostValue]
  ? never
  : Exclude<Element[typeof hostValue], undefined>

type Leaf<L extends Layout, Element extends ElementType> = [L] extends [[`${string}[]`, ...infer Rest extends string[]]]
  ? readonly Leaf<Rest, Element>[]
  : [L, ElementType] extends [null, Element]
    ? NmTensor
    : NmTensor<LayoutText<L>, Element> | HostValue<Element>

/**
 * What may be put into a port, or comes out of it: an `NmTensor`, or a read-only list of them for `[port(...)]` and
 * for list axes. Ports of `StringType` and `HypothesisType` take the plain values as well.
 */
export type PortValue<Port extends PortType> =
  Port extends NeuralType<infer L, infer Element>
    ? Leaf<L, Element>
    : Port extends readonly (infer Item extends PortType)[]
      ? readonly PortValue<Item>[]
      : never

// The `infer` makes the compiler show the members of the result instead of how it came about.
type PortValues<Ports extends PortTypes> = {
  [K in Exclude<keyof Ports, OptionalPorts<Ports>>]: PortValue<Ports[K]>
} & {
  [K in OptionalPorts<Ports>]?: PortValue<Ports[K]> | undefined
} extends infer Values
  ? { readonly [K in keyof Values]: Values[K] }
  : never

/**
 * The argument of a `forward` with these input ports: `Inputs<typeof ConvASREncoder>`, or
 * `Inputs<typeof ConvASREncoder.inputTypes>`. Mandatory ports must be there, optional ones may, others may not.
 */
export type Inputs<T> = T extends { readonly inputTypes: infer Ports extends PortTypes }
  ? PortValues<Ports>
  : T extends PortTypes
    ? PortValues<T>
    : never

/** The result of a `forward` with these output ports; see {@link Inputs}. */
export type Outputs<T> = T extends { readonly outputTypes: infer Ports extends PortTypes }
  ? PortValues<Ports>
  : T extends PortTypes
    ? PortValues<T>
    : never

/** One port with everything that is read off its declaration. */
export interface PortDeclaration {
  /** The key in `inputTypes` or `outputTypes`. */
  readonly key: string
  /** The neural type of the tensors. */
  readonly neuralType: AnyNeuralType
  /** How many lists surround a tensor; list axes do not count. */
  readonly containerDepth: number
}

/**
 * The ports of a table in order, with containers opened.
 *
 * @throws NeuralTypeDefinitionError if a container does not hold exactly one neural type.
 */
export function portDeclarations(ports: PortTypes): ReadonlyMap<string, PortDeclaration> {
  const known = declarations.get(ports)
  if (known !== undefined) return known
  const read = new Map(Object.entries(ports).map(([key, type]) => [key, portDeclaration(key, type)]))
  declarations.set(ports, read)
  return read
}

const declarations = /* @__PURE__ */ new WeakMap<PortTypes, ReadonlyMap<string, PortDeclaration>>()

function portDeclaration(key: string, type: PortType): PortDeclaration {
  let containerDepth = 0
  let content: PortType | undefined = type
  while (Array.isArray(content)) {
    if (content.length !== 1) {
      throw new NeuralTypeDefinitionError(
        `port ${key} is a container of ${content.length} neural types: expected exactly one, which holds for all items.`,
      )
    }
    content = (content as readonly PortType[])[0]
    containerDepth++
  }
  if (!(content instanceof NeuralType)) {
    throw new NeuralTypeDefinitionError(`port ${key} is ${String(content)}: expected a neural type made by port().`)
  }
  return { key, neuralType: content, containerDepth }
}

/** The ports of a module or a module class; null where it declares none. Instance members count before static ones. */
export function portsOf(module: object): { readonly inputs: PortTypes | null; readonly outputs: PortTypes | null } {
  const own = module as Typed
  const shared = (typeof module === 'function' ? module : module.constructor) as Typed
  return {
    inputs: own.inputTypes ?? shared.inputTypes ?? null,
    outputs: own.outputTypes ?? shared.outputTypes ?? null,
  }
}
