import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManifestEntry, readManifest } from '@nemo/audio'
import {
  atomicWriteFile,
  type ConfigObject,
  isConfigObject,
  loadYaml,
  RandomGenerator,
  stringifyYaml,
  tarChunks,
} from '@nemo/core'
import { AsrError } from '../errors.js'

/** Options of `convertToTarredAudioDataset`; NeMo's names. */
export interface TarredConversion {
  /** Manifest to convert, or the tarred one to add to. */
  readonly manifest_path: string
  readonly target_dir: string
  readonly num_shards: number
  /** Seconds; entries of this length or more, and of this length or less, are left out. Default: none are. */
  readonly max_duration?: number | null
  readonly min_duration?: number | null
  readonly shuffle?: boolean
  readonly shuffle_seed?: number | null
  /** Archives written at a time. Default 1. */
  readonly workers?: number
  /** Manifests to add to the tarred dataset of `manifest_path`, whose archives stay as they are. */
  readonly concat_manifest_paths?: readonly string[]
  /** The tarred dataset's `metadata.yaml`, for `concat_manifest_paths`. */
  readonly metadata_path?: string | null
  /** Called with the archives written and those wanted. */
  readonly onProgress?: (done: number, wanted: number) => void
}

/** What a conversion made. */
export interface TarredResult {
  readonly manifest: string
  readonly metadata: string
  readonly archives: readonly string[]
  readonly samples: number
  /** Entries that did not fill the last archive: all archives have the same number. */
  readonly leftOver: number
  /** Entries left out by their duration. */
  readonly filtered: number
}

/**
 * Packs the audio of manifests into tar archives with a manifest of their own. Each file appears when it is complete.
 *
 * @throws AsrError for options that contradict each other and too few entries; what `readManifest` throws.
 *
 * Source: NeMo v1.0.0 `convert_to_tarred_audio_dataset.py`; manifests and `metadata.yaml` are laid out as there.
 */
export async function convertToTarredAudioDataset(options: TarredConversion): Promise<TarredResult> {
  const adding = (options.concat_manifest_paths ?? []).length > 0
  const base = adding ? await openBase(options) : undefined
  const { num_shards, target_dir } = options
  if (!base && !(Number.isInteger(num_shards) && num_shards > 0)) throw refused('num_shards', 'above 0', num_shards)
  const { entries, filtered } = await keptEntries(
    adding ? options.concat_manifest_paths! : options.manifest_path,
    options,
  )
  const perShard = base?.perShard ?? Math.floor(entries.length / num_shards)
  const shards = base ? Math.floor(entries.length / perShard) : num_shards
  if (perShard === 0 || shards === 0)
    throw refused(
      base ? 'concat_manifest_paths' : 'num_shards',
      `at most the ${entries.length} entries that remain`,
      base ? perShard : num_shards,
    )
  const ordered = options.shuffle ? RandomGenerator.forKey(options.shuffle_seed ?? 0).shuffle(entries) : entries
  const first = base ? base.lastShard + 1 : 0
  await mkdir(target_dir, { recursive: true })
  const rows: ManifestRowFields[][] = []
  const archives = Array.from({ length: shards }, (_, i) => join(target_dir, `audio_${first + i}.tar`))
  let [next, done] = [0, 0]
  const work = async (): Promise<void> => {
    while (next < shards) {
      const shard = next++
      const part = ordered.slice(shard * perShard, (shard + 1) * perShard)
      rows[shard] = await writeShard(archives[shard]!, part, first + shard)
      options.onProgress?.(++done, shards)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.workers ?? 1, shards) }, work))
  const version = base ? base.version + 1 : 0
  const suffix = base ? `_version_${version}` : ''
  const manifest = join(target_dir, `tarred_audio_manifest${suffix}.json`)
  const metadata = join(target_dir, `metadata${suffix}.yaml`)
  const lines = [...(base?.rows ?? []), ...rows.flat()].map((row) => `${JSON.stringify(row)}\n`)
  await atomicWriteFile(manifest, [new TextEncoder().encode(lines.join(''))])
  await atomicWriteFile(metadata, [
    new TextEncoder().encode(stringifyYaml(metadataOf(options, { version, perShard, base }))),
  ])
  const samples = perShard * shards
  return { manifest, metadata, archives, samples, leftOver: entries.length - samples, filtered }
}

type ManifestRowFields = Readonly<Record<string, unknown>>

interface Base {
  readonly rows: readonly ManifestRowFields[]
  readonly perShard: number
  readonly lastShard: number
  readonly version: number
  readonly metadata: ConfigObject
}

async function openBase({ metadata_path, manifest_path }: TarredConversion): Promise<Base> {
  if (!metadata_path)
    throw refused('metadata_path', "the dataset's metadata.yaml, which concat_manifest_paths needs", metadata_path)
  const metadata = loadYaml(metadata_path)
  if (!isConfigObject(metadata)) throw refused('metadata_path', 'a mapping', metadata)
  const rows: ManifestRowFields[] = []
  for await (const { fields } of readManifest(manifest_path, { target: 'none' })) rows.push(fields)
  const shards = rows.map(({ shard_id }) => Number(shard_id))
  const lastShard = shards.reduce((a, b) => Math.max(a, b), -1)
  if (!Number.isInteger(lastShard) || lastShard < 0)
    throw refused('manifest_path', 'a tarred manifest, with shard_id', manifest_path)
  const recorded = Number(metadata.num_samples_per_shard ?? 0)
  const perShard = recorded > 0 ? recorded : shards.filter((shard) => shard === lastShard).length
  return { rows, perShard, lastShard, version: Number(metadata.version ?? 0), metadata }
}

async function keptEntries(
  paths: string | readonly string[],
  { min_duration, max_duration }: TarredConversion,
): Promise<{ entries: ManifestEntry[]; filtered: number }> {
  const entries: ManifestEntry[] = []
  let filtered = 0
  for await (const entry of readManifest(paths, { target: 'none' })) {
    const kept =
      (min_duration == null || entry.duration > min_duration) && (max_duration == null || entry.duration < max_duration)
    if (kept) entries.push(entry)
    else filtered++
  }
  return { entries, filtered }
}

async function writeShard(
  path: string,
  entries: readonly ManifestEntry[],
  shardId: number,
): Promise<ManifestRowFields[]> {
  // Several entries may be parts of one file, and files of several folders must not get one name.
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const { audioFile, fields } of entries) {
    if (names.has(audioFile)) continue
    const plain = squashed(String(fields.audio_filepath ?? fields.audio_filename ?? audioFile))
    let name = plain
    for (let n = 2; taken.has(idOf(name)); n++) name = plain.replace(/(\.[^.]*)?$/, `_${n}$1`)
    names.set(audioFile, name)
    taken.add(idOf(name))
  }
  function* members() {
    for (const [file, name] of names) yield { name, contents: [new Uint8Array(readFileSync(file))] }
  }
  await atomicWriteFile(path, tarChunks(members()))
  return entries.map(({ audioFile, fields: { audio_filename: _, ...fields } }) => ({
    ...fields,
    audio_filepath: names.get(audioFile)!,
    shard_id: shardId,
  }))
}

/** A path as one name: dots and slashes become underscores, but for the ending's dot. */
function squashed(path: string): string {
  const dot = path.lastIndexOf('.')
  const hasEnding = dot > Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1
  const [base, ending] = hasEnding ? [path.slice(0, dot), path.slice(dot)] : [path, '']
  return `${base.replaceAll(/[/\\.]/g, '_')}${ending}`
}

const idOf = (name: string): string => name.replace(/\.[^.]*$/, '')

function metadataOf(
  options: TarredConversion,
  { version, perShard, base }: { version: number; perShard: number; base: Base | undefined },
): ConfigObject {
  const { num_shards, shuffle = false, max_duration = null, min_duration = null, shuffle_seed = null } = options
  const old = base?.metadata
  const dataset = { num_shards, shuffle, max_duration, min_duration, shuffle_seed }
  const { history: _, ...previous } = old ?? {}
  return {
    created_datetime: new Date().toISOString().slice(0, 19).replace('T', ' '),
    version,
    num_samples_per_shard: perShard,
    is_concatenated_manifest: base !== undefined,
    dataset_config: isConfigObject(old?.dataset_config)
      ? { ...old.dataset_config, ...dataset, num_shards: old.dataset_config.num_shards ?? num_shards }
      : dataset,
    history: old ? [...(Array.isArray(old.history) ? old.history : []), previous] : [],
  } as ConfigObject
}

const refused = (key: string, expected: string, found: unknown): AsrError =>
  new AsrError('NEMO_ASR_TARRED', `${key}: expected ${expected}, found ${JSON.stringify(found)}.`)
