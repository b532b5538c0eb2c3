export { CrossEntropyLoss, type CrossEntropyLossConfig, NLLLoss, type NLLLossConfig } from '@nemo/core'
export { NlpError } from './errors.js'
// Losses
export { AggregatorLoss, type AggregatorLossConfig } from './losses/aggregatorLoss.js'
export { MSELoss, type MSELossConfig } from './losses/mseLoss.js'
export { MultiSimilarityLoss, type MultiSimilarityLossConfig } from './losses/multiSimilarityLoss.js'
export { SmoothedCrossEntropyLoss, type SmoothedCrossEntropyLossConfig } from './losses/smoothedCrossEntropyLoss.js'
export { SpanningLoss } from './losses/spanningLoss.js'
// Metrics
export {
  ClassificationReport,
  type ClassificationReportOptions,
  type ReportMode,
  type Scores,
} from './metrics/classificationReport.js'
export { type Distributions, Perplexity, SequencePerplexity } from './metrics/perplexity.js'
// Heads
export {
  BertPretrainingTokenClassifier,
  type BertPretrainingTokenClassifierConfig,
} from './modules/bertPretrainingTokenClassifier.js'
export { Classifier } from './modules/classifier.js'
export { MultiLayerPerceptron, type MultiLayerPerceptronConfig } from './modules/multiLayerPerceptron.js'
export { SequenceClassifier, type SequenceClassifierConfig } from './modules/sequenceClassifier.js'
export { SequenceRegression, type SequenceRegressionConfig } from './modules/sequenceRegression.js'
export { SequenceTokenClassifier, type SequenceTokenClassifierConfig } from './modules/sequenceTokenClassifier.js'
export { TokenClassifier, type TokenClassifierConfig } from './modules/tokenClassifier.js'
