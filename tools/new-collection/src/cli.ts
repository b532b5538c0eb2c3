/**
 * Makes a new collection and installs it into the workspace.
 *
 *     pnpm new:collection NAME
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { ensurePnpm, workspaceEnvironment } from '../../setup/src/localPnpm.mjs'
import { NewCollectionError, newCollection } from './newCollection.js'

const root = resolve(import.meta.dirname, '../../..')
const [name, ...rest] = process.argv.slice(2).filter((arg) => arg !== '--')

if (name === undefined || rest.length > 0) {
  console.error('Usage: pnpm new:collection NAME')
  process.exitCode = 1
} else {
  try {
    newCollection(root, name)
    const pnpm = await ensurePnpm(root)
    // Links the new package's dependencies, and writes it into the lockfile.
    const args = [pnpm.entry, 'install', '--prefer-offline', '--no-frozen-lockfile']
    const { status } = spawnSync(process.execPath, args, {
      cwd: root,
      env: workspaceEnvironment(pnpm),
      stdio: 'inherit',
    })
    process.exitCode = status ?? 1
    console.log(
      status === 0
        ? `\npackages/${name} is ready. Try it: npx vitest run packages/${name}\nCommit it together with pnpm-lock.yaml.`
        : `\npackages/${name} is there, but could not be installed; see above. Then run: npm run setup`,
    )
  } catch (error) {
    if (!(error instanceof NewCollectionError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
