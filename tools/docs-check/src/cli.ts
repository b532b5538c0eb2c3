/**
 * Writes the examples of all Markdown files as modules, for the compiler to check; their names tell file and line.
 *
 *     pnpm --filter @nemo-tools/docs-check typecheck
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { examplesOf } from './examples.js'

const root = resolve(import.meta.dirname, '../../..')
const folder = resolve(import.meta.dirname, '../.cache/examples')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
if (git.status !== 0) throw new Error(`docs-check needs git to list the Markdown files: ${git.stderr}`)
let written = 0
for (const file of git.stdout
  .split('\0')
  .filter((name) => name !== '' && !/^(\.changeset|tools\/new-collection\/template)\//.test(name))) {
  for (const { line, code } of examplesOf(readFileSync(join(root, file), 'utf8'))) {
    writeFileSync(join(folder, `${file.replaceAll('/', '__')}.${line}.ts`), `${code}\nexport {}\n`)
    written++
  }
}
console.log(`docs-check: ${written} examples.`)
