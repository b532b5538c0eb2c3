import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vulkanLoader } from '@nemo-tools/software-vulkan'
import { build } from 'esbuild'
import { BenchError } from './errors.js'

/** Help of `pnpm bench gpu-bundle`. */
export const gpuBundleHelp = `pnpm bench gpu-bundle FOLDER

Makes a folder of about 150 MB with all that \`bench gpu\` needs on a Linux machine that has nothing but a GPU's driver: this
Node, the built packages in one file, Dawn, and Vulkan's loader. There run FOLDER/bench [options]; it writes its JSON beside
itself. Bring that to tools/bench/results.`

/** Makes the folder. */
export async function gpuBundle(args: readonly string[], root: string): Promise<void> {
  const [given] = args
  if (given === undefined) throw new BenchError('NEMO_BENCH_USAGE', `Expected a folder.\n\n${gpuBundleHelp}`)
  if (process.platform !== 'linux')
    throw new BenchError('NEMO_BENCH_USAGE', `Bundles are made on Linux for Linux, not on ${process.platform}.`)
  const folder = resolve(given)
  const dawn = join(folder, 'node_modules/webgpu')
  mkdirSync(dawn, { recursive: true })
  await build({
    stdin: {
      contents: "import { gpu } from './gpu.js'\nawait gpu(process.argv.slice(2))\nprocess.exit(0)\n",
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    outfile: join(folder, 'bench.mjs'),
    bundle: true,
    format: 'esm',
    // As for browsers: without ONNX Runtime, which the bench does not use.
    platform: 'browser',
    target: 'node20',
    conditions: ['@nemo/source'],
    external: ['node:*'],
    plugins: [
      { name: 'dawn', setup: (on) => on.onResolve({ filter: /^webgpu$/ }, ({ path }) => ({ path, external: true })) },
    ],
    logLevel: 'error',
  })
  const installed = dirname(fileURLToPath(import.meta.resolve('webgpu')))
  for (const file of ['index.js', 'package.json', 'LICENSE.md']) copyFileSync(join(installed, file), join(dawn, file))
  const platform = `dist/${process.platform}-${process.arch}`
  cpSync(join(installed, platform), join(dawn, platform), { recursive: true })
  copyFileSync(process.execPath, join(folder, 'node'))
  copyFileSync(vulkanLoader(), join(folder, 'libvulkan.so.1'))
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim()
  const command = join(folder, 'bench')
  writeFileSync(
    command,
    `#!/bin/sh
# Made by pnpm bench gpu-bundle.
here=$(cd "$(dirname "$0")" && pwd)
export NEMO_BENCH_COMMIT=${commit}
# The machine's own loader comes first.
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/lib/x86_64-linux-gnu:/usr/lib64:$here"
exec "$here/node" "$here/bench.mjs" --out "$here" "$@"
`,
  )
  chmodSync(command, 0o755)
  console.log(folder)
}
