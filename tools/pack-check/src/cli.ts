/**
 * The tarball check: packs every package, looks into each tarball, and uses them as a stranger would.
 *
 *     pnpm pack-check [NAME ...]
 *
 * With names, such as `contents` or `typescript`, only those of the checks below run.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { ensurePnpm } from '../../setup/src/localPnpm.mjs'
import { installTarballs } from './installation.js'
import { packageFaults } from './packageRules.js'
import { closureOf, packPackages } from './packedPackage.js'
import { runCommand } from './runCommand.js'

const root = resolve(import.meta.dirname, '../../..')
const consumers = resolve(import.meta.dirname, '../consumers')
const fixtures = resolve(import.meta.dirname, '../test/fixtures')

const work = mkdtempSync(join(tmpdir(), 'pack-check-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

const { entry } = await ensurePnpm(root)
const packages = await packPackages(root, entry, join(work, 'tarballs'))
const expectedText = (JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as { text: string }).text

/** Copies the archive and the recording that are transcribed. */
function copyRecording(folder: string) {
  for (const file of ['model.nemo', 'sample.wav']) cpSync(join(fixtures, file), join(folder, file))
}

function expectTranscript(folder: string, script: string) {
  const text = runCommand({ command: process.execPath, args: [script] }, { cwd: folder })
  if (text !== expectedText)
    throw new Error(`${script} should print ${JSON.stringify(expectedText)}, but printed ${JSON.stringify(text)}`)
}

const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>
}
const pinned = (name: string) => `${name}@${rootManifest.devDependencies[name]}`
const tsc = (folder: string) => ({ command: process.execPath, args: [join(folder, 'node_modules/typescript/bin/tsc')] })

const checks: Record<string, () => Promise<void> | void> = {
  async contents() {
    const faults: string[] = []
    for (const each of packages) {
      const bytes = readFileSync(each.tarball)
      const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
      const found = [
        ...packageFaults(each),
        ...messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`),
      ]
      faults.push(...found.map((fault) => `${each.manifest.name}: ${fault}`))
    }
    if (faults.length > 0) throw new Error(faults.join('\n'))
  },

  alone() {
    for (const { manifest } of packages) {
      const folder = join(work, 'alone', manifest.name)
      installTarballs(folder, closureOf(manifest.name, packages))
      runCommand(
        { command: process.execPath, args: ['--input-type=module', '-e', `await import('${manifest.name}')`] },
        { cwd: folder },
      )
      rmSync(folder, { recursive: true, force: true })
    }
  },

  esm() {
    const folder = join(work, 'esm')
    installTarballs(folder, closureOf('@nemo/asr', packages), { files: join(consumers, 'esm') })
    copyRecording(folder)
    expectTranscript(folder, 'transcribe.mjs')
  },

  typescript() {
    const folder = join(work, 'typescript')
    const registryPackages = [pinned('typescript'), pinned('@types/node')]
    installTarballs(folder, closureOf('@nemo/asr', packages), {
      files: join(consumers, 'typescript'),
      registryPackages,
    })
    copyRecording(folder)
    // Not skipLibCheck: our own declarations must be right too, and those of what we depend on.
    const { command, args } = tsc(folder)
    runCommand({ command, args: [...args, '--noEmit'] }, { cwd: folder })
    runCommand({ command, args }, { cwd: folder })
    expectTranscript(folder, 'out/transcribe.js')
    // Types that do not resolve become `any` silently; this line must be an error.
    writeFileSync(
      join(folder, 'src/wrong.ts'),
      "import { EncDecCTCModel } from '@nemo/asr'\nconst n: number = EncDecCTCModel\nconsole.log(n)\n",
    )
    let wrongAccepted = true
    try {
      runCommand({ command, args: [...args, '--noEmit'] }, { cwd: folder })
    } catch {
      wrongAccepted = false
    }
    if (wrongAccepted) throw new Error('the types of @nemo/asr do not resolve: a class was accepted as a number')
  },
}

const wanted = process.argv.slice(2)
const names = Object.keys(checks).filter((name) => wanted.length === 0 || wanted.includes(name))
let failed = 0
for (const name of names) {
  const started = performance.now()
  try {
    await checks[name]?.()
    console.log(`✓ ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  } catch (error) {
    failed++
    console.error(`✗ ${name}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
console.log(`pack-check: ${packages.length} packages, ${names.length - failed} of ${names.length} checks passed.`)
process.exitCode = failed > 0 ? 1 : 0
