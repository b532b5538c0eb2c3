import { type ManifestRow, readManifest } from '@nemo/audio'
import { writeLabelManifest } from './labelManifest.js'

/** The timbre of a synthesised voice: `en-gb+Andrea` and `en-us+Andrea` sound like the same person. */
export const timbreOf = (speaker: string): string => speaker.split('+').at(-1)!

/** Where the manifest of speakers lies that belongs to one of transcripts. */
export const speakerManifest = (manifest: string): string =>
  manifest.replace(/_manifest\.json$/, '_speakers_manifest.json')

/**
 * Writes manifests labelled by speaker beside those of transcripts.
 *
 * @returns the speakers of the first ones, sorted.
 */
export async function labelSpeakers(manifests: readonly string[]): Promise<string[]> {
  const speakers = new Set<string>()
  for (const manifest of manifests) {
    await writeLabelManifest(speakerManifest(manifest), [manifest], ({ speaker }) => {
      const timbre = timbreOf(speaker)
      speakers.add(timbre)
      return timbre
    })
  }
  return [...speakers].sort()
}

/** Recordings of a manifest with their speakers. */
export async function recordingsOf(manifest: string): Promise<(ManifestRow & { readonly speaker: string })[]> {
  const rows = []
  for await (const { audioFile, duration, speaker, text } of readManifest(manifest))
    rows.push({ audio_filepath: audioFile, duration, text, speaker: String(speaker) })
  return rows
}
