import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ort, type Runtime } from '@nemo/graph'
import { WebGPUUnavailableError, webgpu } from '@nemo/kernels'
import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { caseHandlers } from './cases/index.js'
import { Comparison } from './comparison.js'
import { GoldenCase, isCaseFolder } from './goldenCase.js'

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

const usage = `pnpm goldens [DIR] [--runtime ort|webgpu] [--verbose]

Computes every case folder under DIR (default ${relative(process.cwd(), join(repository, '../shared/goldens'))}) with our code and compares
with the stored results; webgpu takes software Vulkan where there is no GPU, and says so. One line per case: largest error relative to its tolerance, and which value that is.
Exit code 1 if a case fails.`

async function runtimeNamed(name: string): Promise<Runtime> {
  if (name === 'ort') return ort()
  if (name !== 'webgpu') throw new Error(`--runtime ${name}: expected ort or webgpu.`)
  try {
    return await webgpu()
  } catch (error) {
    if (!(error instanceof WebGPUUnavailableError)) throw error
    console.error('There is no GPU here; this computes on SwiftShader, a Vulkan driver in software.')
    useSoftwareVulkan()
    return webgpu({ adapter: 'swiftshader' })
  }
}

function caseFolders(folder: string): string[] {
  if (isCaseFolder(folder)) return [folder]
  return readdirSync(folder)
    .sort()
    .map((entry) => join(folder, entry))
    .filter((path) => statSync(path).isDirectory())
    .flatMap(caseFolders)
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: 'string', default: 'ort' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const folder = resolve(positionals[0] ?? join(repository, '../shared/goldens'))
  if (!existsSync(folder)) {
    console.error(`${folder}: no such folder. Give the folder of the reference cases: pnpm goldens DIR`)
    return 2
  }
  const folders = caseFolders(folder)
  if (folders.length === 0) {
    console.error(`${folder}: no case.json in it or below. Give the folder of the reference cases: pnpm goldens DIR`)
    return 2
  }
  const runtime = await runtimeNamed(values.runtime)
  const width = Math.max(...folders.map((path) => relative(folder, path).length), 4)
  const count = { ok: 0, failed: 0, unsupported: 0 }
  for (const path of folders) {
    const label = (relative(folder, path) || path).padEnd(width)
    const golden = new GoldenCase(path)
    const handler = caseHandlers.find((candidate) => candidate.matches(golden))
    if (!handler) {
      console.log(`${label}  NOT SUPPORTED YET: no handler for a case with ${Object.keys(golden.json).join(', ')}`)
      count.unsupported++
      continue
    }
    const comparison = new Comparison(golden)
    const start = performance.now()
    try {
      await handler.run(golden, comparison, { runtime })
      if (comparison.checks.length === 0) comparison.fail('case', 'nothing was compared')
    } catch (error) {
      comparison.fail(
        'run',
        error instanceof Error ? (values.verbose ? (error.stack ?? error.message) : error.message) : String(error),
      )
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    const { worst, failures } = comparison
    count[failures.length > 0 ? 'failed' : 'ok']++
    console.log(
      `${label}  ${failures.length > 0 ? 'FAILED' : 'ok'}  error ${formatRatio(worst!.ratio)} of tolerance ${worst!.tolerance} at ${worst!.what}` +
        ` (${comparison.checks.length} values, ${seconds} s)`,
    )
    for (const check of values.verbose ? comparison.checks : failures.slice(0, 10)) {
      console.log(
        `  ${check.what}: ${check.problem ?? `${formatRatio(check.ratio)} of ${check.tolerance}, error ${check.error.toPrecision(3)}`}`,
      )
    }
  }
  console.log(`${count.ok} ok, ${count.failed} failed, ${count.unsupported} not supported yet`)
  return count.failed > 0 ? 1 : 0
}

const formatRatio = (ratio: number): string => (Number.isFinite(ratio) ? ratio.toPrecision(2) : String(ratio))

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
