import { type CheckedInput, checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, broadcastAt, elementwise } from '../../test/referenceArray.js'
import type { Tensor } from '../tensor.js'
import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardtanh,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  softplus,
  softsign,
  swish,
  tanh,
  thresholdedRelu,
} from './activation.js'
import type { OpType } from './registry.js'

const SELU_ALPHA = Math.fround(1.6732631921768188)
const SELU_GAMMA = Math.fround(1.0507010221481323)
const logistic = (x: number) => 1 / (1 + Math.exp(-x))
// Series and continued fraction of the error function, good to 1e-15.
function errorFunction(x: number): number {
  let sum = x
  let term = x
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const cases: readonly {
  type: OpType
  name: string
  build: (x: Tensor) => Tensor
  value: (x: number) => number
  smooth?: boolean
  range?: CheckedInput['values']
}[] = [
  { type: 'Relu', name: 'relu', build: relu, value: (x) => Math.max(x, 0) },
  {
    type: 'LeakyRelu',
    name: 'leakyRelu',
    build: (x) => leakyRelu(x, 0.2),
    value: (x) => (x > 0 ? x : Math.fround(0.2) * x),
  },
  {
    type: 'ThresholdedRelu',
    name: 'thresholdedRelu',
    build: (x) => thresholdedRelu(x, 0.5),
    value: (x) => (x > 0.5 ? x : 0),
  },
  { type: 'Elu', name: 'elu', build: (x) => elu(x, 1.5), value: (x) => (x > 0 ? x : 1.5 * Math.expm1(x)) },
  {
    type: 'Celu',
    name: 'celu',
    build: (x) => celu(x, 1.5),
    value: (x) => Math.max(0, x) + Math.min(0, 1.5 * Math.expm1(x / 1.5)),
  },
  { type: 'Selu', name: 'selu', build: selu, value: (x) => SELU_GAMMA * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)) },
  { type: 'Softplus', name: 'softplus', build: softplus, value: (x) => Math.log1p(Math.exp(x)), smooth: true },
  { type: 'Softsign', name: 'softsign', build: softsign, value: (x) => x / (1 + Math.abs(x)) },
  { type: 'Sigmoid', name: 'sigmoid', build: sigmoid, value: logistic, smooth: true },
  {
    type: 'HardSigmoid',
    name: 'hardSigmoid',
    build: (x) => hardSigmoid(x, 0.5, 0.5),
    value: (x) => Math.min(1, Math.max(0, 0.5 * x + 0.5)),
  },
  {
    type: 'HardSwish',
    name: 'hardSwish',
    build: hardSwish,
    value: (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
    range: [-5, 5],
  },
  { type: 'Tanh', name: 'tanh', build: tanh, value: Math.tanh, smooth: true },
  { type: 'Mish', name: 'mish', build: mish, value: (x) => x * Math.tanh(Math.log1p(Math.exp(x))), smooth: true },
  {
    type: 'Gelu',
    name: 'gelu',
    build: (x) => gelu(x),
    value: (x) => (x / 2) * (1 + errorFunction(x * Math.SQRT1_2)),
    smooth: true,
  },
  {
    type: 'Gelu',
    name: 'gelu by tanh',
    build: (x) => gelu(x, 'tanh'),
    value: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    smooth: true,
  },
  { type: 'Sigmoid', name: 'swish', build: swish, value: (x) => x * logistic(x), smooth: true },
  { type: 'Clip', name: 'hardtanh', build: (x) => hardtanh(x), value: (x) => Math.min(1, Math.max(-1, x)) },
]

for (const { type, name, build, value, smooth = false, range = [-3, 3] as const } of cases) {
  const check = {
    build: ([x]: readonly Tensor[]) => build(x!),
    secondOrder: smooth,
    gradientTolerance: { absolute: 1e-4, relative: 1e-4 },
  }
  const reference = {
    reference: ([x]: Parameters<Parameters<typeof checkOp>[2]['reference']>[0]) => elementwise(value, x!),
  }
  checkOp(type, `computes ${name} of any shape`, {
    ...check,
    ...reference,
    inputs: [{ shape: ['B', 3, 'T'], values: range }],
    sizes: EDGE_SIZES,
  })
  checkOp(type, `computes ${name} of a scalar`, { ...check, ...reference, inputs: [{ shape: [], values: range }] })
}

checkOp('PRelu', 'has a slope per channel', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3, 1] }],
  sizes: EDGE_SIZES,
  build: ([x, slope]) => prelu(x!, slope!),
  reference: ([x, slope]) =>
    array(x!.shape, (i) => (broadcastAt(x!, i) > 0 ? 1 : broadcastAt(slope!, i)) * broadcastAt(x!, i)),
})
checkOp('PRelu', 'has one slope for everything', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [1] }],
  sizes: EDGE_SIZES,
  build: ([x, slope]) => prelu(x!, slope!),
  reference: ([x, slope]) =>
    array(x!.shape, (i) => (broadcastAt(x!, i) > 0 ? 1 : broadcastAt(slope!, i)) * broadcastAt(x!, i)),
})
