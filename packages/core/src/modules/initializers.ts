import { sizeOf, type TensorData } from '@nemo/graph'
import { initialisationGenerator } from './randomGenerator.js'

let skipping = false

/**
 * Builds modules whose weights stay zeros: quick, and large arrays take no memory before they are written to. For counting
 * weights, and for modules that are given all of them right after.
 */
export function withoutInitialisation<T>(build: () => T): T {
  const outer = skipping
  skipping = true
  try {
    return build()
  } finally {
    skipping = outer
  }
}

function fill(shape: readonly number[], draw: () => number): TensorData<'float32'> {
  const data = new Float32Array(sizeOf(shape))
  if (skipping) return { dtype: 'float32', shape, data }
  for (let i = 0; i < data.length; i++) data[i] = draw()
  return { dtype: 'float32', shape, data }
}

/** Inputs and outputs of one unit, receptive field included. PyTorch's `_calculate_fan_in_and_fan_out`. */
export function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const field = sizeOf(shape.slice(2))
  return { fanIn: (shape[1] ?? 1) * field, fanOut: (shape[0] ?? 1) * field }
}

/** All elements `value`. */
export const constantInit = (shape: readonly number[], value: number): TensorData<'float32'> => fill(shape, () => value)
/** All zeros. */
export const zeros = (shape: readonly number[]): TensorData<'float32'> => constantInit(shape, 0)
/** All ones. */
export const ones = (shape: readonly number[]): TensorData<'float32'> => constantInit(shape, 1)

/** Uniform in [low, high). */
export function uniformInit(shape: readonly number[], low: number, high: number): TensorData<'float32'> {
  const generator = initialisationGenerator()
  return fill(shape, () => generator.uniform(low, high))
}

/** Normal with the given mean and standard deviation. */
export function normalInit(shape: readonly number[], mean = 0, std = 1): TensorData<'float32'> {
  const generator = initialisationGenerator()
  return fill(shape, () => mean + std * generator.normal())
}

/** U(-a, a), a = gain sqrt(6 / (fanIn + fanOut)). Glorot & Bengio 2010; PyTorch's `xavier_uniform_`. */
export function xavierUniform(shape: readonly number[], gain = 1): TensorData<'float32'> {
  const { fanIn, fanOut } = fans(shape)
  const limit = gain * Math.sqrt(6 / (fanIn + fanOut))
  return uniformInit(shape, -limit, limit)
}

/** N(0, gain² 2 / (fanIn + fanOut)). PyTorch's `xavier_normal_`. */
export function xavierNormal(shape: readonly number[], gain = 1): TensorData<'float32'> {
  const { fanIn, fanOut } = fans(shape)
  return normalInit(shape, 0, gain * Math.sqrt(2 / (fanIn + fanOut)))
}

/** U(-a, a), a = gain sqrt(3 / fanIn), gain sqrt(2) for ReLU. He et al. 2015; PyTorch's `kaiming_uniform_`. */
export function kaimingUniform(shape: readonly number[], gain = Math.SQRT2): TensorData<'float32'> {
  const limit = gain * Math.sqrt(3 / fans(shape).fanIn)
  return uniformInit(shape, -limit, limit)
}

/** N(0, gain² / fanIn). PyTorch's `kaiming_normal_`. */
export function kaimingNormal(shape: readonly number[], gain = Math.SQRT2): TensorData<'float32'> {
  return normalInit(shape, 0, gain / Math.sqrt(fans(shape).fanIn))
}

/** What PyTorch gives Linear and Conv by default: U(-1/sqrt(fanIn), 1/sqrt(fanIn)), for weights and biases alike. */
export function defaultUniform(shape: readonly number[], fanIn: number): TensorData<'float32'> {
  const limit = fanIn === 0 ? 0 : 1 / Math.sqrt(fanIn)
  return uniformInit(shape, -limit, limit)
}
