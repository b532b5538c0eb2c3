import { nodeModule } from '../config/nodeModule.js'

interface PackageFile {
  readonly name?: string
  readonly version?: string
}

/** Reads the `package.json` of an installed package, looking upwards from a folder as Node does. */
function findPackage(name: string, from: string): { dir: string; version: string } | undefined {
  const fs = nodeModule('node:fs')
  const { dirname, join } = nodeModule('node:path')
  for (let folder = from; ; folder = dirname(folder)) {
    const dir = join(folder, 'node_modules', name)
    const file = join(dir, 'package.json')
    if (fs.existsSync(file)) {
      const { version } = JSON.parse(fs.readFileSync(file, 'utf8')) as PackageFile
      return version === undefined ? undefined : { dir: fs.realpathSync(dir), version }
    }
    if (dirname(folder) === folder) return undefined
  }
}

/** The package that this file belongs to. */
function ownPackage(): { dir: string; version: string } | undefined {
  const fs = nodeModule('node:fs')
  const { dirname, join } = nodeModule('node:path')
  for (let folder = import.meta.dirname; folder !== undefined; ) {
    const file = join(folder, 'package.json')
    if (fs.existsSync(file)) {
      const { name, version } = JSON.parse(fs.readFileSync(file, 'utf8')) as PackageFile
      if (name === '@nemo/core') return version === undefined ? undefined : { dir: folder, version }
    }
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
  }
  return undefined
}

/** Versions of Node, of this toolkit and of ONNX Runtime, as far as they are found. */
export function installedVersions(): Record<string, string> {
  const versions: Record<string, string> = { node: process.versions.node }
  const core = ownPackage()
  if (core === undefined) return versions
  versions['@nemo/core'] = core.version
  const graph = findPackage('@nemo/graph', core.dir)
  if (graph === undefined) return versions
  versions['@nemo/graph'] = graph.version
  const runtime = findPackage('onnxruntime-node', graph.dir)
  if (runtime !== undefined) versions['onnxruntime-node'] = runtime.version
  return versions
}
