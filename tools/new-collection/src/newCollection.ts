import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

const TEMPLATE = resolve(import.meta.dirname, '../template')
/** Words of the template that stand for the new package's own. */
const PLACEHOLDER = /\b(COLLECTION|VERSION)\b/g
/** Stands for itself in names of npm packages and folders: lower case, digits, single hyphens. */
const COLLECTION_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** npm allows 214 characters; nobody wants to import more than these. */
const MAX_NAME_LENGTH = 40

/** A collection that cannot be made; the message says why, and what can. */
export class NewCollectionError extends Error {
  readonly code = 'NEMO_NEW_COLLECTION'
}

/**
 * Makes `packages/NAME` from the template.
 *
 * @param root - The repository's folder.
 * @param name - Such as `vision`; the package is `@nemo/NAME`.
 * @returns The new folder.
 * @throws NewCollectionError if the name is not fit for a package, or taken.
 */
export function newCollection(root: string, name: string): string {
  if (!COLLECTION_NAME.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new NewCollectionError(
      `${JSON.stringify(name)} cannot be the name of a collection: expected lower-case words joined by hyphens, at most ${MAX_NAME_LENGTH} characters, such as "vision".`,
    )
  }
  const folder = join(root, 'packages', name)
  if (existsSync(folder))
    throw new NewCollectionError(`packages/${name} exists already. Choose another name, or work there.`)
  for (const other of readdirSync(join(root, 'packages'))) {
    const manifest = join(root, 'packages', other, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === `@nemo/${name}`) {
      throw new NewCollectionError(`packages/${other} is called @nemo/${name} already. Choose another name.`)
    }
  }
  // All packages are released together, under one version.
  const { version } = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')) as { version: string }
  const words: Record<string, string> = { COLLECTION: name, VERSION: version }
  cpSync(TEMPLATE, folder, { recursive: true, filter: (path) => basename(path) !== 'node_modules' })
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, entry)
    if (statSync(file).isFile()) {
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replaceAll(PLACEHOLDER, (word) => words[word] ?? word),
      )
    }
  }
  return folder
}
