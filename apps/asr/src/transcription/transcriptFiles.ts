import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { captionsOf, ctmLines, srtFile, vttFile } from '@nemo/asr'
import type { RecordingTranscript } from './transcribeRecordings.js'

/** What can be written. */
export const transcriptFormats = ['jsonl', 'txt', 'ctm', 'srt', 'vtt'] as const

/** One of `transcriptFormats`. */
export type TranscriptFormat = (typeof transcriptFormats)[number]

/**
 * Writes transcripts as they come: `transcripts.jsonl` (the manifest's keys with NeMo's `pred_text`), `.txt`, `.ctm`, and
 * captions named for their recordings.
 */
export class TranscriptFiles {
  readonly #dir: string
  readonly #formats: readonly TranscriptFormat[]
  readonly #timestamps: boolean
  readonly #streams = new Map<TranscriptFormat, WriteStream>()
  readonly #names = new Set<string>()

  private constructor(dir: string, formats: readonly TranscriptFormat[], timestamps: boolean) {
    this.#dir = dir
    this.#formats = formats
    this.#timestamps = timestamps
    for (const format of formats) {
      if (format === 'jsonl' || format === 'txt' || format === 'ctm')
        this.#streams.set(format, createWriteStream(join(dir, `transcripts.${format}`)))
    }
  }

  /** Makes the folder and opens the files. */
  static async open(
    dir: string,
    formats: readonly TranscriptFormat[],
    { timestamps }: { readonly timestamps: boolean },
  ): Promise<TranscriptFiles> {
    await mkdir(dir, { recursive: true })
    return new TranscriptFiles(dir, formats, timestamps)
  }

  /** Writes a transcript. */
  async write(transcript: RecordingTranscript): Promise<void> {
    const { recording, text, words = [] } = transcript
    const name = this.#nameOf(transcript)
    for (const format of this.#formats) {
      if (format === 'srt') await writeFile(join(this.#dir, `${name}.srt`), srtFile(captionsOf(words)))
      else if (format === 'vtt') await writeFile(join(this.#dir, `${name}.vtt`), vttFile(captionsOf(words)))
      else if (format === 'jsonl') await this.#line('jsonl', JSON.stringify(this.#row(transcript)))
      else if (format === 'txt') await this.#line('txt', text)
      else {
        const stem = basename(recording.audioFile, extname(recording.audioFile))
        const place = { channel: (recording.channel ?? 0) + 1, offset: recording.offset ?? 0 }
        for (const line of ctmLines(stem, words, place)) await this.#line('ctm', line)
      }
    }
  }

  #row({ recording, text, words, confidence }: RecordingTranscript): Record<string, unknown> {
    const { audioFile, duration, fields, channel } = recording
    return {
      ...('audio_filepath' in fields ? {} : { audio_filepath: audioFile, duration }),
      ...fields,
      ...(channel !== undefined && { channel }),
      pred_text: text,
      ...(this.#timestamps &&
        words && {
          confidence,
          words: words.map(({ word, start, end, confidence: sure }) => ({
            word,
            start: milliseconds(start),
            end: milliseconds(end),
            confidence: Number(sure.toFixed(4)),
          })),
        }),
    }
  }

  // Recordings of one name in several folders, and parts of one recording, must not overwrite each other.
  #nameOf({ recording }: RecordingTranscript): string {
    const stem = basename(recording.audioFile, extname(recording.audioFile))
    const wanted = recording.channel === undefined ? stem : `${stem}.${recording.channel + 1}`
    let name = wanted
    for (let n = 2; this.#names.has(name); n++) name = `${wanted}-${n}`
    this.#names.add(name)
    return name
  }

  async #line(format: TranscriptFormat, line: string): Promise<void> {
    const stream = this.#streams.get(format)!
    if (!stream.write(`${line}\n`)) await once(stream, 'drain')
  }

  /** Ends the files. */
  async close(): Promise<void> {
    for (const stream of this.#streams.values()) {
      stream.end()
      await finished(stream)
    }
  }
}

const milliseconds = (seconds: number): number => Number(seconds.toFixed(3))
