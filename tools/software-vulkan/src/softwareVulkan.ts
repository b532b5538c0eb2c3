import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import koffi from 'koffi'
import { filesOfArchive } from './archive.js'

// The npm package that carries SwiftShader, a Vulkan driver in software, and Vulkan's loader.
const CARRIER = '@sparticuz/chromium'
const FOLDER = 'nemo-kernels-swiftshader-153.0.0'
const LOADER = 'libvulkan.so.1'
const DRIVER = 'libvk_swiftshader.so'
const MANIFEST = 'vk_swiftshader_icd.json'

/**
 * What a process finds SwiftShader by, if it starts with these variables; unpacks it once into the temporary folder.
 *
 * @returns `VK_DRIVER_FILES`, the driver for the loader, and `LD_LIBRARY_PATH`, the loader for Dawn.
 */
export function softwareVulkanEnvironment(): Readonly<Record<string, string>> {
  const folder = swiftShaderFolder()
  const path = process.env.LD_LIBRARY_PATH
  return {
    VK_DRIVER_FILES: join(folder, MANIFEST),
    LD_LIBRARY_PATH: path ? `${folder}:${path}` : folder,
  }
}

/**
 * Gives this process a Vulkan driver that needs no GPU: loads the Vulkan loader where Dawn will find it, and points the
 * loader to the driver. Call it before the first device is made.
 */
export function useSoftwareVulkan(): void {
  const folder = swiftShaderFolder()
  process.env.VK_DRIVER_FILES = join(folder, MANIFEST)
  koffi.load(join(folder, LOADER), { global: true })
}

/** Path of Vulkan's loader, which finds the drivers of a machine. */
export const vulkanLoader = (): string => join(swiftShaderFolder(), LOADER)

function swiftShaderFolder(): string {
  const folder = join(tmpdir(), FOLDER)
  if (!existsSync(folder)) unpack(folder)
  return folder
}

// Several test processes may come here at once: each unpacks for itself, the first to rename wins.
function unpack(folder: string): void {
  const archive = join(dirname(fileURLToPath(import.meta.resolve(CARRIER))), '../bin/swiftshader.tar.br')
  const partial = mkdtempSync(`${folder}-`)
  for (const { name, content } of filesOfArchive(archive)) {
    if (name === LOADER || name === DRIVER) writeFileSync(join(partial, name), content, { mode: 0o755 })
  }
  const manifest = { file_format_version: '1.0.0', ICD: { library_path: join(folder, DRIVER), api_version: '1.3.0' } }
  writeFileSync(join(partial, MANIFEST), JSON.stringify(manifest))
  mkdirSync(dirname(folder), { recursive: true })
  try {
    renameSync(partial, folder)
  } catch {
    rmSync(partial, { recursive: true, force: true })
  }
}
