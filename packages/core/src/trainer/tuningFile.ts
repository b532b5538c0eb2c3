import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { nodeModule } from '../config/nodeModule.js'
import { cacheFolder } from '../download/cacheFolder.js'
import { getLogger } from '../logging/logger.js'

const log = getLogger('trainer')

/** What a GPU's measurements are kept in: `webgpu-tiles.json` in the cache folder. */
export function tuningFile(folder: string = cacheFolder()): {
  load(): Promise<string | undefined>
  save(text: string): Promise<void>
} {
  const path = nodeModule('node:path').join(folder, 'webgpu-tiles.json')
  return {
    load: () =>
      nodeModule('node:fs')
        .promises.readFile(path, 'utf8')
        .catch(() => undefined),
    save: async (text) => {
      try {
        await nodeModule('node:fs').promises.mkdir(folder, { recursive: true })
        await atomicWriteFile(path, new TextEncoder().encode(text))
      } catch (error) {
        log.warning(
          `The GPU was measured, but ${path} cannot be written, so it will be measured again: ${(error as Error).message}`,
        )
      }
    },
  }
}
