import type { Config } from '../config/config.js'
import { nodeModule } from '../config/nodeModule.js'
import { readableYaml } from './readableYaml.js'

/** How far an earlier run came: it wrote its result, or only checkpoints. */
export type RunState = 'completed' | 'interrupted'

/**
 * The newest run of an experiment that had this config and came so far.
 *
 * @param experimentDir - `exp_dir/name`.
 * @returns its folder, or undefined if there is none.
 */
export function findRun(experimentDir: string, config: Config, state: RunState): string | undefined {
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
  const reached = (run: string): boolean => {
    const completed = fs.existsSync(join(run, 'result.json'))
    if (state === 'completed') return completed
    const checkpoints = join(run, 'checkpoints')
    return (
      !completed && fs.existsSync(checkpoints) && fs.readdirSync(checkpoints).some((name) => name.endsWith('last.ckpt'))
    )
  }
  return runs.find((run) => {
    const saved = join(run, 'config.yaml')
    return reached(run) && fs.existsSync(saved) && fs.readFileSync(saved, 'utf8') === wanted
  })
}
