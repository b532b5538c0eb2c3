import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import { inflate, setupLambdaEnvironment } from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'
import { filesOfArchive } from './archive.js'

const FOLDER = 'nemo-kernels-chromium-153.0.0'

// WebGPU on SwiftShader, which Chromium brings along.
const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
  // SwiftShader takes a second to compile the clearing of workgroup memory, and our kernels need none.
  '--enable-dawn-features=disable_workgroup_init',
]

/**
 * Starts a headless Chromium with WebGPU in software; runs as root and in containers too. Unpacks it once into the
 * temporary folder, about 200 MB. The caller closes it.
 *
 * @throws Error with Chromium's own words if it does not start.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = unpackedChromium()
  // Containers often lack the libraries that Chromium links to; the package carries those too.
  const missing = spawnSync('ldd', [executablePath], { encoding: 'utf8' }).stdout?.includes('not found')
  if (missing) setupLambdaEnvironment(join(await inflate(join(binaries(), 'al2023.tar.br')), 'lib'))
  return chromium.launch({ executablePath, chromiumSandbox: false, args: FLAGS })
}

const binaries = (): string => join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '../bin')

// Several processes may come here at once: each unpacks for itself, the first to rename wins.
function unpackedChromium(): string {
  const folder = join(tmpdir(), FOLDER)
  const executable = join(folder, 'chromium')
  if (existsSync(executable)) return executable
  const partial = mkdtempSync(`${folder}-`)
  const file = join(partial, 'chromium')
  writeFileSync(file, brotliDecompressSync(readFileSync(join(binaries(), 'chromium.br'))))
  chmodSync(file, 0o755)
  // Chromium looks for SwiftShader beside itself.
  for (const { name, content } of filesOfArchive(join(binaries(), 'swiftshader.tar.br'))) {
    if (/^[\w.-]+$/.test(name)) writeFileSync(join(partial, name), content, { mode: 0o755 })
  }
  try {
    renameSync(partial, folder)
  } catch {
    rmSync(partial, { recursive: true, force: true })
  }
  return executable
}
