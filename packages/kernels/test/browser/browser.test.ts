/** The kernels in headless Chromium, on `navigator.gpu` and its SwiftShader: the checks of every op's test file. */
import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { allocate, type TensorData } from '@nemo/graph'
import { startChromium } from '@nemo-tools/software-vulkan/chromium'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectSameTraining } from '../expectSameTraining.js'
import { expectAgreement, type NamedCheck } from '../kernelCheck.js'
import type { KernelPage, PackedTensor } from './page.js'

const here = import.meta.dirname
const ops = join(here, '../../src/ops')
const files = readdirSync(ops).filter((name) => name.endsWith('.test.ts'))

// The same files, in the same order, in this process: they tell what ONNX Runtime must be asked.
const place = globalThis as { collectedKernelChecks?: NamedCheck[] }
place.collectedKernelChecks = []
for (const file of files) await import(join(ops, file))
const checks = place.collectedKernelChecks
delete place.collectedKernelChecks

let browser: Awaited<ReturnType<typeof startChromium>>
let server: Server
let tab: Awaited<ReturnType<typeof browser.newPage>>

const START_TIMEOUT = 120_000
const CHECK_TIMEOUT = 120_000

beforeAll(async () => {
  const script = await bundled()
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><script>${script.replaceAll('</script', '<\\/script')}</script>`)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  browser = await startChromium()
  tab = await browser.newPage()
  const failures: Error[] = []
  tab.on('pageerror', (error) => failures.push(error))
  // navigator.gpu is there for secure pages alone; this address counts as one.
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  // Told again: vitest stumbles over stacks of other programs.
  if (failures.length > 0) throw new Error(`The page failed: ${failures[0]!.message}`)
}, START_TIMEOUT)

afterAll(async () => {
  await browser?.close()
  server?.close()
})

async function bundled(): Promise<string> {
  const imports = [
    ...files.map((file) => `import ${JSON.stringify(join(ops, file))}`),
    `import ${JSON.stringify(join(here, 'page.ts'))}`,
  ]
  const { outputFiles } = await build({
    stdin: { contents: imports.join('\n'), resolveDir: here, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@nemo/source'],
    banner: { js: 'globalThis.collectedKernelChecks = [];' },
    alias: {
      vitest: join(here, 'vitestInPage.ts'),
      '@nemo-tools/software-vulkan': join(here, 'softwareVulkanInPage.ts'),
    },
    // The package says that its files have no side effects; its test files do.
    ignoreAnnotations: true,
    logLevel: 'error',
  })
  return outputFiles[0]!.text
}

type Page = { kernelPage: KernelPage }

test('the page has every check, and SwiftShader', async () => {
  const { titles, adapter } = await tab.evaluate(async () => {
    const { kernelPage } = globalThis as unknown as Page
    return { titles: kernelPage.titles, adapter: await kernelPage.adapter() }
  })
  expect(titles).toEqual(checks.map(({ title }) => title))
  expect(titles.length).toBeGreaterThan(100)
  expect(adapter).toMatch(/swiftshader/i)
})

for (const [index, { title, check }] of checks.entries()) {
  test(
    `in Chromium ${title}`,
    async () => {
      const found = await tab.evaluate((at) => (globalThis as unknown as Page).kernelPage.check(at), index)
      await expectAgreement(check, found.map(unpackAll))
    },
    CHECK_TIMEOUT,
  )
}

test(
  'a network trains in Chromium with the losses of the CPU',
  async () => {
    await expectSameTraining(await tab.evaluate(() => (globalThis as unknown as Page).kernelPage.train()))
  },
  CHECK_TIMEOUT,
)

const unpackAll = (outputs: Record<string, PackedTensor>): Record<string, TensorData> =>
  Object.fromEntries(Object.entries(outputs).map(([name, packed]) => [name, unpack(packed)]))

function unpack({ dtype, shape, base64 }: PackedTensor): TensorData {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
  const View = allocate(dtype, 0).constructor as Float32ArrayConstructor
  return { dtype, shape, data: new View(bytes.buffer) } as TensorData
}
