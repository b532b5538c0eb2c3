/**
 * Trains a voice activity detector on synthesised speech in noise, and tries it on real recordings with known borders.
 *
 *   pnpm recipe asr/vad --data_dir DIR [--sentences DIR] [trainer.max_epochs=4 ...]
 *
 * --data_dir is the Free Spoken Digit Dataset, downloaded if not given; --sentences a folder of read sentences, such as
 * LJSpeech's `wavs`.
 */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecClassificationModel, rttmLines, VoiceActivityDetector } from '@nemo/asr'
import { formatDuration, getLogger, hydraRunner } from '@nemo/core'
import { z } from 'zod'
import { rangeSchema } from './corpus/acoustics.js'
import { FRAME_SECONDS, spokenStretches } from './corpus/noisyStream.js'
import { digitStreams, type RealStreams, sentenceStreams } from './corpus/realStreams.js'
import { makeVoiceActivity, voiceActivitySchema } from './corpus/voiceActivity.js'
import { printTable } from './training/closingTable.js'
import { dataDirFlag, fetchDigits, progress } from './training/connectedDigits.js'
import { trainingConfigShape } from './training/trainingConfig.js'
import { trainModel } from './training/trainModel.js'
import { type VadSettings, vadOptions, vadSettingsSchema } from './training/vadSettings.js'

const schema = z.strictObject({
  ...trainingConfigShape,
  corpus: voiceActivitySchema.extend({ dir: z.string() }),
  vad: vadSettingsSchema,
  /** How streams of real speech are made. */
  evaluation: z.strictObject({
    streams: z.int().min(1),
    seconds: z.number().min(1),
    seed: z.int(),
    snr_db: rangeSchema(-20, 100),
  }),
})

/** Frames that were found and that are there. */
interface FrameCounts {
  right: number
  found: number
  spoken: number
  frames: number
  agreed: number
}

const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'vad',
    schema,
    flags: {
      data_dir: dataDirFlag,
      sentences: { type: 'path', help: 'folder of audio files of read sentences, to try the detector on as well' },
    },
    description: 'Trains a voice activity detector on speech in noise that it makes.',
  },
  async (config, { config: composed, flags }) => {
    const started = performance.now()
    const { dir, ...parameters } = config.corpus
    await makeVoiceActivity({ dir, parameters, ...progress('making speech in noise', 'clip') })
    const rate = config.corpus.sample_rate
    const sets = [await digitStreams(flags.data_dir ?? (await fetchDigits()), rate, config.evaluation)]
    if (flags.sentences !== undefined) sets.push(await sentenceStreams(flags.sentences, rate, config.evaluation))
    const found: Record<string, FrameCounts> = {}
    const { experiment, fit, metrics, model } = await trainModel({
      modelClass: EncDecClassificationModel,
      config,
      composed,
      title: 'Voice activity',
      async finish(trained, { dir: folder }) {
        for (const set of sets) {
          log.info(`looking at ${set.streams.length} streams of ${set.name}`)
          found[set.name] = await detect(trained, set, config.vad, folder)
        }
        return Object.fromEntries(
          Object.entries(found).map(([name, counts]) => [`f1_${name.replaceAll(' ', '_')}`, scores(counts).f1]),
        )
      },
    })
    if (fit.status === 'interrupted') {
      process.exitCode = 130
      console.log(experiment.dir)
      return
    }
    const percent = (value: number) => `${(value * 100).toFixed(2)} %`
    printTable(
      ['real recordings in noise', 'speech', 'precision', 'recall', 'frame F1', 'frames right'],
      Object.entries(found).map(([name, counts]) => {
        const { precision, recall, f1, accuracy } = scores(counts)
        return [
          name,
          `${(counts.spoken * FRAME_SECONDS).toFixed(0)} of ${(counts.frames * FRAME_SECONDS).toFixed(0)} s`,
          ...[precision, recall, f1, accuracy].map(percent),
        ]
      }),
    )
    printTable(
      ['result', ''],
      [
        ['clips of unseen synthesised voices', percent(metrics['val_epoch_top@1']!)],
        ['weights', model.numWeights.toLocaleString('en-US')],
        ['time', formatDuration((performance.now() - started) / 1000)],
        ['model', `${config.name}.nemo, ${config.name}.onnx`],
      ],
    )
    console.log(experiment.dir)
    return Object.fromEntries(Object.entries(found).map(([name, counts]) => [name, scores(counts).f1]))
  },
)

/** Compares what is found in streams with what is there, and writes both as RTTM files. */
async function detect(
  model: EncDecClassificationModel,
  set: RealStreams,
  settings: VadSettings,
  folder: string,
): Promise<FrameCounts> {
  const { inference, decision } = vadOptions(settings)
  const detector = new VoiceActivityDetector(model, inference)
  const counts: FrameCounts = { right: 0, found: 0, spoken: 0, frames: 0, agreed: 0 }
  const lines: Record<'truth' | 'found', string[]> = { truth: [], found: [] }
  for (const [i, { samples, active }] of set.streams.entries()) {
    const segments = await detector.segments(samples, decision)
    const heard = new Array<boolean>(active.length).fill(false)
    for (const { start, duration } of segments)
      heard.fill(true, Math.round(start / FRAME_SECONDS), Math.round((start + duration) / FRAME_SECONDS))
    for (const [frame, spoken] of active.entries()) {
      counts.frames++
      if (spoken) counts.spoken++
      if (heard[frame]) counts.found++
      if (spoken && heard[frame]) counts.right++
      if (spoken === heard[frame]) counts.agreed++
    }
    const name = `${set.name.replaceAll(' ', '_')}_${i}`
    lines.found.push(...rttmLines(segments, name))
    lines.truth.push(...rttmLines(spokenStretches(active), name))
  }
  for (const [kind, written] of Object.entries(lines))
    await writeFile(join(folder, `${set.name.replaceAll(' ', '_')}.${kind}.rttm`), `${written.join('\n')}\n`)
  return counts
}

function scores({ right, found, spoken, frames, agreed }: FrameCounts) {
  const ratio = (a: number, b: number) => (b === 0 ? 0 : a / b)
  return {
    precision: ratio(right, found),
    recall: ratio(right, spoken),
    f1: ratio(2 * right, found + spoken),
    accuracy: ratio(agreed, frames),
  }
}
