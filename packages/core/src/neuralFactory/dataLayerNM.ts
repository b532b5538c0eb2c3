import type { Tensor } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import { NeuralModule } from '../modules/neuralModule.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { markProduced } from '../neuralTypes/producer.js'

/**
 * Where a graph of module calls begins: a data loader as a module without inputs. Its output ports are those of the
 * loader's batches. Subclasses say so to the compiler:
 *
 * ```ts
 * class Sines extends DataLayerNM {
 *   static readonly outputTypes = SineDataset.outputTypes
 *   override forward() { return super.forward() as Outputs<typeof Sines> }
 * }
 * ```
 *
 * Source: NeMo v0.9.0 `DataLayerNM`. Difference: instead of a `dataset` or a `data_iterator` there is a `dataLoader`.
 */
export class DataLayerNM extends NeuralModule {
  /** Ports of a batch. */
  readonly outputTypes: PortTypes
  /** What modules are called on, by port; nothing of it is read yet. */
  readonly tensors: Readonly<Record<string, Tensor>>

  /** @param dataLoader - Makes the batches; the `outputTypes` of its dataset are the ports. */
  constructor(readonly dataLoader: DataLoader) {
    super()
    this.outputTypes = dataLoader.outputTypes
    this.tensors = symbolicInputs(this.outputTypes)
    markProduced({ module: this, inputs: undefined, draw: () => this.tensors }, this.tensors)
  }

  /** Samples of the dataset. Python's `len(data_layer)`. */
  get length(): number {
    return this.dataLoader.dataset.length
  }

  /** The tensors of a batch; every call gives the same ones. */
  forward(): object {
    return this.tensors
  }
}
