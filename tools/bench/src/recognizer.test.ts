import { join } from 'node:path'
import { EncDecCTCModel } from '@nemo/asr'
import { Config, type ConfigObject, loadYaml } from '@nemo/core'
import { expect, it } from 'vitest'

it('QuartzNet 15x5 has the weights of NeMo’s published English model', () => {
  const { model } = new Config(loadYaml(join(import.meta.dirname, '../conf/quartznet15x5.yaml'))).toObject()
  expect(new EncDecCTCModel(model as ConfigObject).numWeights).toBe(18_924_381)
})
