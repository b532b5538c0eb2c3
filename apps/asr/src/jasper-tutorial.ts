/**
 * Trains a Jasper with NeMo's first API, line for line as its tutorial does.
 *
 *   pnpm recipe asr/jasper-tutorial [train_dataset=M.json eval_datasets=M.json model_definition=jasper12x1SEP.yaml ...]
 *
 * Source: NeMo v0.9.0 docs/sources/source/asr/tutorial.rst.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type AsrEvaluation,
  AudioToMelSpectrogramPreprocessor,
  AudioToTextDataLayer,
  CTCLossNM,
  GreedyCTCDecoder,
  JasperDecoderForCTC,
  JasperEncoder,
  monitorAsrTrainProgress,
  processEvaluationBatch,
  processEvaluationEpoch,
  SpectrogramAugmentation,
} from '@nemo/asr'
import {
  CheckpointCallback,
  EvaluatorCallback,
  hydraRunner,
  NeuralModuleFactory,
  SimpleLossLoggerCallback,
} from '@nemo/core'
import { makeSpokenDigits } from './corpus/spokenDigits.js'
import { jasperTutorialSchema, readJasperDefinition } from './jasper/definition.js'

const conf = join(dirname(fileURLToPath(import.meta.url)), '..', 'conf')

await hydraRunner(
  {
    configPath: conf,
    configName: 'jasper-tutorial',
    schema: jasperTutorialSchema,
    description: "Trains a Jasper with NeMo's first API.",
  },
  async (args) => {
    // Create a Neural Factory: it creates log files and TensorBoard writers for us among other functions
    const nf = new NeuralModuleFactory({ logDir: args.log_dir, createTbWriter: true, randomSeed: args.seed })
    const { tbWriter, logger } = nf

    // Paths to our training and validation manifests
    const { dir, ...parameters } = args.corpus
    const corpus = args.train_dataset === null ? await makeSpokenDigits({ dir, parameters }) : undefined
    const trainDataset = args.train_dataset ?? corpus!.manifests.train
    const evalDatasets = args.eval_datasets ?? corpus?.manifests.dev ?? trainDataset

    // Jasper Model definition
    const jasperModelDefinition = readJasperDefinition(join(conf, 'jasper', args.model_definition))
    const { labels } = jasperModelDefinition

    // Instantiate neural modules
    const dataLayer = await AudioToTextDataLayer.open({
      manifest_filepath: trainDataset,
      labels,
      batch_size: args.batch_size,
      seed: args.seed,
    })
    const dataLayerVal = await AudioToTextDataLayer.open({
      manifest_filepath: evalDatasets,
      labels,
      batch_size: args.batch_size,
      shuffle: false,
    })

    const dataPreprocessor = new AudioToMelSpectrogramPreprocessor()
    const specAugment = new SpectrogramAugmentation(jasperModelDefinition.SpectrogramAugmentation)

    const jasperEncoder = new JasperEncoder({ feat_in: 64, ...jasperModelDefinition.JasperEncoder })
    const jasperDecoder = new JasperDecoderForCTC({ feat_in: jasperEncoder.featOut, num_classes: labels.length })
    const ctcLoss = new CTCLossNM({ num_classes: labels.length })
    const greedyDecoder = new GreedyCTCDecoder()

    // Training DAG (Model)
    const { audioSignal, aSigLength, transcripts, transcriptLength } = dataLayer.forward()
    const { processedSignal, processedLength } = dataPreprocessor.forward({
      inputSignal: audioSignal,
      length: aSigLength,
    })
    const { augmentedSpec } = specAugment.forward({ inputSpec: processedSignal })
    const { outputs: encoded, encodedLengths } = jasperEncoder.forward({
      audioSignal: augmentedSpec,
      length: processedLength,
    })
    const { output: logProbs } = jasperDecoder.forward({ encoderOutput: encoded })
    const { predictions } = greedyDecoder.forward({ logProbs })
    const { loss } = ctcLoss.forward({
      logProbs,
      targets: transcripts,
      inputLength: encodedLengths,
      targetLength: transcriptLength,
    })

    // Validation DAG (Model)
    // We need to instantiate additional data layer neural module for validation data
    const validation = dataLayerVal.forward()
    const { processedSignal: processedSignalV, processedLength: processedLengthV } = dataPreprocessor.forward({
      inputSignal: validation.audioSignal,
      length: validation.aSigLength,
    })
    // Note that we are not using data-augmentation in validation DAG
    const { outputs: encodedV, encodedLengths: encodedLengthsV } = jasperEncoder.forward({
      audioSignal: processedSignalV,
      length: processedLengthV,
    })
    const { output: logProbsV } = jasperDecoder.forward({ encoderOutput: encodedV })
    const { predictions: predictionsV } = greedyDecoder.forward({ logProbs: logProbsV })
    const { loss: lossV } = ctcLoss.forward({
      logProbs: logProbsV,
      targets: validation.transcripts,
      inputLength: encodedLengthsV,
      targetLength: validation.transcriptLength,
    })

    // Callback to track loss and print predictions during training
    const trainCallback = new SimpleLossLoggerCallback({
      tbWriter,
      // Define the tensors that you want SimpleLossLoggerCallback to operate on
      // Here we want to print our loss, and our word error rate which
      // is a function of our predictions, transcripts, and transcriptLength
      tensors: [loss, predictions, transcripts, transcriptLength],
      // To print logs to screen, define a printFunc
      printFunc: (values) => monitorAsrTrainProgress(values, { labels, logger }),
      getTbValues: ([trainLoss]) => [['loss', trainLoss!]],
      stepFreq: args.log_freq,
    })

    const saverCallback = new CheckpointCallback({
      folder: nf.checkpointDir!,
      // Set how often we want to save checkpoints
      stepFreq: args.checkpoint_freq,
    })

    // PRO TIP: while you can only have 1 train DAG, you can have as many
    // val DAGs and callbacks as you want. This is useful if you want to monitor
    // progress on more than one val dataset at once (say LibriSpeech dev clean
    // and dev other)
    let wer = Number.NaN
    const evalCallback = new EvaluatorCallback<AsrEvaluation, Record<string, number>>({
      evalTensors: [lossV, predictionsV, validation.transcripts, validation.transcriptLength],
      // how to process evaluation batch - e.g. compute WER
      userIterCallback: (values, globalVars) => processEvaluationBatch(values, globalVars, { labels }),
      // how to aggregate statistics (e.g. WER) for the evaluation epoch
      userEpochsDoneCallback: (globalVars) => {
        const results = processEvaluationEpoch(globalVars, { tag: 'DEV-CLEAN', logger })
        wer = results['Evaluation_WER_DEV-CLEAN']!
        return results
      },
      evalStep: args.eval_freq,
      tbWriter,
    })

    // Run training using your Neural Factory
    // Once this "action" is called data starts flowing along train and eval DAGs
    // and computations start to happen
    const { status } = await nf.train({
      // Specify the loss to optimize for
      tensorsToOptimize: [loss],
      // Specify which callbacks you want to run
      callbacks: [trainCallback, evalCallback, saverCallback],
      // Specify what optimizer to use
      optimizer: 'novograd',
      // Specify optimizer parameters such as num_epochs and lr
      optimizationParams: {
        num_epochs: args.num_epochs,
        max_steps: args.max_steps,
        lr: args.lr,
        weight_decay: args.weight_decay,
      },
    })
    if (status === 'interrupted') process.exitCode = 130
    await nf.close()
    console.log(args.log_dir)
    return { eval_wer: wer }
  },
)
