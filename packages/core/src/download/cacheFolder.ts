import { nodeModule } from '../config/nodeModule.js'

/** Folder of what can be had again: NEMO_CACHE_DIR, else `nemo` in the user's cache folder. */
export function cacheFolder(): string {
  const { join } = nodeModule('node:path')
  const { NEMO_CACHE_DIR, XDG_CACHE_HOME } = process.env
  if (NEMO_CACHE_DIR) return NEMO_CACHE_DIR
  return join(XDG_CACHE_HOME || join(nodeModule('node:os').homedir(), '.cache'), 'nemo')
}
