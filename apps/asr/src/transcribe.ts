/**
 * Transcribes files, folders and manifests with a trained model, recordings of any length: JSON lines, text, CTM, SRT, VTT.
 *
 *   pnpm recipe asr/transcribe model_path=MODEL.nemo audio_dir=DIR [formats=[jsonl,srt]] [output_dir=DIR]
 *
 * Instead of audio_dir: audio_file=FILE, audio_file=[FILE,...], dataset_manifest=FILE. `conf/transcribe.yaml` tells all keys.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModel } from '@nemo/asr'
import { ConfigValidationError, formatDuration, getLogger, hydraRunner, Model, ProgressBar } from '@nemo/core'
import { ort } from '@nemo/graph'
import { z } from 'zod'
import { recordings } from './transcription/recordings.js'
import { transcribeRecordings } from './transcription/transcribeRecordings.js'
import { TranscriptFiles, transcriptFormats } from './transcription/transcriptFiles.js'

const seconds = z.number().positive()
const schema = z.strictObject({
  model_path: z.string().nullable(),
  pretrained_name: z.string().nullable(),
  audio_file: z.union([z.string(), z.array(z.string())]).nullable(),
  audio_dir: z.string().nullable(),
  dataset_manifest: z.string().nullable(),
  audio_type: z.union([z.string(), z.array(z.string())]),
  output_dir: z.string(),
  formats: z.array(z.enum(transcriptFormats)).min(1),
  batch_size: z.int().min(1),
  channel_selector: z.union([z.int().min(0), z.array(z.int().min(0)).min(1), z.enum(['average', 'each'])]),
  timestamps: z.boolean(),
  trim: z.boolean(),
  lexicon: z.array(z.string()).nullable(),
  long_audio_secs: seconds,
  chunk_len_in_secs: seconds,
  context_in_secs: z.number().min(0),
  on_bad_audio: z.enum(['skip', 'error']),
  confidence_cfg: z.looseObject({}),
  num_threads: z.int().min(0),
})
type TranscribeConfig = z.output<typeof schema>

const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'transcribe',
    schema,
    description: 'Transcribes files, folders and manifests with a trained model.',
  },
  async (config) => {
    exactlyOne(config, ['model_path', 'pretrained_name'])
    exactlyOne(config, ['audio_file', 'audio_dir', 'dataset_manifest'])
    const started = performance.now()
    const model = config.model_path
      ? await Model.restoreFrom(config.model_path)
      : await Model.fromPretrained(config.pretrained_name!)
    const timed = model instanceof EncDecCTCModel && config.lexicon === null
    const untimed = config.formats.filter((format) => !timed && format !== 'jsonl' && format !== 'txt')
    if (untimed.length > 0)
      throw new ConfigValidationError([
        {
          keyPath: 'formats',
          message: `${untimed.join(', ')} need times of words, which only CTC models without a lexicon give, found ${model.constructor.name}`,
        },
      ])
    let [bad, done, heard] = [0, 0, 0]
    const onBad = (error: Error, path: string) => {
      bad++
      log.warning(`left out ${path}: ${error.message}`)
    }
    const skipping = config.on_bad_audio === 'skip' && { onBad }
    const list = (value: string | readonly string[] | null) => (typeof value === 'string' ? [value] : (value ?? []))
    const found = recordings(
      {
        files: list(config.audio_file),
        folder: config.audio_dir,
        manifest: config.dataset_manifest,
        types: list(config.audio_type),
        eachChannel: config.channel_selector === 'each',
      },
      skipping ? onBad : undefined,
    )
    const files = await TranscriptFiles.open(config.output_dir, config.formats, { timestamps: config.timestamps })
    const bar = new ProgressBar({ label: 'transcribing', total: undefined, unit: 'recording' })
    const runtime = ort({ threads: config.num_threads })
    try {
      const transcripts = transcribeRecordings(model, found, {
        runtime,
        batchSize: config.batch_size,
        trim: config.trim,
        channels: config.channel_selector === 'each' ? 'average' : config.channel_selector,
        confidence: config.confidence_cfg,
        ...(config.lexicon && { lexicon: config.lexicon }),
        longAudioSeconds: config.long_audio_secs,
        chunkSeconds: config.chunk_len_in_secs,
        contextSeconds: config.context_in_secs,
        ...skipping,
      })
      for await (const transcript of transcripts) {
        await files.write(transcript)
        heard += transcript.recording.duration
        bar.update(++done)
      }
    } finally {
      bar.finish()
      await files.close()
      await runtime.dispose()
    }
    const took = (performance.now() - started) / 1000
    const left = bad > 0 ? `, ${bad} left out because their audio cannot be read` : ''
    log.info(
      `${done} recordings${left}: ${formatDuration(heard)} of audio in ${formatDuration(took)}, ${(heard / took).toFixed(1)} x real time`,
    )
    console.log(config.output_dir)
  },
)

function exactlyOne(config: TranscribeConfig, keys: readonly (keyof TranscribeConfig)[]): void {
  const given = keys.filter((key) => config[key] !== null)
  if (given.length === 1) return
  const foundText = given.length === 0 ? 'none' : given.join(' and ')
  throw new ConfigValidationError([
    { keyPath: keys[0]!, message: `expected one of ${keys.join(', ')}, found ${foundText}` },
  ])
}
