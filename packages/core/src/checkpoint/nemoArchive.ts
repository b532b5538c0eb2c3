import { Gzip } from 'fflate'
import { normaliseMemberPath } from './archivePath.js'
import { atomicWriteFile } from './atomicWriteFile.js'
import { ArchiveDuplicateError, ArchiveMissingError, CheckpointFormatError } from './errors.js'
import { withFile } from './fileAccess.js'
import { gunzip, isGzip } from './inflate.js'
import { type CheckpointLimits, completeLimits } from './limits.js'
import type { StateDict } from './pythonValue.js'
import { type RandomAccess, randomAccessOf } from './randomAccess.js'
import { readTorchFrom } from './readTorch.js'
import { asStateDict } from './stateDict.js'
import { isTar, readTar } from './tarReader.js'
import { type TarMember, tarChunks } from './tarWriter.js'
import { torchChunks, type WriteTorchOptions } from './writeTorch.js'
import { concat } from './zipWriter.js'

/** What a `.nemo` file holds. */
export interface NemoArchive {
  /** YAML text of `model_config.yaml`. */
  readonly config: string
  /** The model's state dict, `model_weights.ckpt`. */
  readonly weights: StateDict
  /** All other files by name, such as a tokenizer's model, without `./`. */
  readonly artifacts: ReadonlyMap<string, Uint8Array>
}

/** How a `.nemo` file is read. */
export interface ReadNemoOptions {
  /** Name of the file, for messages. Default the path, or `model.nemo`. */
  readonly name?: string
  readonly limits?: Partial<CheckpointLimits>
}

/** How a `.nemo` file is written. */
export interface WriteNemoOptions {
  /** `gzip` as NeMo 1.0 does, `none` as 1.7 and later do. Before 1.7 NeMo reads only gzip, since then both. Default `gzip`. */
  readonly compression?: 'gzip' | 'none'
  /** Effort of gzip, 1 (fast) to 9 (small). Weights hardly shrink at any. Default 1. */
  readonly level?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
  /** Layout of the weights. Default `zip`. */
  readonly format?: NonNullable<WriteTorchOptions['format']>
}

const CONFIG = 'model_config.yaml'
const WEIGHTS = 'model_weights.ckpt'

/**
 * Reads a `.nemo` file: a tar archive, compressed or not, of a configuration, a state dict and artifacts.
 *
 * Nothing is extracted to disk. Names that leave the archive, links, devices, duplicates, excessive sizes and truncated data
 * are refused.
 *
 * @param source - Path (Node only) or bytes.
 * @throws ArchivePathError, ArchiveEntryTypeError, ArchiveDuplicateError, ArchiveTruncatedError, ArchiveCorruptError,
 * ArchiveMissingError, CheckpointLimitError, CheckpointFormatError, and all that `readTorch` throws.
 *
 * Source: NeMo v1.0.0 ModelPT.save_to and restore_from.
 */
export async function readNemo(source: string | Uint8Array, options: ReadNemoOptions = {}): Promise<NemoArchive> {
  if (typeof source === 'string') {
    return await withFile(source, (file) => readNemoFrom({ ...file, name: options.name ?? source }, options))
  }
  return readNemoFrom(randomAccessOf(source, options.name ?? 'model.nemo'), options)
}

function readNemoFrom(source: RandomAccess, options: ReadNemoOptions): NemoArchive {
  const limits = completeLimits(options.limits)
  const tar = isGzip(source) ? randomAccessOf(gunzip(source, limits.maxInflatedBytes), source.name) : source
  if (!isTar(tar)) {
    throw new CheckpointFormatError(
      `${source.name}: expected a .nemo file (a tar archive, maybe with gzip), found something else.`,
    )
  }
  const members = readTar(tar, limits)
  const required = (name: string): RandomAccess => {
    const member = members.get(name)
    if (member) return member
    throw new ArchiveMissingError(
      `${source.name}: expected the member ${name}, found ${[...members.keys()].slice(0, 20).join(', ') || 'none'}.`,
    )
  }
  const config = decodeConfig(required(CONFIG))
  const weightsFile = required(WEIGHTS)
  const weights = asStateDict(readTorchFrom(weightsFile, { limits }), weightsFile.name)
  const artifacts = new Map<string, Uint8Array>()
  for (const [name, member] of members) {
    if (name !== CONFIG && name !== WEIGHTS) artifacts.set(name, member.read(0, member.byteLength).slice())
  }
  return { config, weights, artifacts }
}

function decodeConfig(member: RandomAccess): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(member.read(0, member.byteLength))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new CheckpointFormatError(`${member.name}: expected YAML in UTF-8, found bytes that are not UTF-8.`, {
      cause,
    })
  }
}

/**
 * Writes a `.nemo` file that NeMo restores: members `./model_config.yaml`, `./model_weights.ckpt` and the artifacts, sorted.
 * Equal contents give equal bytes, on every machine. The file appears whole or not at all. Node only.
 *
 * @throws ArchivePathError for artifact names that are absolute or leave the archive; ArchiveDuplicateError;
 * CheckpointFileError if the disk refuses.
 */
export async function writeNemo(
  path: string,
  contents: Pick<NemoArchive, 'config' | 'weights'> & Partial<NemoArchive>,
  options: WriteNemoOptions = {},
): Promise<void> {
  await atomicWriteFile(path, nemoChunks(contents, options))
}

/** The bytes that `writeNemo` writes, for runtimes without a file system. */
export function packNemo(
  contents: Pick<NemoArchive, 'config' | 'weights'> & Partial<NemoArchive>,
  options: WriteNemoOptions = {},
): Uint8Array {
  return concat([...nemoChunks(contents, options)])
}

function nemoChunks(
  { config, weights, artifacts = new Map() }: Pick<NemoArchive, 'config' | 'weights'> & Partial<NemoArchive>,
  { compression = 'gzip', level = 1, format = 'zip' }: WriteNemoOptions,
): Iterable<Uint8Array> {
  const members = new Map<string, readonly Uint8Array[]>([
    [CONFIG, [new TextEncoder().encode(config)]],
    [WEIGHTS, torchChunks(asStateDict(weights, WEIGHTS), { format, archiveName: 'model_weights' })],
  ])
  for (const [name, bytes] of artifacts) {
    const path = normaliseMemberPath(name, 'Archive to be written')
    if (members.has(path))
      throw new ArchiveDuplicateError(`Archive to be written: two members are named ${JSON.stringify(path)}.`)
    members.set(path, [bytes])
  }
  const files: TarMember[] = Array.from(members, ([name, parts]) => ({ name: `./${name}`, contents: parts }))
  files.sort((a, b) => (a.name < b.name ? -1 : 1))
  const tar = tarChunks([{ name: './' }, ...files])
  return compression === 'gzip' ? gzipChunks(tar, level) : tar
}

/** fflate's output, unlike zlib's, is the same on every processor. */
function* gzipChunks(
  parts: Iterable<Uint8Array>,
  level: NonNullable<WriteNemoOptions['level']>,
): Generator<Uint8Array> {
  let ready: Uint8Array[] = []
  const gzip = new Gzip({ level, mtime: 0 }, (chunk) => {
    ready.push(chunk)
  })
  for (const part of parts) {
    gzip.push(part)
    yield* ready
    ready = []
  }
  gzip.push(new Uint8Array(0), true)
  yield* ready
}
