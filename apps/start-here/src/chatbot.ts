/**
 * Trains a small chatbot on a text of questions and answers, by NeMo's first API.
 *
 *   pnpm recipe start-here/chatbot [datafile=dialogs.txt num_epochs=60 ask='what does a dog say ?' ...]
 *
 * Source: NeMo v0.9.0 examples/start_here/chatbot_example.py.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hydraRunner, NeuralModuleFactory, SimpleLossLoggerCallback } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { z } from 'zod'
import { BeamLuongAttnDecoderRNN } from './chatbot/beamDecoder.js'
import { GreedyLuongAttnDecoderRNN, LuongAttnDecoderRNN } from './chatbot/decoders.js'
import { DialogDataLayer, readDialogs } from './chatbot/dialogDataLayer.js'
import { makeDialogText } from './chatbot/dialogText.js'
import { EncoderRNN } from './chatbot/encoderRNN.js'
import { MaskedXEntropyLoss } from './chatbot/maskedXEntropyLoss.js'
import { normalizeSentence } from './chatbot/vocabulary.js'

const count = z.int().min(1)

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'chatbot',
    schema: z.strictObject({
      datafile: z.string(),
      attn_model: z.enum(['dot', 'general', 'concat']),
      hidden_size: count,
      encoder_n_layers: count,
      decoder_n_layers: count,
      dropout: z.number().min(0).max(1),
      batch_size: count,
      num_epochs: count,
      learning_rate: z.number().positive(),
      beam_size: count,
      ask: z.array(z.string()),
      seed: z.int(),
    }),
    description: "Trains a small chatbot on a text of questions and answers, by NeMo's first API.",
  },
  async (given) => {
    // Get data
    if (!existsSync(given.datafile)) {
      mkdirSync(dirname(given.datafile), { recursive: true })
      writeFileSync(given.datafile, makeDialogText(given.seed))
    }
    const pairs = readDialogs(readFileSync(given.datafile, 'utf8'))

    // instantiate neural factory
    const nf = new NeuralModuleFactory({ randomSeed: given.seed })

    // instantiate neural modules
    const dl = new DialogDataLayer({ pairs, batch_size: given.batch_size, seed: given.seed })
    const config = { ...given, voc_size: dl.vocabulary.size }
    const encoder = new EncoderRNN(config)
    const decoder = new LuongAttnDecoderRNN(config)
    const maskedXEntropy = new MaskedXEntropyLoss()
    // PARAMETER SHARING: between training and auto-regressive inference decoders
    const decoderInfer = new GreedyLuongAttnDecoderRNN(decoder)
    const decoderBeam = new BeamLuongAttnDecoderRNN(decoder, config.beam_size)

    // express activations flow
    const { src, srcLengths, tgt, mask } = dl.forward()
    const encoded = encoder.forward({ inputSeq: src, inputLengths: srcLengths })
    const source = { encoderOutputs: encoded.outputs, encoderLengths: srcLengths, encoderHidden: encoded.hidden }
    const { outputs } = decoder.forward({ targets: tgt, ...source })
    const { loss } = maskedXEntropy.forward({ predictions: outputs, target: tgt, mask })

    // run inference decoder to generate predictions
    const { outputs: outputsInf } = decoderInfer.forward(source)

    // define callback function which prints intermediate results to console
    const sentence = (batch: TensorData, row = 0) => {
      const [, longest = 0] = batch.shape
      return dl.vocabulary.decode(Array.from(batch.data.subarray(row * longest, (row + 1) * longest), Number))
    }
    const callback = new SimpleLossLoggerCallback({
      tensors: [loss, src, outputsInf, tgt],
      stepFreq: 50,
      printFunc: ([value, source, response, target]) => {
        console.log(`Train Loss: ${value!.data[0]}`)
        console.log(
          `SOURCE: ${sentence(source!)} <---> PREDICTED RESPONSE: ${sentence(response!)} <---> TARGET: ${sentence(target!)}`,
        )
      },
    })

    // start training
    const { metrics } = await nf.train({
      tensorsToOptimize: [loss],
      callbacks: [callback],
      optimizer: 'adam',
      optimizationParams: { num_epochs: config.num_epochs, lr: config.learning_rate },
    })

    // ask: a graph of its own, from questions to answers
    const questions = config.ask.length > 0 ? config.ask.map(normalizeSentence) : pairs.map(([question]) => question)
    const asked = new DialogDataLayer({
      pairs: questions.map((question) => [question, '']),
      batch_size: 16,
      vocabulary: dl.vocabulary,
      shuffle: false,
    }).forward()
    const heard = encoder.forward({ inputSeq: asked.src, inputLengths: asked.srcLengths })
    const understood = { encoderOutputs: heard.outputs, encoderLengths: asked.srcLengths, encoderHidden: heard.hidden }
    const [greedy, beam] = await nf.infer({
      tensors: [decoderInfer.forward(understood).outputs, decoderBeam.forward(understood).outputs],
      verbose: false,
    })
    await nf.close()
    const say = (batches: readonly TensorData[]) =>
      batches.flatMap((batch) => Array.from({ length: batch.shape[0]! }, (_, row) => sentence(batch, row)))
    const [answers, best] = [say(greedy!), say(beam!)]
    const right = questions.filter((question, i) => pairs.some(([q, answer]) => q === question && answer === best[i]))
    for (const [i, question] of questions.entries())
      console.log(`${question} -> ${best[i]}${answers[i] === best[i] ? '' : ` (greedy: ${answers[i]})`}`)
    return { train_loss: metrics.train_loss!, known_answers: right.length / questions.length }
  },
)
