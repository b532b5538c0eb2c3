import type { Runtime } from '@nemo/graph'
import type { Comparison } from './comparison.js'
import type { GoldenCase } from './goldenCase.js'

/** Where a handler computes. */
export interface CaseContext {
  readonly runtime: Runtime
}

/** Computes one kind of case with our code. */
export interface CaseHandler {
  /** For messages. */
  readonly kind: string
  /** Whether a case is of this kind, by what its `case.json` holds. */
  matches(golden: GoldenCase): boolean
  /** Computes the case and compares everything that it stores. */
  run(golden: GoldenCase, comparison: Comparison, context: CaseContext): Promise<void>
}
