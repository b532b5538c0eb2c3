import { type Anomaly, describeAnomaly } from './anomaly.js'
import { AnomalyError, NonFiniteLossError } from './errors.js'
import type { StepResult } from './trainingProgram.js'

/** A step that has been made, for messages. */
export interface StepPlace {
  /** Optimiser steps done before it. */
  readonly globalStep: number
  /** Epoch, batch and the like. */
  readonly where: string
}

/**
 * Sees that loss and gradients of a step are numbers.
 *
 * @param result.loss - Undefined where the step only moved the weights; then `lastLoss` is told.
 * @param options.terminateOnNan - Whether NaN and infinities are errors.
 * @throws AnomalyError naming the op, where that was looked for; NonFiniteLossError.
 */
export function requireSound(
  result: Partial<Pick<StepResult, 'loss' | 'gradNorm' | 'anomaly'>>,
  place: StepPlace,
  options: { readonly terminateOnNan: boolean; readonly lastLoss?: number | undefined },
): void {
  const { loss = options.lastLoss ?? Number.NaN, gradNorm, anomaly } = result
  if (anomaly) throw anomalyError(anomaly, place)
  if (!options.terminateOnNan) return
  if (result.loss !== undefined) requireFinite('loss', result.loss, loss, place)
  if (gradNorm !== undefined) requireFinite('norm of the gradients', gradNorm, loss, place)
}

function anomalyError(anomaly: Anomaly, { globalStep, where }: StepPlace): AnomalyError {
  return new AnomalyError(
    globalStep,
    anomaly,
    `Training step ${globalStep} (${where}) is no longer sound. ${describeAnomaly(anomaly)} The weights are those before the step.`,
  )
}

function requireFinite(what: string, value: number, loss: number, { globalStep, where }: StepPlace): void {
  if (Number.isFinite(value)) return
  throw new NonFiniteLossError(
    globalStep,
    loss,
    `The ${what} is ${value} at step ${globalStep} (${where}). The weights are spoilt; go on from the last checkpoint with a smaller learning rate, gradient clipping or cleaner data.`,
  )
}
