import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  averageCheckpoints,
  averageNemo,
  Model,
  ModelCheckpoint,
  RunCheckpointError,
  readNemo,
  readTorchFile,
  Trainer,
  TrainerError,
} from '../../src/index.js'
import { tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
let paths: string[] = []
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-average-'))
  const model = tinyModel()
  model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 4 }) }]
  const callbacks = [new ModelCheckpoint({ dirpath: scratch, save_top_k: -1, always_save_nemo: true })]
  await new Trainer({ max_epochs: 3, num_sanity_val_steps: 0 }, { runtime, callbacks }).fit(model)
  const names = (await readdir(scratch)).filter((name) => name.endsWith('.ckpt') && !name.endsWith('-last.ckpt')).sort()
  paths = names.map((name) => join(scratch, name))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

type Tensors = ReadonlyMap<string, { readonly dtype: string; readonly data: ArrayLike<number | bigint> }>
const weightsIn = async (path: string) =>
  ((await readTorchFile(path)) as unknown as Map<string, Tensors>).get('state_dict')!

it('averages floats and takes whole numbers from the last file', async () => {
  expect(paths).toHaveLength(3)
  const all = await Promise.all(paths.map(weightsIn))
  const averaged = (await averageCheckpoints(paths)) as unknown as Tensors
  expect([...averaged.keys()]).toEqual([...all[0]!.keys()])
  for (const [name, { dtype, data }] of averaged) {
    const wanted = Array.from(data, (_, i) => {
      const values = all.map((weights) => Number(weights.get(name)!.data[i]))
      return dtype === 'int64' ? values.at(-1)! : Math.fround(values.reduce((sum, value) => sum + value, 0) / 3)
    })
    expect(Array.from(data, Number), name).toEqual(wanted)
  }
})

it('makes an archive of the checkpoints beside another one, without the last one of the run', async () => {
  const nemo = join(scratch, 'model.nemo')
  const { output, checkpoints } = await averageNemo(nemo)
  expect(output).toBe(join(scratch, 'model-averaged.nemo'))
  expect(checkpoints).toEqual(paths)
  const restored = await weightsOf(await Model.restoreFrom(output))
  const averaged = (await averageCheckpoints(paths)) as unknown as Tensors
  for (const [name, { data }] of averaged) expect(restored[name], name).toEqual(Array.from(data, Number))
  expect((await readNemo(output)).config).toBe((await readNemo(nemo)).config)
  const single = await averageNemo(nemo, { checkpoints: [nemo], output: join(scratch, 'same.nemo') })
  expect((await readNemo(single.output)).weights).toEqual((await readNemo(nemo)).weights)
})

it('finds checkpoints where experiments keep them, in a folder beside the archive', async () => {
  const run = join(scratch, 'run')
  await mkdir(join(run, 'checkpoints'), { recursive: true })
  await copyFile(join(scratch, 'model.nemo'), join(run, 'model.nemo'))
  await expect(averageNemo(join(run, 'model.nemo'))).rejects.toThrow('There are no checkpoints')
  const copies = paths.map((path) => join(run, 'checkpoints', basename(path)))
  for (const [i, path] of paths.entries()) await copyFile(path, copies[i]!)
  expect((await averageNemo(join(run, 'model.nemo'))).checkpoints).toEqual(copies)
})

it('refuses files of other models, and nothing at all', async () => {
  const other = join(scratch, 'other.nemo')
  await tinyModel({ channels: 5 }).saveTo(other)
  await expect(averageCheckpoints([paths[0]!, other])).rejects.toThrow(RunCheckpointError)
  await expect(averageNemo(other, { checkpoints: paths })).rejects.toThrow(
    /encoder\.weight is float32\[4, 3, 3\], expected float32\[5, 3, 3\]/,
  )
  await expect(averageCheckpoints([])).rejects.toThrow(TrainerError)
})
