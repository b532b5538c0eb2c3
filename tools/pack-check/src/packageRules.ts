import type { PackedPackage } from './packedPackage.js'

/** What a package may contain beside its built code. */
const TOP_LEVEL_FILES = ['package.json', 'README.md', 'LICENSE']
/** Built code, and data that it reads; not tests and not what only we need. */
const BUILT_FILE = /^dist\/(?!(.*\/)?(test|fixtures)\/)(?!.*\.(test|test-d)\.)(?!.*\.tsbuildinfo$)/
/** Scripts that run on the machine of whoever installs the package. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

/** Every string in a package.json's `exports`, with the conditions that lead to it. */
function exportTargets(
  exports: unknown,
  conditions: readonly string[] = [],
): { target: string; conditions: readonly string[] }[] {
  if (typeof exports === 'string') return [{ target: exports, conditions }]
  if (exports === null || typeof exports !== 'object') return []
  return Object.entries(exports).flatMap(([key, value]) => exportTargets(value, [...conditions, key]))
}

/**
 * What is wrong with a package as it would be published.
 *
 * @returns A sentence for each fault; none when all is well.
 */
export function packageFaults({ manifest, files }: PackedPackage): string[] {
  const faults: string[] = []
  for (const file of TOP_LEVEL_FILES) {
    if (!files.get(file)?.toString('utf8').trim()) faults.push(`${file} is missing or empty`)
  }
  for (const file of files.keys()) {
    if (!TOP_LEVEL_FILES.includes(file) && !BUILT_FILE.test(file))
      faults.push(`${file} does not belong into the tarball`)
  }
  if (![...files.keys()].some((file) => file.startsWith('dist/'))) faults.push('dist/ is empty; build first')

  if (manifest.type !== 'module') faults.push(`"type" is ${JSON.stringify(manifest.type)}; expected "module"`)
  if (manifest.license !== 'Apache-2.0')
    faults.push(`"license" is ${JSON.stringify(manifest.license)}; expected "Apache-2.0"`)
  for (const script of INSTALL_SCRIPTS) {
    if (manifest.scripts?.[script])
      faults.push(`"scripts" has ${script}, which would run for everyone who installs the package`)
  }
  const dependencies = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(dependencies)) {
    if (/^(workspace|link|file|catalog):/.test(version))
      faults.push(`dependency ${name} is "${version}", which only this workspace understands`)
  }

  const targets = exportTargets(manifest.exports)
  if (targets.length === 0) faults.push('"exports" is empty')
  for (const { target, conditions } of targets) {
    const where = conditions.join(' > ')
    if (conditions.includes('@nemo/source'))
      faults.push(`"exports" ${where} is for this workspace only; publishConfig.exports must leave it out`)
    if (!target.startsWith('./')) faults.push(`"exports" ${where} is "${target}"; expected a path that starts with ./`)
    else if (!files.has(target.slice(2))) faults.push(`"exports" ${where} is "${target}", which is not in the tarball`)
  }
  if (targets.length > 0 && !targets.some(({ conditions }) => conditions.includes('types')))
    faults.push('"exports" has no "types"')
  return faults
}
