import { Parameter, rebuild, type Tensor } from '@nemo/graph'
import { NeuralModule } from '../modules/neuralModule.js'
import { portName } from '../neuralTypes/portName.js'
import { portsOf } from '../neuralTypes/ports.js'
import { type ModuleCall, mapTensors, producerOf, tensorsOf } from '../neuralTypes/producer.js'
import { DataLayerNM } from './dataLayerNM.js'
import { NeuralFactoryError } from './errors.js'

/**
 * The graph of module calls that leads to some tensors. Calling modules on the tensors of a data layer draws it and computes
 * nothing; an action draws it again in the mode that it needs, compiles it and runs it.
 *
 * Source: NeMo v0.9.0 `PtActions`, the call chain.
 */
export class Dag {
  readonly dataLayer: DataLayerNM
  /** Modules that are called, each once; the data layer first. */
  readonly modules: readonly NeuralModule[]
  /** Every tensor between the data layer and the end. */
  readonly tensors: readonly Tensor[]

  /**
   * @param ends - The tensors that are wanted.
   * @throws NeuralFactoryError unless they all come from exactly one data layer.
   */
  constructor(readonly ends: readonly Tensor[]) {
    const modules = new Set<object>()
    const tensors = new Set<Tensor>()
    const layers = new Set<DataLayerNM>()
    const open = [...ends]
    while (open.length > 0) {
      const tensor = open.pop()!
      if (tensors.has(tensor)) continue
      tensors.add(tensor)
      const producer = producerOf(tensor)
      if (producer) {
        const { module, inputs } = producer.call
        if (module instanceof DataLayerNM) layers.add(module)
        else modules.add(module)
        open.push(...tensorsOf(inputs))
      } else open.push(...operandsOf(tensor))
    }
    const [dataLayer, ...others] = layers
    if (!dataLayer)
      throw new NeuralFactoryError(
        `No data layer leads to ${ends.map(String).join(', ')}. Call the modules on the outputs of a DataLayerNM.`,
      )
    if (others.length > 0)
      throw new NeuralFactoryError(
        `One graph has one data layer; found ${[...layers].map(moduleName).join(' and ')} behind ${ends.map(describe).join(', ')}. Make a graph of its own for each, such as one for training and one for evaluation.`,
      )
    this.dataLayer = dataLayer
    this.modules = [dataLayer, ...modules].filter((module) => module instanceof NeuralModule)
    this.tensors = [...tensors].filter((tensor) => producerOf(tensor))
  }

  /**
   * Draws the calls again in the modules' present modes.
   *
   * @param replacements - What stands in for tensors of the graph: at least the data layer's outputs.
   * @returns the tensors of `ends`, drawn anew.
   */
  draw(replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
    const drawn = new Map(replacements)
    const results = new Map<ModuleCall, unknown>()
    const redraw = (tensor: Tensor): Tensor => {
      const known = drawn.get(tensor)
      if (known) return known
      const producer = producerOf(tensor)
      const made = producer ? output(producer.call, producer.path) : redrawOps(tensor)
      drawn.set(tensor, made)
      return made
    }
    const output = (call: ModuleCall, path: readonly (string | number)[]): Tensor => {
      if (call.module instanceof DataLayerNM)
        throw new NeuralFactoryError(`${moduleName(call.module)}: nothing stands in for its port ${path.join('.')}.`)
      if (!results.has(call)) results.set(call, call.draw(mapTensors(call.inputs, redraw) as object | undefined))
      const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], results.get(call))
      if (found === undefined)
        throw new NeuralFactoryError(
          `${moduleName(call.module)} gives its output ${path.join('.')} in one mode and not in the other. Give it in both.`,
        )
      return found as Tensor
    }
    // Ops between two modules: copied as they are, from the outputs of calls on.
    const redrawOps = (tensor: Tensor): Tensor => {
      const frontier = new Map<Tensor, Tensor>()
      const seen = new Set<Tensor>()
      const visit = (part: Tensor): void => {
        if (seen.has(part)) return
        seen.add(part)
        if (drawn.has(part) || producerOf(part)) frontier.set(part, redraw(part))
        else for (const operand of operandsOf(part)) visit(operand)
      }
      visit(tensor)
      return rebuild([tensor], { replace: frontier })[0]!
    }
    return this.ends.map(redraw)
  }
}

function operandsOf(tensor: Tensor): Tensor[] {
  if (tensor instanceof Parameter)
    throw new NeuralFactoryError(
      `The graph reads the parameter ${tensor.name || '(unnamed)'} outside of any module's call. Decorate the forward of its module with @typecheck(), so that the call can be drawn again for training and for evaluation.`,
    )
  return tensor.node.inputs.filter((input) => input !== null)
}

/** A module's name in files and messages: its `toString()` if it has its own, else its class. NeMo's `str(module)`. */
export function moduleName(module: object): string {
  return module.toString === Object.prototype.toString ? module.constructor.name : module.toString()
}

const numbers = new WeakMap<Tensor, number>()
let nextNumber = 0

/**
 * Name of a tensor of a graph of module calls: its port, its module and a number of its own, `loss~~~CTCLossNM~~~7`.
 * Evaluation callbacks find values by it. NeMo 0.x's `NmTensor.unique_name`.
 */
export function uniqueName(tensor: Tensor): string {
  const known = numbers.get(tensor) ?? nextNumber++
  numbers.set(tensor, known)
  const producer = producerOf(tensor)
  if (!producer) return `${tensor.node.op.type}~~~ops~~~${known}`
  const { call, path } = producer
  const ports = portsOf(call.module).outputs ?? {}
  const [key = Object.keys(ports)[0] ?? 'output', ...places] = path
  return `${[portName(String(key), ports), ...places].join('.')}~~~${moduleName(call.module)}~~~${known}`
}

const describe = (tensor: Tensor): string => uniqueName(tensor).split('~~~').slice(0, 2).join(' of ')
