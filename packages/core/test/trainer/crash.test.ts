import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { RandomGenerator } from '../../src/index.js'
import type { CrashSettings } from './crashRun.js'

const script = fileURLToPath(new URL('./crashRun.ts', import.meta.url))
const root = fileURLToPath(new URL('../../../..', import.meta.url))
// Few where someone waits, many in CI, and more for those who want to be surer.
const KILLS = Number(process.env.NEMO_TEST_KILLS ?? (process.env.CI ? 8 : 2))

// A process takes two seconds of computing to start and finish; a machine with other work gives it much less than a core.
vi.setConfig({ testTimeout: 120_000 + 60_000 * KILLS, hookTimeout: 120_000 })

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-crash-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly errors: string
}

/** Starts the run; `watch` sees every line that it prints. */
function start(folder: string, settings: CrashSettings, watch?: (line: string, child: ChildProcess) => void) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=@nemo/source', script, folder, JSON.stringify(settings)],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const lines: string[] = []
  let rest = ''
  let errors = ''
  child.stdout.on('data', (data: Buffer) => {
    rest += data.toString()
    for (;;) {
      const end = rest.indexOf('\n')
      if (end < 0) break
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      lines.push(line)
      watch?.(line, child)
    }
  })
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString()
  })
  return new Promise<Ending>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, lines, errors }))
  })
}

async function run(folder: string, settings: CrashSettings, watch?: (line: string, child: ChildProcess) => void) {
  await mkdir(folder, { recursive: true })
  return start(folder, settings, watch)
}

async function outcome(folder: string): Promise<Record<string, unknown>> {
  const read = JSON.parse(await readFile(join(folder, 'outcome.json'), 'utf8')) as Record<string, unknown>
  return { ...read, best: basename(String(read.best)) }
}

const checkpointsOf = async (folder: string) => (await readdir(join(folder, 'checkpoints'))).sort()

const settings: CrashSettings = {
  trainer: {
    max_epochs: 4,
    val_check_interval: 0.5,
    accumulate_grad_batches: 2,
    gradient_clip_val: 1,
    num_threads: 2,
    seed: 5,
    log_every_n_steps: 1,
  },
  model: {
    dropout: 0.3,
    optim: { name: 'adamw', lr: 0.02, sched: { name: 'CosineAnnealing', warmup_steps: 3 } },
    optim_param_groups: { '*.bias': { lr: 0.01, weight_decay: 0 } },
    freeze_updates: { enabled: true, modules: { encoder: 3, decoder: [8, 12] } },
  },
  ema: 0.9,
  // A batch in the middle and the last sample have nothing to give.
  data: { length: 27, batch_size: 3, shuffle: true, noise: 0.3, seed: 3, skip: [26] },
  every: 1,
}
const BATCHES = 36

describe('a run that is killed and started again', () => {
  let uninterrupted: Record<string, unknown>
  let files: string[]
  beforeAll(async () => {
    const folder = join(scratch, 'uninterrupted')
    const ending = await run(folder, settings)
    expect(ending.errors).toBe('')
    expect(ending.lines.at(-1)).toBe('end finished')
    uninterrupted = await outcome(folder)
    files = await checkpointsOf(folder)
  })

  it('trains for as many batches as the settings say', () => {
    expect(uninterrupted).toMatchObject({ globalStep: 20, epoch: 4 })
  })

  it(`ends with the same bits after ${KILLS} SIGKILLs at random points`, async () => {
    const folder = join(scratch, 'killed')
    const random = new RandomGenerator(Number(process.env.NEMO_TEST_SEED ?? 1))
    let killed = 0
    let resumed = 0
    let ending: Ending
    do {
      // Somewhere in the batches that this process will still do, and a while after its line.
      const after = 1 + random.integer(Math.max(1, Math.min(BATCHES - 8, Math.floor((2 * BATCHES) / KILLS))))
      const delay = random.uniform(0, 30)
      let seen = 0
      // It may not get to its end before it is killed.
      const doomed = killed < KILLS ? { ...settings, hold: Math.min(after + 5, BATCHES - 8) } : settings
      ending = await run(folder, doomed, (line, child) => {
        if (line.startsWith('batch') && ++seen === after && killed < KILLS)
          setTimeout(() => child.kill('SIGKILL'), delay)
      })
      if (ending.lines[0] === 'resumed') resumed++
      if (ending.signal === 'SIGKILL') killed++
      else expect(ending).toMatchObject({ code: 0, errors: '' })
    } while (ending.lines.at(-1) !== 'end finished')
    expect(killed).toBeGreaterThan(0)
    expect(resumed).toBeGreaterThan(0)
    expect(await outcome(folder)).toEqual(uninterrupted)
    expect(await checkpointsOf(folder)).toEqual(files)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends it cleanly with a checkpoint, and it goes on bit for bit',
    async (signal) => {
      const folder = join(scratch, signal)
      const rare = { ...settings, every: 0 }
      const first = await run(folder, { ...rare, hold: 16 }, (line, child) => {
        if (line === 'batch 14') child.kill(signal)
      })
      expect(first).toMatchObject({ code: 0, signal: null, errors: '' })
      expect(first.lines.at(-1)).toBe('end interrupted')
      const last = Number(first.lines.at(-2)!.split(' ')[1])
      expect(last).toBeGreaterThanOrEqual(14)
      expect(last).toBeLessThanOrEqual(30)
      expect(await checkpointsOf(folder)).toContain('model-last.ckpt')
      const second = await run(folder, rare)
      expect(second.lines.slice(0, 2)).toEqual(['resumed', `batch ${last + 1}`])
      expect(second.lines.at(-1)).toBe('end finished')
      expect(await outcome(folder)).toEqual(uninterrupted)
      expect(await checkpointsOf(folder)).toEqual(files)
    },
  )

  it('a finished run that is started again trains no more, and removes what was half-written', async () => {
    const folder = join(scratch, 'uninterrupted')
    const half = '.model-last.ckpt.123e4567-e89b-12d3-a456-426614174000.tmp'
    await writeFile(join(folder, 'checkpoints', half), 'PK')
    await writeFile(join(folder, 'checkpoints', 'notes.tmp'), 'somebody else wrote this')
    const ending = await run(folder, settings)
    expect(ending.lines).toEqual(['resumed', 'end finished'])
    expect(await outcome(folder)).toEqual(uninterrupted)
    expect(await checkpointsOf(folder)).toEqual([...files, 'notes.tmp'].sort())
  })
})
