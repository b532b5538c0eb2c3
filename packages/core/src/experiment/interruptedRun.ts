import { nodeModule } from '../config/nodeModule.js'
import type { Config } from '../config/config.js'
import { readableYaml } from './readableYaml.js'

/**
 * The newest run of an experiment that began with this config, wrote a checkpoint, and did not come to its end.
 *
 * @param experimentDir - `exp_dir/name`.
 * @returns its folder, or undefined if there is none.
 */
export function findInterruptedRun(experimentDir: string, config: Config): string | undefined {
  const fs = nodeModule('node:fs')
  const { join } = nodeModule('node:path')
  if (!fs.existsSync(experimentDir)) return undefined
  const wanted = readableYaml(config)
  const runs = fs
    .readdirSync(experimentDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(experimentDir, entry.name))
    .sort()
    .reverse()
  return runs.find((run) => {
    const checkpoints = join(run, 'checkpoints')
    if (fs.existsSync(join(run, 'result.json')) || !fs.existsSync(checkpoints)) return false
    if (!fs.readdirSync(checkpoints).some((name) => name.endsWith('last.ckpt'))) return false
    const saved = join(run, 'config.yaml')
    return fs.existsSync(saved) && fs.readFileSync(saved, 'utf8') === wanted
  })
}
