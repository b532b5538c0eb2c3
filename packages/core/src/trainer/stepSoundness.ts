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
 * Sees that loss and gradients of a step are numbers. Steps that loss scaling leaves out are no error before the scale is
 * next to nothing.
 *
 * @param result.loss - Undefined where the step only moved the weights; then `lastLoss` is told.
 * @param options.terminateOnNan - Whether NaN and infinities are errors.
 * @throws AnomalyError naming the op, where that was looked for; NonFiniteLossError.
 */
export function requireSound(
  result: Partial<Pick<StepResult, 'loss' | 'gradNorm' | 'anomaly' | 'overflowed' | 'lossScale'>>,
  place: StepPlace,
  options: { readonly terminateOnNan: boolean; readonly lastLoss?: number | undefined },
): void {
  const { loss = options.lastLoss ?? Number.NaN, gradNorm, anomaly } = result
  if (anomaly) throw anomalyError(anomaly, place)
  if (!options.terminateOnNan) return
  if (result.overflowed) {
    requireHope(result.lossScale, loss, place)
    return
  }
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

// The least number of half precision; gradients that overflow with it do so without scaling.
const LEAST_SCALE = 2 ** -24

function requireHope(scale: number | undefined, loss: number, { globalStep, where }: StepPlace): void {
  if (scale === undefined || scale >= LEAST_SCALE) return
  throw new NonFiniteLossError(
    globalStep,
    loss,
    `The gradients are not finite at step ${globalStep} (${where}), however small the loss is scaled. The weights are sound; go on from the last checkpoint with a smaller learning rate, gradient clipping, cleaner data or precision=32.`,
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
