import { splitManifestPaths } from '@nemo/audio'
import { ConcatDataset, type ConcatOptions, ConfigValidationError, DataLoader, type Dataset } from '@nemo/core'
import { type ManifestDataset, TarredAudioDataset } from './tarredAudioDataset.js'

/** Keys of a data section that say how its samples are ordered and batched. */
export interface SectionSettings extends ConcatOptions {
  readonly manifest_filepath: string | readonly string[]
  readonly batch_size: number
  readonly drop_last: boolean
  readonly bucketing: number
  readonly num_workers: number
  readonly seed: number
  readonly is_tarred: boolean
  readonly shuffle_n?: number | undefined
  readonly is_concat: boolean
}

/**
 * The batches of a data section: of manifests one after the other, mixed (`is_concat`), or of archives (`is_tarred`).
 *
 * @param open - Opens the dataset of settings.
 * @throws ConfigValidationError for keys that contradict each other; what `open` throws.
 */
export async function sectionLoader<S extends SectionSettings>(
  settings: S,
  { shuffle, source }: { readonly shuffle: boolean; readonly source: string },
  open: (settings: S) => Promise<Dataset>,
): Promise<DataLoader> {
  const { is_tarred, is_concat, batch_size, drop_last, bucketing, num_workers, seed } = settings
  const common = { batch_size, drop_last, num_workers, seed }
  const contradiction = (keyPath: string, message: string) => new ConfigValidationError([{ keyPath, message }], source)
  if (is_tarred) {
    if (is_concat) throw contradiction('is_concat', 'expected false with is_tarred, found true')
    if (bucketing > 0)
      throw contradiction(
        'bucketing',
        `expected 0 with is_tarred, whose archives are read in order, found ${bucketing}`,
      )
    const dataset = (await open(settings)) as ManifestDataset
    return new DataLoader(new TarredAudioDataset(dataset, settings.shuffle_n ?? (shuffle ? 4 * batch_size : 0)), common)
  }
  if (!is_concat) return new DataLoader(await open(settings), { ...common, shuffle, bucketing })
  if (bucketing > 0)
    throw contradiction('bucketing', `expected 0 with is_concat, whose order differs in each epoch, found ${bucketing}`)
  const manifests = splitManifestPaths(settings.manifest_filepath)
  const datasets = await Promise.all(manifests.map((manifest_filepath) => open({ ...settings, manifest_filepath })))
  return new DataLoader(new ConcatDataset(datasets, settings), { ...common, shuffle })
}
