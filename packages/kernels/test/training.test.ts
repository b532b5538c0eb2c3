import { test } from 'vitest'
import { expectSameTraining } from './expectSameTraining.js'
import { testDevice } from './kernelCheck.js'
import { trainSmall } from './smallTraining.js'

test('a network trains on WebGPU with the losses of the CPU', async () => {
  await expectSameTraining(await trainSmall(await testDevice()))
})
