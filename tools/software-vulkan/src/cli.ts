/**
 * Runs a command on SwiftShader, a Vulkan driver in software, so that WebGPU works on a machine without a GPU.
 *
 *   pnpm software-vulkan npm run recipe -- asr/spoken-digits trainer.accelerator=webgpu
 */
import { spawn } from 'node:child_process'
import { softwareVulkanEnvironment } from './softwareVulkan.js'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  console.error('Usage: pnpm software-vulkan COMMAND [ARGUMENT ...]. Found no command.')
  process.exitCode = 2
} else {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...softwareVulkanEnvironment() } })
  // The terminal sends its signals to the child as well; we only wait for it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  child.on('error', (error) => {
    console.error(`${command} cannot be started: ${error.message}`)
    process.exitCode = 127
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0)
  })
}
