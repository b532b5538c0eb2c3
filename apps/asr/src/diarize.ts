/**
 * Says who speaks when in conversations joined from test recordings of people, by embeddings of asr/speaker.
 *
 *   pnpm recipe asr/diarize --data_dir DIR [speaker_model=MODEL.nemo] [vad_model=MODEL.nemo] [diarizer.oracle_num_speakers=2 ...]
 *
 * Speech is taken from the truth, and found by a model of asr/vad where there is one; the number of speakers is estimated, and
 * given. RTTM files and embeddings are written for each of these ways.
 */
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusteringDiarizer, type Diarization, diarizerConfigSchema } from '@nemo/asr'
import { createExperiment, formatDuration, hydraRunner, writeReport } from '@nemo/core'
import { z } from 'zod'
import { type Conversations, conversationsSchema, makeConversations } from './corpus/conversations.js'
import { printTable } from './training/closingTable.js'
import { dataDirFlag, fetchDigits, progress } from './training/connectedDigits.js'

const schema = z.strictObject({
  name: z.string(),
  speaker_model: z.string().nullable(),
  vad_model: z.string().nullable(),
  corpus: conversationsSchema.extend({ dir: z.string() }),
  diarizer: z.looseObject({}),
  collar: z.number().min(0),
  ignore_overlap: z.boolean(),
  exp_manager: z.strictObject({ exp_dir: z.string(), name: z.string() }),
})

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'diarize',
    schema,
    flags: { data_dir: dataDirFlag },
    description: 'Says who speaks when in conversations of people.',
  },
  async (config, { config: composed, flags }) => {
    const started = performance.now()
    const { dir, ...parameters } = config.corpus
    const speakerModel = config.speaker_model ?? newestModel(config.exp_manager.exp_dir, 'speaker')
    if (speakerModel === undefined)
      throw new Error('There is no speaker model yet. Run asr/speaker first, or give speaker_model=MODEL.nemo.')
    const vadModel = config.vad_model ?? newestModel(config.exp_manager.exp_dir, 'vad')
    const corpus = await makeConversations({ dataDir: flags.data_dir ?? (await fetchDigits()), dir, parameters })
    const files = corpus.conversations.map(({ audioFile }) => audioFile)
    const experiment = await createExperiment(config.exp_manager)
    await experiment.writeConfig(composed)
    const counts = join(experiment.dir, 'speakers.txt')
    const rows = corpus.conversations.map(({ speakers }, i) => `conversation-${i} ${speakers}\n`)
    await writeFile(counts, rows.join(''))
    const ways = [
      { name: 'speech known, speakers known', vad: undefined, known: true },
      { name: 'speech known, speakers estimated', vad: undefined, known: false },
      ...(vadModel === undefined
        ? []
        : [
            { name: 'speech found, speakers known', vad: vadModel, known: true },
            { name: 'speech found, speakers estimated', vad: vadModel, known: false },
          ]),
    ]
    const results: { name: string; found: Diarization }[] = []
    for (const { name, vad, known } of ways) {
      const settings = diarizerConfigSchema.shape.diarizer.parse({
        ...config.diarizer,
        oracle_num_speakers: known ? counts : (config.diarizer.oracle_num_speakers ?? null),
        out_dir: join(experiment.dir, name.replaceAll(', ', '-').replaceAll(' ', '_')),
        path2groundtruth_rttm_files: corpus.conversations.map(({ rttmFile }) => rttmFile),
        vad: { ...(config.diarizer.vad as object | undefined), model_path: vad ?? null },
        speaker_embeddings: {
          ...(config.diarizer.speaker_embeddings as object | undefined),
          oracle_vad_manifest: vad === undefined ? corpus.speechManifest : null,
          model_path: speakerModel,
        },
      })
      const diarizer = await ClusteringDiarizer.create({ diarizer: settings })
      const options = { collar: config.collar, ignoreOverlap: config.ignore_overlap }
      results.push({ name, found: await diarizer.diarize(files, { ...options, ...progress(name, 'conversation') }) })
    }
    const percent = (value: number) => `${(value * 100).toFixed(2)} %`
    const columns = ['', 'error rate', 'missed', 'false alarm', 'confusion', 'right number of speakers']
    const table = results.map(({ name, found: { errors, recordings } }) => {
      const { total, missed, falseAlarm, confusion, errorRate } = errors!
      const right = recordings.filter(({ numSpeakers }, i) => numSpeakers === corpus.conversations[i]!.speakers)
      return [
        name,
        percent(errorRate),
        ...[missed, falseAlarm, confusion].map((seconds) => percent(seconds / total)),
        `${right.length} of ${recordings.length}`,
      ]
    })
    printTable(columns, table)
    const metrics = Object.fromEntries(
      results.map(({ name, found }) => [
        `der_${name.replaceAll(', ', '_').replaceAll(' ', '_')}`,
        found.errors!.errorRate,
      ]),
    )
    printTable(
      ['result', ''],
      [
        [
          'conversations',
          `${files.length}, ${(results[0]!.found.errors!.total / 60).toFixed(1)} min of speech that counts`,
        ],
        ['speaker model', speakerModel],
        ['voice activity model', vadModel ?? 'none: run asr/vad to find speech as well'],
        ['time', formatDuration((performance.now() - started) / 1000)],
      ],
    )
    await experiment.writeResult({ metrics, seed: config.corpus.seed })
    await writeReport(experiment.path('report.html'), {
      title: 'Who speaks when',
      sections: [
        { kind: 'table', title: 'Diarisation error rates', columns, rows: table },
        {
          kind: 'table',
          title: 'Conversations',
          columns: ['conversation', 'people', ...results.map(({ name }) => name)],
          rows: perConversation(corpus.conversations, results),
        },
        { kind: 'config', title: 'Config', config: composed },
      ],
    })
    experiment.close()
    console.log(experiment.dir)
    return metrics
  },
)

/** The error rate of each conversation, in per cent, for each way. */
function perConversation(
  conversations: Conversations['conversations'],
  results: readonly { readonly found: Diarization }[],
): (string | number)[][] {
  return conversations.map(({ speakers }, i) => [
    `conversation-${i}`,
    speakers,
    ...results.map(({ found }) => Math.round((found.recordings[i]!.errors?.errorRate ?? Number.NaN) * 1e4) / 100),
  ])
}

/** The archive of a recipe's newest run that has one. */
function newestModel(experiments: string, recipe: string): string | undefined {
  const folder = join(experiments, recipe)
  if (!existsSync(folder)) return undefined
  const runs = readdirSync(folder).sort().reverse()
  return runs.map((run) => join(folder, run, `${recipe}.nemo`)).find((path) => existsSync(path))
}
