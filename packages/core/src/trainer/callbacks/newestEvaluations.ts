import type { Model } from '../../models/model.js'
import type { Callback, EvaluatedSets } from '../callback.js'
import type { Trainer } from '../trainer.js'

/** Keeps what the newest validation and the newest test gathered, for reports and for recipes that show samples. */
export class NewestEvaluations implements Callback {
  #validation: EvaluatedSets['sets'] = []
  #test: EvaluatedSets['sets'] = []

  onFitStart(): void {
    // Those of an earlier `fit` tell nothing of this one.
    this.#validation = []
    this.#test = []
  }

  onEvaluationEnd(_trainer: Trainer, _model: Model, { purpose, sets }: EvaluatedSets): void {
    if (purpose === 'test') this.#test = sets
    else this.#validation = sets
  }

  /** The test's sets, or the validation's where there was no test since training began. */
  get sets(): EvaluatedSets['sets'] {
    return this.#test.length > 0 ? this.#test : this.#validation
  }
}
