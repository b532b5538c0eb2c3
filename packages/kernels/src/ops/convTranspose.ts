export { ConvTranspose } from './conv.js'
