import { type FileSection, type LoadManifestOptions, loadManifest, type Manifest, ManifestError } from '@nemo/audio'
import { CheckpointError, tarFiles, withFile } from '@nemo/core'
import { z } from 'zod'
import { AsrError } from '../errors.js'
import { expandBraces } from './braceExpansion.js'

const paths = z.union([z.string(), z.array(z.string())])

/** Keys of a data section that reads archives; NeMo's. */
export const tarredFields = {
  /** Read audio from tar archives, one after the other within each. */
  is_tarred: z.boolean().default(false),
  /** The archives, with braces to expand: `audio_{0..127}.tar`, or `audio__OP_0..127_CL_.tar`. */
  tarred_audio_filepaths: z
    .union([paths, z.array(paths)])
    .nullable()
    .default(null),
  /** `scatter` gives each process its own archives, `replicate` all of them. */
  tarred_shard_strategy: z.enum(['scatter', 'replicate']).default('scatter'),
  /** Number of this process, from 0, and of all of them. */
  global_rank: z.int().min(0).default(0),
  world_size: z.int().min(1).default(1),
  /** Utterances of which the next one is drawn, in each archive. Default 4 batches with `shuffle`, else their order is kept. */
  shuffle_n: z.int().min(0).optional(),
}

/** Keys of a data section that mixes manifests; see `ConcatOptions` of @nemo/core. */
export const concatFields = {
  /** Mix the manifests of the list in shares of their own. */
  is_concat: z.boolean().default(false),
  concat_sampling_technique: z.enum(['random', 'temperature', 'round-robin']).default('temperature'),
  concat_sampling_probabilities: z.array(z.number().min(0)).nullable().default(null),
  concat_sampling_temperature: z.number().positive().default(5),
  concat_shuffle: z.boolean().default(true),
}

/** What is needed to open archives. */
export interface TarredSettings {
  readonly tarred_audio_filepaths: string | readonly (string | readonly string[])[] | null
  readonly tarred_shard_strategy: 'scatter' | 'replicate'
  readonly global_rank: number
  readonly world_size: number
}

/** The archives that this process reads. @throws AsrError if there are none or a pattern is wrong. */
export function shardPaths(settings: TarredSettings): string[] {
  const { tarred_audio_filepaths: given, tarred_shard_strategy, global_rank, world_size } = settings
  const patterns = given === null ? [] : [given].flat(2)
  // Paths joined by commas, but not the commas within braces.
  const all = patterns.flatMap((pattern) => splitOutside(pattern as string).flatMap(expandBraces))
  if (all.length === 0)
    throw new AsrError(
      'NEMO_ASR_TARRED',
      'tarred_audio_filepaths: expected archives, found none; set is_tarred: false.',
    )
  if (global_rank >= world_size)
    throw new AsrError(
      'NEMO_ASR_TARRED',
      `global_rank: expected less than world_size, ${world_size}, found ${global_rank}.`,
    )
  if (tarred_shard_strategy === 'replicate') return all
  const share = Math.floor(all.length / world_size)
  if (share === 0)
    throw new AsrError(
      'NEMO_ASR_TARRED',
      `tarred_audio_filepaths: expected at least as many archives as processes, ${world_size}, found ${all.length}. Use tarred_shard_strategy: replicate.`,
    )
  return all.slice(share * global_rank, share * (global_rank + 1))
}

function splitOutside(pattern: string): string[] {
  const parts: string[] = []
  let [depth, start] = [0, 0]
  for (const { 0: token, index } of pattern.matchAll(/_OP_|_CL_|[{}()[\]<>,]/g)) {
    if (token === ',' && depth === 0) {
      parts.push(pattern.slice(start, index))
      start = index + 1
    } else if ('{([<_OP_'.includes(token)) depth++
    else if (token !== ',') depth--
  }
  return [...parts, pattern.slice(start)].map((part) => part.trim()).filter((part) => part !== '')
}

interface Member {
  readonly archive: string
  readonly section: FileSection
}

/**
 * Reads manifests of archives. Entries are found in them by the name of their file, without folder and ending; several may
 * use one file. Entries whose file is in none of this process's archives are left out.
 *
 * @throws AsrError for archives that cannot be read or hold none of the entries; what `loadManifest` throws.
 */
export async function loadTarredManifest(
  manifestPaths: string | readonly string[],
  settings: TarredSettings,
  options: LoadManifestOptions,
): Promise<Manifest> {
  const archives = shardPaths(settings)
  const members = new Map<string, Member>()
  for (const archive of archives)
    for (const [id, section] of await sectionsOf(archive)) members.set(id, { archive, section })
  const { entries, report } = await loadManifest(manifestPaths, options)
  const order = new Map(archives.map((archive, i) => [archive, i]))
  const found = entries.flatMap((entry) => {
    const id = idOf(entry.audioFile)
    // NeMo's converter of labelled data marks the second use of a file so.
    const member = members.get(id) ?? members.get(id.replace(/-sub\d+$/, ''))
    return member ? [{ ...entry, audioFile: member.archive, section: member.section }] : []
  })
  if (found.length === 0)
    throw new ManifestError(
      `expected entries for the files of ${archives.length} archive(s), such as ${members.keys().next().value ?? 'none: they are empty'}, found none of them. Check that manifest and archives belong together.`,
      { source: report.files.join(','), line: 0 },
    )
  found.sort(
    (a, b) => order.get(a.audioFile)! - order.get(b.audioFile)! || a.section.start - b.section.start || a.id - b.id,
  )
  return { entries: found, report }
}

/** Opens a section's manifests, of audio files or of archives. */
export function openManifest(
  config: TarredSettings & { readonly is_tarred: boolean; readonly manifest_filepath: string | readonly string[] },
  options: LoadManifestOptions,
): Promise<Manifest> {
  const paths = config.manifest_filepath
  return config.is_tarred ? loadTarredManifest(paths, config, options) : loadManifest(paths, options)
}

async function sectionsOf(archive: string): Promise<Map<string, FileSection>> {
  try {
    return await withFile(archive, (source) => {
      const files = tarFiles(source, { maxEntries: Number.POSITIVE_INFINITY })
      return new Map([...files].map(({ name, start, end }) => [idOf(name), { start, end }]))
    })
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw new AsrError('NEMO_ASR_TARRED', `tarred_audio_filepaths: ${cause.message}`, { cause })
  }
}

/** A file's name without folder and ending. */
function idOf(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
  const dot = name.lastIndexOf('.')
  return dot > 0 ? name.slice(0, dot) : name
}
