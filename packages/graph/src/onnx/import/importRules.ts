import type { ImportRule, RuleTable } from './importRule.js'
import { attentionRules } from './rules/attention.js'
import { constantRules } from './rules/constants.js'
import { controlFlowRules } from './rules/controlFlow.js'
import { convolutionRules } from './rules/convolution.js'
import { elementwiseRules } from './rules/elementwise.js'
import { gatherRules } from './rules/gather.js'
import { lossRules } from './rules/loss.js'
import { matMulRules } from './rules/matMul.js'
import { normalizationRules } from './rules/normalization.js'
import { poolingRules } from './rules/pooling.js'
import { quantizationRules } from './rules/quantization.js'
import { randomRules } from './rules/random.js'
import { recurrentRules } from './rules/recurrent.js'
import { reductionRules } from './rules/reduction.js'
import { resizeRules } from './rules/resize.js'
import { shapeRules } from './rules/shape.js'
import { spectralRules } from './rules/spectral.js'

/** Oldest opset whose ops have the semantics that the rules start from (NumPy broadcasting). */
export const OLDEST_OPSET = 7
/** Newest opset that the rules were checked against. */
export const NEWEST_OPSET = 28

/** Rules by family, as the files beside this one hold them. */
export const ruleFamilies: Readonly<Record<string, RuleTable>> = {
  attention: attentionRules,
  constant: constantRules,
  controlFlow: controlFlowRules,
  convolution: convolutionRules,
  elementwise: elementwiseRules,
  gather: gatherRules,
  loss: lossRules,
  matMul: matMulRules,
  normalization: normalizationRules,
  pooling: poolingRules,
  quantization: quantizationRules,
  random: randomRules,
  recurrent: recurrentRules,
  reduction: reductionRules,
  resize: resizeRules,
  shape: shapeRules,
  spectral: spectralRules,
}

/** Rules of the standard ops, `ai.onnx`. */
export const standardRules: RuleTable = Object.assign({}, ...Object.values(ruleFamilies)) as RuleTable

/** The rule of an op in an opset version, if there is one. */
export function importRule(domain: string, type: string, version: number): ImportRule | undefined {
  if (domain !== '' || !Object.hasOwn(standardRules, type)) return undefined
  const found = standardRules[type]!
  return found.since <= version && version <= (found.until ?? Number.POSITIVE_INFINITY) ? found : undefined
}
