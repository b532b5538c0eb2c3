/**
 * Checks every file that git tracks, and prints what breaks a rule. Part of `npm run lint`.
 *
 *     node --import tsx tools/repo-check/src/cli.ts
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkFile } from './repositoryRules.js'

const root = resolve(import.meta.dirname, '../../..')
const git = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
if (git.status !== 0) {
  console.log('repo-check: not a git checkout, so there are no committed files to check.')
} else {
  const files = git.stdout
    .split('\0')
    .filter((file) => file && lstatSync(join(root, file), { throwIfNoEntry: false })?.isFile())
  const findings = files.flatMap((file) => checkFile(file, readFileSync(join(root, file))))
  for (const { file, line, message } of findings) console.error(`${file}${line ? `:${line}` : ''}: ${message}`)
  console.log(`repo-check: ${files.length} files, ${findings.length} findings.`)
  process.exitCode = findings.length > 0 ? 1 : 0
}
