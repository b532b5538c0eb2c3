import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { workspaceEnvironment } from './localPnpm.mjs'
import { runStep } from './step.mjs'

/** Kept inside node_modules, so that deleting that folder also forgets the installation. */
const STAMP = join('node_modules', '.setup-stamp')
const WORKSPACE_FOLDERS = ['packages', 'apps', 'tools']

/**
 * Everything an installation depends on, as one hash: the lockfile, pnpm's settings, every package.json of the
 * workspace, the Node ABI and the platform.
 *
 * @param {string} root - The repository's folder.
 * @returns {string}
 */
export function installationFingerprint(root) {
  const manifests = WORKSPACE_FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder))
      .sort()
      .map((name) => join(folder, name, 'package.json')),
  )
  const hash = createHash('sha256').update([process.platform, process.arch, process.versions.modules].join(' '))
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(`\n${file}\n`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

/**
 * Runs `pnpm install --frozen-lockfile` unless nothing it depends on has changed since it last succeeded, so that
 * a second run needs neither the network nor the seconds.
 *
 * @param {string} root - The repository's folder.
 * @param {{ entry: string, bin: string }} pnpm
 * @param {{ quiet?: boolean, force?: boolean }} [options] - `force` installs even when nothing has changed.
 * @returns {Promise<boolean>} Whether it had to install.
 * @throws {import('./step.mjs').StepFailedError}
 */
export async function installIfStale(root, pnpm, { quiet = false, force = false } = {}) {
  const stamp = join(root, STAMP)
  const fingerprint = installationFingerprint(root)
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return false
  rmSync(stamp, { force: true })
  const args = [pnpm.entry, 'install', '--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false']
  await runStep('install', process.execPath, args, { cwd: root, env: workspaceEnvironment(pnpm), quiet })
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, fingerprint)
  return true
}
