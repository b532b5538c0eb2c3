import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unpack } from '@publint/pack'
import { runCommand } from './runCommand.js'

/** The part of a package.json that this tool looks at. */
export interface Manifest {
  name: string
  version: string
  private?: boolean
  license?: string
  type?: string
  exports?: unknown
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
  optionalDependencies?: Record<string, string>
}

/** A package as it would be published. */
export interface PackedPackage {
  manifest: Manifest
  /** Path of the tarball. */
  tarball: string
  /** Its files by path within the package, with `/`. */
  files: ReadonlyMap<string, Buffer>
}

/**
 * Packs every package in `packages/` that is not private.
 *
 * @param root - The repository's folder.
 * @param pnpm - The script of pnpm.
 * @param destination - Where to put the tarballs; made if need be.
 */
export async function packPackages(root: string, pnpm: string, destination: string): Promise<PackedPackage[]> {
  const packed: PackedPackage[] = []
  for (const folder of readdirSync(join(root, 'packages')).sort()) {
    const cwd = join(root, 'packages', folder)
    const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as Manifest
    if (manifest.private) continue
    const target = join(destination, folder)
    mkdirSync(target, { recursive: true })
    runCommand({ command: process.execPath, args: [pnpm, 'pack', '--pack-destination', target] }, { cwd })
    packed.push(await readTarball(join(target, readdirSync(target)[0] ?? '')))
  }
  return packed
}

async function readTarball(tarball: string): Promise<PackedPackage> {
  const bytes = readFileSync(tarball)
  const { files, rootDir } = await unpack(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const contents = new Map(files.map(({ name, data }) => [name.slice(rootDir.length + 1), Buffer.from(data)]))
  const manifest = JSON.parse(contents.get('package.json')?.toString('utf8') ?? '{}') as Manifest
  return { manifest, tarball, files: contents }
}

/**
 * A package and all of ours that it needs, itself first.
 *
 * @param name - Such as `@nemo/asr`.
 */
export function closureOf(name: string, packages: readonly PackedPackage[]): PackedPackage[] {
  const byName = new Map(packages.map((each) => [each.manifest.name, each]))
  const names = new Set([name])
  for (const each of names) {
    const { dependencies, peerDependencies, peerDependenciesMeta } = byName.get(each)?.manifest ?? {}
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (byName.has(dependency) && !peerDependenciesMeta?.[dependency]?.optional) names.add(dependency)
    }
  }
  return [...names].map((each) => byName.get(each)).filter((each) => each !== undefined)
}
