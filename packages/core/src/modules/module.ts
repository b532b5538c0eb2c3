import { Parameter, sizeOf, type TensorData, withScope } from '@nemo/graph'
import { ModuleError, StateDictError } from './errors.js'

/** Tensors of a module by their PyTorch `state_dict` names, in PyTorch's order. */
export type StateDict = Map<string, TensorData>

/**
 * A tree of parameters and buffers with PyTorch's names: what `torch.nn.Module` is there. Subclasses register what they
 * own in their constructor and build graphs in a method of their own (`forward`).
 */
export abstract class Module {
  readonly #children = new Map<string, Module>()
  readonly #parameters = new Map<string, Parameter>()
  readonly #buffers = new Map<string, { buffer: Parameter; persistent: boolean }>()
  #training = true
  /** Frozen: graphs of training programs keep it in evaluation mode, so that its statistics stay as they are. */
  #held = false

  /** Registers a sub-module under its state-dict name and returns it. */
  protected addModule<M extends Module>(name: string, module: M): M {
    this.#checkName(name)
    this.#children.set(name, module)
    return module
  }

  /** Puts another sub-module in the place of one, such as a decoder for other classes; it takes over its mode. */
  protected replaceModule<M extends Module>(name: string, module: M): M {
    const old = this.#children.get(name)
    if (old === undefined) throw new ModuleError(`${this.constructor.name} has no part named ${name} to replace.`)
    this.#children.set(name, module)
    return module.train(old.training)
  }

  /** Registers a trained tensor. */
  protected addParameter(name: string, value: TensorData): Parameter {
    this.#checkName(name)
    const made = new Parameter(name, value, 'parameter')
    this.#parameters.set(name, made)
    return made
  }

  /** Registers another module's parameter under a name of this one too (tied weights). */
  protected shareParameter(name: string, shared: Parameter): Parameter {
    this.#checkName(name)
    this.#parameters.set(name, shared)
    return shared
  }

  /** Registers a tensor that is no weight, such as running statistics; non-persistent ones stay out of state dicts. */
  protected addBuffer(name: string, value: TensorData, options: { persistent?: boolean } = {}): Parameter {
    this.#checkName(name)
    const buffer = new Parameter(name, value, 'buffer')
    this.#buffers.set(name, { buffer, persistent: options.persistent ?? true })
    return buffer
  }

  #checkName(name: string): void {
    if (name === '' || name.includes('/'))
      throw new ModuleError(`${this.constructor.name}: '${name}' is no name for a part of a module.`)
    if (this.#children.has(name) || this.#parameters.has(name) || this.#buffers.has(name)) {
      throw new ModuleError(`${this.constructor.name} has two parts named ${name}.`)
    }
  }

  /** Direct sub-modules by name. */
  get children(): ReadonlyMap<string, Module> {
    return this.#children
  }

  /** Whether graphs are built for training (batch statistics, dropout). */
  get training(): boolean {
    return this.#training
  }

  /**
   * Switches this module and all below it to training mode, also frozen ones: they take part in training programs
   * with batch statistics and dropout again, though their weights stay frozen.
   */
  train(mode = true): this {
    for (const module of this.modules()) {
      module.#training = mode
      if (mode) module.#held = false
    }
    return this
  }

  /** Switches to evaluation mode. */
  eval(): this {
    return this.train(false)
  }

  /**
   * Runs `build` with the given mode and restores each module's own mode afterwards. Frozen modules stay in evaluation
   * mode, unless `train` was called on them after `freeze`.
   */
  withMode<T>(training: boolean, build: () => T): T {
    const modes = this.modules().map((module) => [module, module.#training] as const)
    for (const [module] of modes) module.#training = training && !module.#held
    try {
      return build()
    } finally {
      for (const [module, mode] of modes) module.#training = mode
    }
  }

  /** This module and all below it, parents first. */
  modules(): Module[] {
    return [this, ...[...this.#children.values()].flatMap((child) => child.modules())]
  }

  /** Parameters of the whole tree by dotted name; a shared one appears under its first name only, unless `all`. */
  namedParameters(options: { all?: boolean } = {}): Map<string, Parameter> {
    const found = new Map<string, Parameter>()
    const seen = new Set<Parameter>()
    this.#walk('', (module, prefix) => {
      for (const [name, parameter] of module.#parameters) {
        if (seen.has(parameter) && !options.all) continue
        seen.add(parameter)
        found.set(prefix + name, parameter)
      }
    })
    return found
  }

  /** Persistent buffers of the whole tree by dotted name; with `all` the others too. */
  namedBuffers(options: { all?: boolean } = {}): Map<string, Parameter> {
    const found = new Map<string, Parameter>()
    this.#walk('', (module, prefix) => {
      for (const [name, { buffer, persistent }] of module.#buffers)
        if (persistent || options.all) found.set(prefix + name, buffer)
    })
    return found
  }

  /** Trained tensors of the whole tree, each once. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()]
  }

  /** Writes dotted names into all parameters and buffers, as programs, profiles and exported files show them. */
  nameParameters(prefix = ''): this {
    for (const [name, parameter] of this.namedParameters()) parameter.name = prefix + name
    for (const [name, buffer] of this.namedBuffers({ all: true })) buffer.name = prefix + name
    return this
  }

  #walk(prefix: string, visit: (module: Module, prefix: string) => void): void {
    visit(this, prefix)
    for (const [name, child] of this.#children) child.#walk(`${prefix}${name}.`, visit)
  }

  /** Copies of all parameters and persistent buffers, in PyTorch's order. */
  async stateDict(): Promise<StateDict> {
    const state: StateDict = new Map()
    for (const [name, tensor] of this.namedTensors()) state.set(name, await tensor.value())
    return state
  }

  /** Parameters and persistent buffers by dotted name: parameters before buffers, parents before children. */
  namedTensors(): Map<string, Parameter> {
    const found = new Map<string, Parameter>()
    this.#walk('', (module, prefix) => {
      for (const [name, parameter] of module.#parameters) found.set(prefix + name, parameter)
      for (const [name, { buffer, persistent }] of module.#buffers) if (persistent) found.set(prefix + name, buffer)
    })
    return found
  }

  /**
   * Takes values from a state dict.
   *
   * @param options.strict - Every name must be there and no other. Default true.
   * @returns the names that were missing or unexpected (only without `strict`).
   * @throws StateDictError naming missing, unexpected and misshapen tensors; the module is then unchanged.
   */
  loadStateDict(
    state: ReadonlyMap<string, TensorData>,
    options: { strict?: boolean } = {},
  ): { missing: string[]; unexpected: string[] } {
    const own = this.namedTensors()
    const missing = [...own.keys()].filter((name) => !state.has(name))
    const unexpected = [...state.keys()].filter((name) => !own.has(name))
    if ((options.strict ?? true) && missing.length + unexpected.length > 0) {
      const say = (what: string, names: string[]) =>
        names.length > 0
          ? ` ${what}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}.`
          : ''
      throw new StateDictError(
        `The state dict does not fit ${this.constructor.name}.${say('Missing', missing)}${say('Unexpected', unexpected)} Load with strict: false to take what fits.`,
      )
    }
    const misfits = [...own].flatMap(([name, tensor]) => {
      const value = state.get(name)
      const fits =
        !value ||
        (value.dtype === tensor.dtype &&
          value.shape.length === tensor.rank &&
          value.shape.every((dim, i) => dim === tensor.shape[i]))
      return fits ? [] : [`${name} is ${value.dtype}[${value.shape.join(', ')}], expected ${tensor}`]
    })
    if (misfits.length > 0) {
      const more = misfits.length > 8 ? ` and ${misfits.length - 8} more` : ''
      throw new StateDictError(
        `The state dict does not fit ${this.constructor.name}: ${misfits.slice(0, 8).join('; ')}${more}.`,
      )
    }
    for (const [name, tensor] of own) {
      const value = state.get(name)
      if (value) tensor.set(value)
    }
    return { missing, unexpected }
  }

  /**
   * Stops training of all parameters: no gradient is computed for them, no optimiser touches them. The module goes to
   * evaluation mode and stays there while a model around it is trained, so its running statistics do not move either.
   * NeMo's `freeze`.
   */
  freeze(): void {
    for (const parameter of this.parameters()) parameter.requiresGrad = false
    for (const module of this.modules()) {
      module.#training = false
      module.#held = true
    }
  }

  /** Undoes `freeze`: all parameters are trained, and the module is in training mode. NeMo's `unfreeze`. */
  unfreeze(): void {
    for (const parameter of this.parameters()) parameter.requiresGrad = true
    this.train()
  }

  /**
   * Runs `work` with the module frozen and restores each part's state. NeMo's `as_frozen`, which unfreezes everything
   * afterwards.
   */
  async asFrozen<T>(work: () => T | Promise<T>): Promise<T> {
    const parameters = this.parameters().map((parameter) => [parameter, parameter.requiresGrad] as const)
    const modules = this.modules().map((module) => [module, module.#training, module.#held] as const)
    this.freeze()
    try {
      return await work()
    } finally {
      for (const [parameter, requiresGrad] of parameters) parameter.requiresGrad = requiresGrad
      for (const [module, training, held] of modules) {
        module.#training = training
        module.#held = held
      }
    }
  }

  /** Number of weights that are trained. NeMo's `num_weights`. */
  get numWeights(): number {
    return this.parameters().reduce(
      (total, parameter) => total + (parameter.requiresGrad ? sizeOf(parameter.shape) : 0),
      0,
    )
  }

  /** Builds inside a scope named like the child, so that messages and exported nodes say where they are. */
  protected within<T>(name: string, build: () => T): T {
    return withScope(name, build)
  }
}
