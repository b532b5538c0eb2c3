import type { Callback, Metrics, Trainer } from '../../src/index.js'

/** Writes down which hooks ran, and what was logged. */
export class Recorder implements Callback {
  readonly events: string[] = []
  readonly logs: { readonly step: number; readonly metrics: Metrics }[] = []
  readonly losses: number[] = []
  readonly messages: string[] = []

  onFitStart(): void {
    this.events.push('fit start')
  }
  onTrainEpochStart(trainer: Trainer): void {
    this.events.push(`epoch ${trainer.currentEpoch}`)
  }
  onTrainBatchEnd(trainer: Trainer, _model: unknown, result: { loss: number }, batchIndex: number): void {
    this.losses.push(result.loss)
    this.events.push(`batch ${batchIndex} step ${trainer.globalStep}`)
  }
  onTrainEpochEnd(trainer: Trainer): void {
    this.events.push(`epoch ${trainer.currentEpoch} end`)
  }
  onLog(_trainer: Trainer, metrics: Metrics, step: number): void {
    this.logs.push({ step, metrics })
    this.events.push('val_loss' in metrics ? 'log validation' : 'log')
  }
  onValidationStart(_trainer: Trainer, _model: unknown, batches: number): void {
    this.events.push(`validation of ${batches}`)
  }
  onValidationBatchEnd(_trainer: Trainer, _model: unknown, batchIndex: number): void {
    this.events.push(`val batch ${batchIndex}`)
  }
  onValidationEnd(): void {
    this.events.push('validation end')
  }
  onMessage(_trainer: Trainer, line: string): void {
    this.messages.push(line)
  }
  onInterrupt(): void {
    this.events.push('interrupt')
  }
  onException(_trainer: Trainer, _model: unknown, error: unknown): void {
    this.events.push(`exception ${(error as Error).name}`)
  }
  onFitEnd(): void {
    this.events.push('fit end')
  }

  /** Events that begin with a word. */
  of(word: string): string[] {
    return this.events.filter((event) => event.startsWith(word))
  }
}
