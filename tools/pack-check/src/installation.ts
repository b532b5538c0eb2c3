import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { npmCommand } from '../../setup/src/localPnpm.mjs'
import type { PackedPackage } from './packedPackage.js'
import { runCommand } from './runCommand.js'

/**
 * Installs tarballs with plain npm into an empty folder, as a user would.
 *
 * `ONNXRUNTIME_NODE_INSTALL=skip` is what we document for machines without CUDA: it keeps the install script of
 * onnxruntime-node from fetching some hundred MB of CUDA libraries from a server that is not an npm registry.
 *
 * @param folder - Made here; must be outside of the repository, whose node_modules would hide what is missing.
 * @param packages - What to install; all of ours among their dependencies must be in it.
 * @param options.files - A folder whose files are copied in first.
 * @param options.registryPackages - Further packages, `NAME@VERSION`.
 */
export function installTarballs(
  folder: string,
  packages: readonly PackedPackage[],
  { files, registryPackages = [] }: { files?: string; registryPackages?: readonly string[] } = {},
): void {
  mkdirSync(folder, { recursive: true })
  if (files) cpSync(files, folder, { recursive: true })
  writeFileSync(`${folder}/package.json`, '{ "name": "consumer", "private": true, "type": "module" }\n')
  const { command, args } = npmCommand()
  const flags = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error']
  runCommand(
    { command, args: [...args, 'install', ...flags, ...packages.map(({ tarball }) => tarball), ...registryPackages] },
    { cwd: folder, env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } },
  )
}
