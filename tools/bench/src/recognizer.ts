import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { EncDecCTCModel } from '@nemo/asr'
import { Config, isConfigObject, loadYaml, seedInitialisation } from '@nemo/core'
import { BenchError } from './errors.js'

/** Help of `pnpm bench recognizer`. */
export const recognizerHelp = `pnpm bench recognizer --out FOLDER [options]

Writes what pnpm bench transcribe reads: model.nemo, model.onnx and tokens.txt of a recogniser with random weights, whose
speed is that of a trained one. Its texts mean nothing; to compare texts, give transcribe a trained model.

  --out FOLDER     where to write
  --config FILE    the model. Default tools/bench/conf/quartznet15x5.yaml
  --nemo FILE      export this trained model instead
  --seed N         seed of the weights. Default 1`

/** Makes a recogniser's files. */
export async function recognizer(args: readonly string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      config: { type: 'string', default: join(root, 'tools/bench/conf/quartznet15x5.yaml') },
      nemo: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  })
  if (values.out === undefined) throw new BenchError('NEMO_BENCH_USAGE', `--out is missing.\n\n${recognizerHelp}`)
  const folder = resolve(values.out)
  await mkdir(folder, { recursive: true })
  const model = values.nemo
    ? await EncDecCTCModel.restoreFrom<EncDecCTCModel>(values.nemo)
    : randomRecognizer(values.config, Number(values.seed))
  const nemo = join(folder, 'model.nemo')
  await model.saveTo(nemo)
  await model.export(join(folder, 'model.onnx'))
  console.log(`${model.numWeights.toLocaleString('en-US')} weights\n${folder}`)
}

/** A recogniser of a config with random weights. */
export function randomRecognizer(path: string, seed: number): EncDecCTCModel {
  const { model } = new Config(loadYaml(path)).toObject()
  if (!isConfigObject(model)) throw new BenchError('NEMO_BENCH_USAGE', `--config: ${path} has no model section.`)
  seedInitialisation(seed)
  return new EncDecCTCModel(model).eval()
}
