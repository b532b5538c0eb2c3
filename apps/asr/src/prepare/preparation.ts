import { ProgressBar } from '@nemo/core'
import type { ArchiveOptions } from './fetchArchive.js'

/** What every preparation of a corpus takes. */
export interface Preparation {
  /** Folder of the corpus. */
  readonly dataRoot: string
  /** Address of the archives instead of the publisher's: a folder with files of their names. */
  readonly mirror?: string | undefined
  /** Archives, and files, handled at a time. */
  readonly workers: number
  /** Delete archives when they are unpacked. */
  readonly cleanup?: boolean | undefined
  readonly network?: Pick<ArchiveOptions, 'timeoutMs' | 'retries' | 'retryDelayMs'> | undefined
  /** Where progress is told. Default: nowhere. */
  readonly progress?: PreparationProgress | undefined
}

/** Told of what is done. */
export interface PreparationProgress {
  /** Bytes of an archive that have arrived, and those wanted if known. */
  downloaded(archive: string, bytes: number, wanted: number | undefined): void
  /** Files of a set that are in its manifest. */
  listed(set: string, files: number, wanted: number): void
}

/** Bars for the archives together, and for each set's files. */
export class PreparationBars implements PreparationProgress {
  readonly #archives = new Map<string, { bytes: number; wanted: number | undefined }>()
  #download: ProgressBar | undefined
  #files: ProgressBar | undefined
  #set: string | undefined

  downloaded(archive: string, bytes: number, wanted: number | undefined): void {
    this.#archives.set(archive, { bytes, wanted })
    this.#download ??= new ProgressBar({ label: 'downloading', total: undefined, unit: 'byte' })
    this.#download.update([...this.#archives.values()].reduce((sum, each) => sum + each.bytes, 0))
  }

  listed(set: string, files: number, wanted: number): void {
    this.#download?.finish()
    this.#download = undefined
    if (this.#set !== set) {
      this.#files?.finish()
      this.#files = new ProgressBar({ label: set, total: wanted, unit: 'file' })
      this.#set = set
    }
    this.#files?.update(files)
    if (files === wanted) {
      this.#files?.finish()
      this.#files = undefined
      this.#set = undefined
    }
  }

  /** Ends the bars. */
  finish(): void {
    this.#download?.finish()
    this.#files?.finish()
  }
}

/** What `fetchArchive` needs of a preparation. */
export function archiveOf(
  preparation: Preparation,
  archive: { readonly url: string; readonly sha256?: string | undefined; readonly dir: string },
): ArchiveOptions {
  const { dataRoot, mirror, cleanup, network, progress } = preparation
  const name = archive.url.slice(archive.url.lastIndexOf('/') + 1)
  return {
    ...network,
    url: mirror === undefined ? archive.url : `${mirror.replace(/\/$/, '')}/${name}`,
    sha256: archive.sha256,
    dir: archive.dir,
    downloads: dataRoot,
    cleanup,
    onProgress: (bytes, wanted) => progress?.downloaded(name, bytes, wanted),
  }
}
