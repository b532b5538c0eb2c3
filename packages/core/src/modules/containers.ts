import { type Tensor, withScope } from '@nemo/graph'
import { Module } from './module.js'

/** A module from one tensor to one tensor, such as a layer. */
export abstract class Layer extends Module {
  abstract forward(x: Tensor): Tensor
}

/** Modules in order, named by their index. PyTorch's `ModuleList`. */
export class ModuleList<M extends Module = Module> extends Module implements Iterable<M> {
  readonly #items: M[] = []

  constructor(items: Iterable<M> = []) {
    super()
    for (const item of items) this.append(item)
  }

  /** Adds a module under the next index. */
  append(item: M): this {
    this.addModule(String(this.#items.length), item)
    this.#items.push(item)
    return this
  }

  get length(): number {
    return this.#items.length
  }

  /** The module at an index; negative ones count from the end. */
  at(index: number): M | undefined {
    return this.#items.at(index)
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#items[Symbol.iterator]()
  }
}

/** Layers one after the other. PyTorch's `Sequential`. */
export class Sequential extends ModuleList<Layer> {
  forward(x: Tensor): Tensor {
    let y = x
    let i = 0
    for (const layer of this) y = withScope(String(i++), () => layer.forward(y))
    return y
  }
}
