import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { nearestNames } from '../config/nearestName.js'
import { nodeModule } from '../config/nodeModule.js'
import { cacheFolder } from '../download/cacheFolder.js'
import { type DownloadedFile, type DownloadOptions, downloadFile, measureFile } from '../download/downloadFile.js'
import { DownloadError } from '../download/errors.js'
import { getLogger } from '../logging/logger.js'
import { ProgressBar } from '../logging/progressBar.js'
import { ModelError } from './errors.js'
import { ngcModels } from './ngcModels.js'

/** A model that can be downloaded. NeMo's `PretrainedModelInfo`. */
export interface PretrainedModelInfo {
  readonly name: string
  /** NeMo's dotted name of its class. */
  readonly target: string
  /** Address of its `.nemo` file. */
  readonly location: string
  /** SHA-256 of the file in hexadecimal digits, where it is known. NGC publishes none. */
  readonly sha256?: string
  readonly description?: string
}

/** Options of {@link fetchPretrained}. */
export interface FetchOptions extends Pick<DownloadOptions, 'timeoutMs' | 'retries' | 'retryDelayMs' | 'onProgress'> {
  /** Folder of downloaded models. Default: NEMO_CACHE_DIR, else `nemo` in the user's cache folder. */
  readonly cacheDir?: string
  /** Download again what is there already. Default false. */
  readonly refreshCache?: boolean
  /** Expected SHA-256 of the file. Default: the registry's. */
  readonly sha256?: string
}

const registered: PretrainedModelInfo[] = []

/** Makes models known to `listAvailableModels` and `fromPretrained`. They win over NeMo's of the same name and class. */
export function registerPretrainedModels(models: readonly PretrainedModelInfo[]): void {
  registered.unshift(...models)
}

/** All models that can be downloaded: NeMo's public ones, and what was registered. */
export function pretrainedModels(): readonly PretrainedModelInfo[] {
  const seen = new Set<string>()
  return [...registered, ...ngcModels].filter(({ name, target }) => {
    const key = `${name}\0${target}`
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * The model of a name.
 *
 * @param among - Those of a class, or all.
 * @throws ModelError if there is none, or several of different classes.
 */
export function findPretrained(name: string, among: readonly PretrainedModelInfo[]): PretrainedModelInfo {
  const found = among.filter((model) => model.name === name)
  const [first, second] = found
  if (second) {
    const classes = found.map(({ target }) => target).join(', ')
    throw new ModelError(
      `${name} is the name of several models: ${classes}. Call fromPretrained on one of these classes.`,
    )
  }
  if (first) return first
  const names = among.map((model) => model.name)
  const [near] = nearestNames(name, names)
  const elsewhere = pretrainedModels().find((model) => model.name === name)
  const hint = elsewhere
    ? ` It is a ${elsewhere.target}.`
    : near !== undefined
      ? ` Did you mean ${near}?`
      : names.length > 0
        ? ` Known: ${names.join(', ')}.`
        : ' None is known for this class.'
  throw new ModelError(`There is no pretrained model ${name}.${hint} A file is read by restoreFrom.`)
}

const log = getLogger('models')

// Beside each file of the cache: what it was when it arrived.
interface CacheRecord extends DownloadedFile {
  readonly url: string
}

/**
 * The path of a model's file, downloaded unless it is there. A broken download goes on where it stopped, also in a later
 * process. What is in the cache is checked against its checksum at each use; a damaged file is downloaded again.
 *
 * @throws DownloadError naming address and file, and what to do without a network.
 */
export async function fetchPretrained(model: PretrainedModelInfo, options: FetchOptions = {}): Promise<string> {
  const { cacheDir = cacheFolder(), refreshCache = false, sha256 = model.sha256, onProgress, ...download } = options
  const { join } = nodeModule('node:path')
  const url = model.location
  const file = fileNameOf(url)
  // Files of one name at several addresses do not meet.
  const key = nodeModule('node:crypto').createHash('sha256').update(url).digest('hex').slice(0, 12)
  const folder = join(cacheDir, 'models', `${file.replace(/\.nemo$/, '')}-${key}`)
  const path = join(folder, file)
  if (!refreshCache && (await isIntact(path, sha256))) return path
  let bar: ProgressBar | undefined
  try {
    const downloaded = await downloadFile({
      ...download,
      url,
      path,
      maxBytes: 64 * 2 ** 30,
      ...(sha256 !== undefined && { sha256 }),
      onProgress:
        onProgress ??
        ((bytes, total) => {
          bar ??= new ProgressBar({
            label: `downloading ${file}`,
            unit: 'MB',
            ...(total && { total: megabytes(total) }),
          })
          bar.update(megabytes(bytes))
        }),
    })
    await atomicWriteFile(`${path}.json`, `${JSON.stringify({ url, ...downloaded } satisfies CacheRecord, null, 2)}\n`)
  } catch (cause) {
    if (!(cause instanceof DownloadError)) throw cause
    throw new DownloadError(
      `${model.name}: ${cause.message.replace(/ \[NEMO_DOWNLOAD\]$/, '')} Without a network, fetch that address elsewhere and put the file at ${path}, or give it to restoreFrom.`,
      { cause },
    )
  } finally {
    bar?.finish()
  }
  return path
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10

function fileNameOf(url: string): string {
  let name: string | undefined
  try {
    name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')
  } catch (cause) {
    throw new DownloadError(`"${url}" is no address of a model.`, { cause })
  }
  if (!/^[\w][\w.+-]*$/.test(name)) throw new DownloadError(`${url}: its last part is no name of a file.`)
  return name
}

async function isIntact(path: string, sha256: string | undefined): Promise<boolean> {
  const fs = nodeModule('node:fs')
  if (!fs.existsSync(path)) return false
  const record = await readRecord(path)
  // A file without record was put there by hand.
  const expected = sha256?.toLowerCase() ?? record?.sha256
  if (expected === undefined) return true
  const { sha256: found } = await measureFile(path)
  if (found === expected) return true
  log.warning(`${path} is damaged (SHA-256 ${found}, expected ${expected}); it is downloaded again`)
  return false
}

async function readRecord(path: string): Promise<CacheRecord | undefined> {
  try {
    const record = JSON.parse(await nodeModule('node:fs').promises.readFile(`${path}.json`, 'utf8')) as CacheRecord
    return typeof record.sha256 === 'string' ? record : undefined
  } catch {
    return undefined
  }
}
