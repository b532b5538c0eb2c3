import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { AudioPart } from '@nemo/asr'
import { AudioError, readAudioInfo, readManifest } from '@nemo/audio'

/** A recording to transcribe. */
export interface Recording extends AudioPart {
  /** Seconds; 0: not known. */
  readonly duration: number
  /** What the manifest's line says besides. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The channel, where each gets a transcript of its own. */
  readonly channel?: number
}

/** Where recordings come from; one of the three. */
export interface RecordingSource {
  readonly files: readonly string[]
  readonly folder: string | null
  readonly manifest: string | null
  /** Endings of audio files in a folder, without the dot. */
  readonly types: readonly string[]
  /** Every channel of a recording by itself. */
  readonly eachChannel: boolean
}

/**
 * The recordings of a source, with their lengths.
 *
 * @param onBad - Told of files that cannot be read, which are left out. Without it the error is thrown.
 */
export async function* recordings(
  source: RecordingSource,
  onBad?: (error: AudioError, path: string) => void,
): AsyncGenerator<Recording> {
  for await (const recording of listed(source)) {
    if (recording.duration > 0 && !source.eachChannel) {
      yield recording
      continue
    }
    try {
      const { duration, channels } = await readAudioInfo(recording.audioFile)
      const known = recording.duration > 0 ? recording : { ...recording, duration: duration - (recording.offset ?? 0) }
      if (source.eachChannel && channels > 1)
        for (let channel = 0; channel < channels; channel++) yield { ...known, channel, channels: channel }
      else yield known
    } catch (error) {
      if (!onBad || !(error instanceof AudioError)) throw error
      onBad(error, recording.audioFile)
    }
  }
}

async function* listed({ files, folder, manifest, types }: RecordingSource): AsyncGenerator<Recording> {
  for (const audioFile of files) yield { audioFile, duration: 0, fields: {} }
  if (folder !== null) {
    const names = await readdir(folder, { recursive: true })
    const endings = types.map((type) => `.${type.toLowerCase()}`)
    for (const name of names.filter((each) => endings.includes(extname(each).toLowerCase())).sort())
      yield { audioFile: join(folder, name), duration: 0, fields: {} }
  }
  if (manifest !== null)
    for await (const { audioFile, offset, duration, fields } of readManifest(manifest, { target: 'none' }))
      yield { audioFile, offset, duration, fields }
}
