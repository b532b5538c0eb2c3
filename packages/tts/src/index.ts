export { TtsError } from './errors.js'
// Losses
export { DiscriminatorLoss, FeatureMatchingLoss, GeneratorLoss } from './losses/hifiganLosses.js'
export { LogSTFTMagnitudeLoss } from './losses/logSTFTMagnitudeLoss.js'
export { MultiResolutionSTFTLoss, type MultiResolutionSTFTLossConfig } from './losses/multiResolutionSTFTLoss.js'
export { SpectralConvergenceLoss } from './losses/spectralConvergenceLoss.js'
export { STFTLoss, type STFTLossConfig } from './losses/stftLoss.js'
export { type StftGeometry, stftMagnitude } from './losses/stftMagnitude.js'
