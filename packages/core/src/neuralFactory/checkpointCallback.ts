import { nodeBuiltin } from '../checkpoint/nodeBuiltin.js'
import type { NeuralModule } from '../modules/neuralModule.js'
import { ActionCallback } from './actionCallback.js'
import { moduleName } from './dag.js'
import { NeuralFactoryError } from './errors.js'
import { getCheckpointFromDir, restoreModuleFrom, saveModuleTo } from './moduleFile.js'

/** Options of a `CheckpointCallback`. */
export interface CheckpointOptions {
  /** Where checkpoints are written; made if it does not exist. */
  readonly folder: string
  /** Where training starts from. Default `folder`. */
  readonly loadFromFolder?: string
  /** Steps between two checkpoints; -1 for none. Default -1. */
  readonly stepFreq?: number
  /** Epochs between two checkpoints; -1 for none, and none where `stepFreq` is given. Default -1. */
  readonly epochFreq?: number
  /** Default 4. */
  readonly checkpointsToKeep?: number
  /** Fail if the modules' weights cannot be restored; otherwise say so and start anew. Default false. */
  readonly forceLoad?: boolean
}

/**
 * Writes each module with weights to `MODULE-STEP-N.pt` (or `MODULE-EPOCH-N.pt`) and the training itself to
 * `trainer-STEP-N.pt`, and at the start of training goes on from the newest ones.
 *
 * Source: NeMo v0.9.0 `CheckpointCallback`. The modules' files are NeMo's. The trainer's file is a run checkpoint of our
 * trainer: going on from it gives the same bits as a run that was not stopped, where NeMo begins the epoch and the last
 * step again. Of a `trainer-STEP-N.pt` of NeMo, which has no place for these, nothing is taken.
 */
export class CheckpointCallback extends ActionCallback {
  readonly #folder: string
  readonly #loadFromFolder: string
  readonly #stepFreq: number
  readonly #epochFreq: number
  readonly #checkpointsToKeep: number
  readonly #forceLoad: boolean
  #saved: string[] = []

  constructor({ folder, loadFromFolder, stepFreq = -1, epochFreq = -1, ...rest }: CheckpointOptions) {
    super()
    if (stepFreq === -1 && epochFreq === -1)
      this.logger.warning('No checkpoints will be saved: stepFreq and epochFreq are both -1.')
    if (stepFreq > -1 && epochFreq > -1)
      this.logger.warning('stepFreq and epochFreq are both given; checkpoints are saved by stepFreq only.')
    this.#folder = folder
    this.#loadFromFolder = loadFromFolder ?? folder
    this.#stepFreq = stepFreq
    this.#epochFreq = stepFreq > -1 ? -1 : epochFreq
    this.#checkpointsToKeep = rest.checkpointsToKeep ?? 4
    this.#forceLoad = rest.forceLoad ?? false
    if (!Number.isInteger(this.#checkpointsToKeep) || this.#checkpointsToKeep < 1)
      throw new RangeError(`checkpointsToKeep: expected a whole number >= 1, found ${rest.checkpointsToKeep}.`)
  }

  override async onActionStart(): Promise<void> {
    const modules = this.#modules()
    this.logger.info(`Found ${modules.size} modules with weights:`)
    for (const name of modules.keys()) this.logger.info(name)
    const weights = [...modules.values()].reduce((sum, { numWeights }) => sum + numWeights, 0)
    this.logger.info(`Total model parameters: ${weights}`)
    await this.#restore(modules)
  }

  override async onIterationEnd(): Promise<void> {
    if (this.#stepFreq > 0 && this.step > 0 && this.step % this.#stepFreq === 0) await this.#save()
  }

  override async onEpochEnd(): Promise<void> {
    if (this.#epochFreq > 0 && (this.epochNum + 1) % this.#epochFreq === 0) await this.#save()
  }

  override async onActionEnd(): Promise<void> {
    if (this.#stepFreq > 0 || this.#epochFreq > 0) await this.#save()
  }

  override onInterrupt(): Promise<void> {
    return this.onActionEnd()
  }

  /** Modules with weights, by the names of their files. */
  #modules(): Map<string, NeuralModule> {
    const named = new Map<string, NeuralModule>()
    for (const module of this.action.modules) {
      if (module.numWeights === 0) continue
      const name = moduleName(module)
      if (named.has(name))
        throw new NeuralFactoryError(
          `Two modules are named ${name}, and their checkpoints would be one file. Give one of them a toString() with another name.`,
        )
      named.set(name, module)
    }
    return named
  }

  async #save(): Promise<void> {
    const { mkdir, readdir, rm } = nodeBuiltin('node:fs', 'Writing a checkpoint').promises
    const { join } = nodeBuiltin('node:path', 'Writing a checkpoint')
    await mkdir(this.#folder, { recursive: true })
    const place = this.#stepFreq > -1 ? `STEP-${this.step}` : `EPOCH-${this.epochNum}`
    for (const [name, module] of this.#modules()) await saveModuleTo(module, join(this.#folder, `${name}-${place}.pt`))
    // The trainer's file comes last: where it is, the checkpoint is whole.
    const trainer = join(this.#folder, `trainer-${place}.pt`)
    await this.action.saveStateTo(trainer)
    this.#saved = [...this.#saved.filter((earlier) => earlier !== place), place]
    const old = this.#saved.splice(0, this.#saved.length - this.#checkpointsToKeep)
    for (const file of await readdir(this.#folder))
      if (old.some((place) => file.endsWith(`-${place}.pt`))) await rm(join(this.#folder, file))
    this.logger.info(`Saved checkpoint: ${trainer}`)
  }

  async #restore(modules: ReadonlyMap<string, NeuralModule>): Promise<void> {
    const folder = this.#loadFromFolder
    const { existsSync } = nodeBuiltin('node:fs', 'Reading a checkpoint')
    if (!existsSync(folder)) {
      if (this.#forceLoad) throw new NeuralFactoryError(`forceLoad: there is no checkpoint folder ${folder}.`)
      this.logger.warning(`Checkpoint folder ${folder} not found!`)
      return
    }
    this.logger.info(`Restoring checkpoint from folder ${folder} ...`)
    try {
      const files = await getCheckpointFromDir([...modules.keys()], folder)
      for (const [i, module] of [...modules.values()].entries()) await restoreModuleFrom(module, files[i]!)
    } catch (cause) {
      if (this.#forceLoad)
        throw new NeuralFactoryError(`forceLoad: no checkpoint was restored. ${(cause as Error).message}`, { cause })
      this.logger.warning((cause as Error).message)
      this.logger.warning(`Checkpoint folder ${folder} present but did not restore`)
      return
    }
    try {
      const [trainer] = await getCheckpointFromDir(['trainer'], folder)
      await this.action.restoreStateFrom(trainer!)
    } catch (cause) {
      this.logger.warning((cause as Error).message)
      this.logger.warning("Trainer state wasn't restored")
    }
  }
}
