import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CorpusFolderError } from './errors.js'

/** Written into `corpus.json`; raise it when the same parameters begin to give other audio. */
const corpusFormat = 3
const descriptionFile = 'corpus.json'

/** One audio file of a corpus. */
export interface CorpusFile {
  /** Path below the corpus folder, with `/`. */
  path: string
  bytes: number
  /** Hexadecimal SHA-256 of the file. */
  sha256: string
}

/** What `corpus.json` holds. */
export interface CorpusDescription {
  format: number
  /** Which recipe's corpus it is. */
  name: string
  /** What the corpus was made from; equal parameters give equal bytes. */
  parameters: unknown
  /** SHA-256 over the name, format and parameters. */
  parametersHash: string
  /** SHA-256 over the paths and hashes of all files. */
  contentHash: string
  /** Facts about the corpus: counts, seconds, voices. */
  facts: Record<string, unknown>
  files: CorpusFile[]
}

/** What `buildCorpusFolder` returns. */
export interface CorpusFolder extends CorpusDescription {
  /** Absolute or relative, as given. */
  dir: string
  /** Whether the corpus was there already. */
  reused: boolean
  /** Why an existing corpus was not good enough; empty when there was none or it was reused. */
  rebuiltBecause: string
}

/** Fills a new, empty folder and says what it wrote. */
export type FillFolder = (dir: string) => Promise<{ files: CorpusFile[]; facts: Record<string, unknown> }>

/**
 * Makes a corpus folder, or reuses the one that is there when its parameters are the same and every file is whole.
 *
 * The corpus is made in a folder beside it, `.NAME.partial-PROCESS`, and renamed at the end: an interrupted run leaves no
 * half corpus, and the next run removes what it left.
 *
 * @param dir - Where the corpus goes. May be absent.
 * @param name - Which recipe's corpus it is.
 * @param parameters - All that decides about the content, as plain JSON data.
 * @param fill - Makes the content.
 * @throws CorpusFolderError when `dir` holds something that is no corpus, which a rebuild would destroy.
 */
export async function buildCorpusFolder(
  dir: string,
  name: string,
  parameters: unknown,
  fill: FillFolder,
): Promise<CorpusFolder> {
  const parametersHash = sha256(JSON.stringify([corpusFormat, name, parameters]))
  const existing = await checkCorpusFolder(dir, parametersHash)
  if (typeof existing !== 'string') return { ...existing, dir, reused: true, rebuiltBecause: '' }
  const parent = dirname(dir)
  await mkdir(parent, { recursive: true })
  await removeLeftovers(parent, basename(dir))
  const partial = join(parent, `.${basename(dir)}.partial-${process.pid}`)
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial)
  try {
    const { files, facts } = await fill(partial)
    const description: CorpusDescription = {
      format: corpusFormat,
      name,
      parameters: JSON.parse(JSON.stringify(parameters)) as unknown,
      parametersHash,
      contentHash: hashFiles(files),
      facts,
      files,
    }
    await writeSynced(join(partial, descriptionFile), `${JSON.stringify(description, null, 1)}\n`)
    await rm(dir, { recursive: true, force: true })
    await rename(partial, dir)
    return { ...description, dir, reused: false, rebuiltBecause: existing }
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/**
 * Reads a corpus folder and checks every file's size and SHA-256.
 *
 * @returns The description, or in a sentence why the corpus cannot be used; the empty string when there is none.
 * @throws CorpusFolderError when the folder holds something that is no corpus.
 */
export async function checkCorpusFolder(dir: string, parametersHash: string): Promise<CorpusDescription | string> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new CorpusFolderError(`${dir} cannot be read as a folder (${cause.code}). Choose another folder.`, { cause })
  })
  if (names === undefined || names.length === 0) return ''
  const foreign = names.filter((name) => !isCorpusName(name))
  if (foreign.length > 0) {
    throw new CorpusFolderError(
      `${dir} holds ${foreign.length} thing(s) that are no part of a corpus, for example "${foreign[0]}"; ` +
        'making a corpus there would delete them. Choose an empty or new folder.',
    )
  }
  const description = await readDescription(join(dir, descriptionFile))
  if (description === undefined) return `${descriptionFile} is missing or damaged`
  if (description.parametersHash !== parametersHash) return 'its parameters are others'
  if (hashFiles(description.files) !== description.contentHash) return `${descriptionFile} was changed`
  for (const { path, bytes, sha256: expected } of description.files) {
    const content = await readFile(join(dir, path)).catch(() => undefined)
    if (content === undefined) return `${path} is missing`
    if (content.length !== bytes || sha256(content) !== expected) return `${path} was changed`
  }
  return description
}

/** Hexadecimal SHA-256. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Writes a file and has it on the disk before it returns. */
export async function writeSynced(path: string, content: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

function hashFiles(files: readonly CorpusFile[]): string {
  return sha256(files.map(({ path, bytes, sha256: hash }) => `${path} ${bytes} ${hash}\n`).join(''))
}

function isCorpusName(name: string): boolean {
  return name === descriptionFile || name === 'wavs' || name.endsWith('_manifest.json')
}

async function readDescription(path: string): Promise<CorpusDescription | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<CorpusDescription> | null
    const files: unknown = value?.files
    const whole =
      value?.format === corpusFormat &&
      typeof value.parametersHash === 'string' &&
      Array.isArray(files) &&
      files.every(isCorpusFile)
    return whole ? (value as CorpusDescription) : undefined
  } catch {
    return undefined
  }
}

/** Paths come from a file that someone may have edited: they must stay below the corpus folder. */
function isCorpusFile(value: unknown): boolean {
  const file = value as Partial<CorpusFile> | null
  return typeof file?.path === 'string' && /^[\w-]+(\/[\w-]+)*(\.\w+)?$/.test(file.path)
}

/** Removes partial folders whose process is gone. */
async function removeLeftovers(parent: string, name: string): Promise<void> {
  const prefix = `.${name}.partial-`
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(prefix)) continue
    const pid = Number(entry.slice(prefix.length))
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(parent, entry), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}
