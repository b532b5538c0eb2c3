/**
 * Fine-tunes a recogniser on other data and another vocabulary: the encoder's weights are kept, the decoder starts anew.
 *
 *   pnpm recipe asr/finetune init_from_nemo_model=MODEL.nemo --data_dir DIR
 *   pnpm recipe asr/finetune init_from_pretrained_model=stt_en_quartznet15x5 --data_dir DIR
 *   pnpm recipe asr/finetune init_from_nemo_model=MODEL.nemo corpus=null model.train_ds.manifest_filepath=TRAIN.json ...
 *
 * Data: connected digits, unless the manifests are given. Models: any recogniser, by CTC or a transducer, of characters (the new ones
 * are `labels`) or of sub-words (`new_tokenizer`, or one trained on the transcripts).
 */
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ASRModel,
  buildTokenizer,
  EncDecCTCModel,
  EncDecCTCModelBPE,
  EncDecRNNTBPEModel,
  EncDecRNNTModel,
} from '@nemo/asr'
import {
  asStateDict,
  type ConfigObject,
  ConfigValidationError,
  fromNemo09StateDict,
  getLogger,
  hydraRunner,
  Model,
  mergeConfigs,
  nemo09ModuleOf,
  type RestoreOptions,
  readTorchFile,
} from '@nemo/core'
import { z } from 'zod'
import { dataDirFlag, prepareDigits, subwordDigitsSchema, trainOnDigits } from './training/connectedDigits.js'
import { trainRecognizer } from './training/trainRecognizer.js'

const source = z.string().nullable().default(null)

const schema = subwordDigitsSchema.extend({
  /** Null where `model` names the manifests. */
  corpus: subwordDigitsSchema.shape.corpus.nullable(),
  /** Where the model comes from, one of these: an archive, a public model's name, a checkpoint of a run. */
  init_from_nemo_model: source,
  init_from_pretrained_model: source,
  init_from_ptl_ckpt: source,
  /** Checkpoints of NeMo 0.x modules (`JasperEncoder-STEP-24.pt`); `model` is then the whole config. */
  init_from_pt: z.array(z.string()).default([]),
  /** New characters; null keeps the model's own. */
  labels: z.array(z.string()).nullable(),
  /** New tokenizer of a model of sub-words. Without `dir` one is trained on the transcripts; null keeps the model's own. */
  new_tokenizer: z.object({ dir: z.string().nullable(), type: z.enum(['bpe', 'wpe']) }).nullable(),
  freeze_encoder: z.boolean(),
})
type FinetuneConfig = z.output<typeof schema>

const sources = ['init_from_nemo_model', 'init_from_pretrained_model', 'init_from_ptl_ckpt'] as const
const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'finetune',
    schema,
    flags: { data_dir: dataDirFlag },
    description: 'Fine-tunes a recogniser on other data and another vocabulary.',
  },
  async (config, { config: composed, flags }) => {
    checkSource(config)
    if (config.corpus) await prepareDigits(config.corpus, flags.data_dir)
    const create = async (changes: ConfigObject): Promise<ASRModel> => {
      const model = await startingModel(config, changes)
      await changeVocabulary(model, config)
      if (config.freeze_encoder) model.encoder.freeze()
      return model
    }
    const training = { create, config, composed, title: 'Fine-tuning' }
    if (config.corpus) return (await trainOnDigits(training))?.found
    const { experiment, fit, metrics } = await trainRecognizer(training)
    if (fit.status === 'interrupted') process.exitCode = 130
    console.log(experiment.dir)
    return { ...metrics }
  },
)

function checkSource(config: FinetuneConfig): void {
  const given = [
    ...sources.filter((key) => config[key] !== null),
    ...(config.init_from_pt.length > 0 ? ['init_from_pt'] : []),
  ]
  if (given.length === 1) return
  const found = given.length === 0 ? 'none' : given.join(' and ')
  const message = `expected one of ${[...sources, 'init_from_pt'].join(', ')}, found ${found}`
  throw new ConfigValidationError([{ keyPath: 'init_from_nemo_model', message }], 'finetune')
}

/** The model with its old vocabulary, its config changed as asked for. */
async function startingModel(config: FinetuneConfig, changes: ConfigObject): Promise<ASRModel> {
  if (config.init_from_pt.length > 0) return fromModules(config.init_from_pt, changes)
  // Data and optimiser are those of this run alone; of the rest, what is given wins.
  const overrideConfig = ({ train_ds: _, validation_ds: __, test_ds: ___, optim: ____, ...saved }: ConfigObject) =>
    mergeConfigs(saved, changes)
  const options: RestoreOptions = { overrideConfig }
  const model =
    config.init_from_nemo_model !== null
      ? await Model.restoreFrom(config.init_from_nemo_model, options)
      : config.init_from_pretrained_model !== null
        ? await Model.fromPretrained(config.init_from_pretrained_model, options)
        : await Model.loadFromCheckpoint(config.init_from_ptl_ckpt!, options)
  if (!(model instanceof ASRModel)) throw new TypeError(`expected a recogniser of text, found a ${model.target}.`)
  return model.train()
}

// Weights of NeMo 0.x: of the encoder; those of a decoder for as many labels too.
async function fromModules(paths: readonly string[], config: ConfigObject): Promise<ASRModel> {
  const model = EncDecCTCModel.fromConfigDict<EncDecCTCModel>(config, { keyPath: 'model' })
  const own = model.namedTensors()
  for (const path of paths) {
    const state = asStateDict(await readTorchFile(path), path)
    const weights = new Map(fromNemo09StateDict(nemo09ModuleOf(basename(path)), state))
    const fitting = [...weights].filter(([name, value]) => String(own.get(name)?.shape) === String(value.shape))
    log.info(`${path}: ${fitting.length} of ${weights.size} tensors taken`)
    model.loadStateDict(new Map(fitting), { strict: false })
  }
  return model
}

async function changeVocabulary(model: ASRModel, config: FinetuneConfig): Promise<void> {
  const before = model.labels.length
  if (model instanceof EncDecCTCModelBPE || model instanceof EncDecRNNTBPEModel) {
    if (config.new_tokenizer === null) return
    const { dir, type } = config.new_tokenizer
    await model.changeVocabulary(dir ?? (await trainTokenizer(config)), dir === null ? 'bpe' : type)
  } else if (config.labels !== null && (model instanceof EncDecCTCModel || model instanceof EncDecRNNTModel)) {
    await model.changeVocabulary(config.labels)
  }
  log.info(`vocabulary: ${model.labels.length} labels, before ${before}`)
}

function trainTokenizer({ tokenizer, model }: FinetuneConfig): Promise<string> {
  const { manifest_filepath } = model.train_ds as { readonly manifest_filepath: string | string[] }
  return buildTokenizer({ ...tokenizer, tokenizer: 'spe', manifest: manifest_filepath })
}
