import type { ConfigValue } from '../config/configValue.js'
import { nodeModule } from '../config/nodeModule.js'
import { MediaFormatError } from './errors.js'
import {
  audioValue,
  fileVersionEvent,
  histogramValue,
  hparamsEndValue,
  hparamsStartValue,
  imageValue,
  restartEvent,
  type SummaryValue,
  scalarValue,
  summaryEvent,
  textValue,
} from './eventProto.js'
import { makeHistogram } from './histogram.js'
import { flattenHyperparams, type LoggedAudio, type LoggedImage, type MetricsLogger } from './metricsLogger.js'
import { readPngHeader } from './png.js'
import { encodeTFRecord } from './tfRecord.js'

/** Options of {@link TensorBoardLogger}. */
export interface TensorBoardLoggerOptions {
  /** Folder of the event file; made if it does not exist. */
  readonly dir: string
  /** After a resume: the first step that is done again. TensorBoard then hides what older files hold from it on. */
  readonly purgeStep?: number
  /** Added to the file's name. */
  readonly filenameSuffix?: string
  /** Longest time that events stay in memory, in seconds, looked at when one is added. Default 10. */
  readonly flushSeconds?: number
}

const MAX_BUFFERED = 1 << 16
let filesOpened = 0

/**
 * Writes TensorBoard event files: scalars, text, images, audio, histograms and hyperparameters, in the formats that
 * TensorBoard and its `EventAccumulator` read.
 */
export class TensorBoardLogger implements MetricsLogger {
  readonly name = 'tensorboard'
  /** Path of the event file. */
  readonly path: string
  private file: number | undefined
  private buffered: Uint8Array[] = []
  private bufferedBytes = 0
  private lastFlush = performance.now()
  private readonly flushMilliseconds: number
  private hasHparams = false

  constructor({ dir, purgeStep, filenameSuffix = '', flushSeconds = 10 }: TensorBoardLoggerOptions) {
    const fs = nodeModule('node:fs')
    fs.mkdirSync(dir, { recursive: true })
    // TensorBoard reads files in the order of their names, so a counter tells those of one second apart.
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0')
    const host = nodeModule('node:os')
      .hostname()
      .replace(/[^\w.-]/g, '_')
    const file = `events.out.tfevents.${seconds}.${host}.${process.pid}.${filesOpened}${filenameSuffix}`
    filesOpened += 1
    this.path = nodeModule('node:path').join(dir, file)
    this.flushMilliseconds = flushSeconds * 1000
    this.file = fs.openSync(this.path, 'wx')
    this.append(fileVersionEvent(now()))
    if (purgeStep !== undefined) this.append(restartEvent(purgeStep, now()))
    this.flush()
  }

  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    const values = Object.entries(metrics).map(([tag, value]) => scalarValue(tag, value))
    if (values.length > 0) this.add(values, step)
  }

  /** Records settings for the HPARAMS page. Nested ones are named `model/optim/lr`. */
  logHyperparams(params: Readonly<Record<string, ConfigValue>>): void {
    // No list of columns is written: TensorBoard then takes all hyperparameters and scalars of all runs it finds.
    this.add([hparamsStartValue(flattenHyperparams(params), now())], 0)
    this.hasHparams = true
    this.flush()
  }

  /** Text is shown as Markdown. */
  logText(tag: string, text: string, step: number): void {
    this.add([textValue(`${tag}/text_summary`, text)], step)
  }

  /** @throws MediaFormatError if the bytes are no PNG file. */
  logImage(tag: string, { png }: LoggedImage, step: number): void {
    this.add([imageValue(tag, png, readPngHeader(png))], step)
  }

  /** @throws MediaFormatError if the bytes are no WAV file. */
  logAudio(tag: string, { wav }: LoggedAudio, step: number): void {
    this.add([audioValue(tag, wav, readWavHeader(wav))], step)
  }

  logHistogram(tag: string, values: ArrayLike<number>, step: number): void {
    this.add([histogramValue(tag, makeHistogram(values))], step)
  }

  flush(): void {
    this.lastFlush = performance.now()
    if (this.file === undefined || this.bufferedBytes === 0) return
    const fs = nodeModule('node:fs')
    for (const record of this.buffered) fs.writeSync(this.file, record)
    this.buffered = []
    this.bufferedBytes = 0
  }

  close(status: 'success' | 'failed' = 'success'): void {
    if (this.file === undefined) return
    if (this.hasHparams) this.add([hparamsEndValue(status, now())], 0)
    this.flush()
    nodeModule('node:fs').closeSync(this.file)
    this.file = undefined
  }

  private add(values: readonly SummaryValue[], step: number): void {
    this.append(summaryEvent(values, step, now()))
    const late = performance.now() - this.lastFlush >= this.flushMilliseconds
    if (late || this.bufferedBytes > MAX_BUFFERED) this.flush()
  }

  private append(event: Uint8Array): void {
    const record = encodeTFRecord(event)
    this.buffered.push(record)
    this.bufferedBytes += record.length
  }
}

const now = (): number => Date.now() / 1000

const RIFF = 0x46464952
const WAVE = 0x45564157
const FMT = 0x20746d66
const DATA = 0x61746164

/** Sample rate in Hz, channels and frames of a WAV file, from its chunks. @throws MediaFormatError */
export function readWavHeader(wav: Uint8Array): { sampleRate: number; channels: number; frames: number } {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength)
  if (wav.length < 12 || view.getUint32(0, true) !== RIFF || view.getUint32(8, true) !== WAVE) {
    throw new MediaFormatError(`expected a WAV file (RIFF/WAVE), found ${wav.length} bytes of something else`)
  }
  let format: { sampleRate: number; channels: number; frameBytes: number } | undefined
  for (let offset = 12; offset + 8 <= wav.length; ) {
    const id = view.getUint32(offset, true)
    const size = view.getUint32(offset + 4, true)
    if (id === FMT && offset + 24 <= wav.length) {
      format = {
        channels: view.getUint16(offset + 10, true),
        sampleRate: view.getUint32(offset + 12, true),
        frameBytes: view.getUint16(offset + 20, true),
      }
    }
    if (id === DATA && format !== undefined) {
      const { sampleRate, channels, frameBytes } = format
      const present = Math.min(size, wav.length - offset - 8)
      return { sampleRate, channels, frames: Math.floor(present / Math.max(1, frameBytes)) }
    }
    offset += 8 + size + (size % 2)
  }
  throw new MediaFormatError('expected a WAV file with "fmt " and "data" chunks; one of them is missing')
}
