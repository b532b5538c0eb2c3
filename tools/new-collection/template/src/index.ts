export { MeanPoolingDecoder, type MeanPoolingDecoderConfig } from './modules/meanPoolingDecoder.js'
