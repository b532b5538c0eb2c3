import { constant, dropout, mul, randomBits, randomIntegers, randomNormal, randomUniform } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

checkKernel('random bits are those of the CPU', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: SIZES,
  seed: 1234567890123,
  gradient: false,
  tolerance: [0, 0],
  build: ([x]) => [randomBits(['B', 'T'], [x!]), randomBits([7]), mul(randomUniform(['T'], 0, 1, [x!]), 1)],
})
checkKernel('dropout drops the same elements as on the CPU', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: SIZES,
  seed: 3,
  build: ([x]) => dropout(x!, 0.3),
})
checkKernel('random integers and normal numbers equal those of the CPU', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: SIZES,
  seed: 5,
  gradient: false,
  tolerance: [2e-3, 2e-3],
  build: ([x]) => [randomIntegers(['B', 'T'], constant(1000, 'int64'), [x!]), randomNormal(['B', 'T'], [x!])],
})
