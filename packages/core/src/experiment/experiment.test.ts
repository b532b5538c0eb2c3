import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Config } from '../config/config.js'
import { LogHub } from '../logging/logger.js'
import { createExperiment, type Experiment, quoteCommand } from './experiment.js'
import { readGitInfo } from './gitInfo.js'
import type { ExperimentConfig } from './logDir.js'

const root = mkdtempSync(join(tmpdir(), 'nemo-exp-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDir = (): string => mkdtempSync(join(root, `${folders++}-`))
const noon = new Date(2021, 5, 30, 12, 5, 9)

const create = (config: ExperimentConfig, log = new LogHub([])): Promise<Experiment> =>
  createExperiment(config, { log, now: noon, command: ['node', 'train.js', 'name=a b'] })

describe('createExperiment', () => {
  it("makes NeMo's folders and files", async () => {
    const exp_dir = newDir()
    const log = new LogHub([])
    log.logger('setup').warning('said before')
    const experiment = await create({ exp_dir, name: 'digits' }, log)
    log.logger('trainer').info('said after')
    await experiment.writeConfig(new Config({ lr: 0.1, copy: '${lr}', open: '???' }))
    experiment.close()
    log.logger('trainer').error('too late')

    expect(experiment.dir).toBe(join(exp_dir, 'digits', '2021-06-30_12-05-09'))
    expect(experiment.version).toBe('2021-06-30_12-05-09')
    expect(experiment.checkpointDir).toBe(join(experiment.dir, 'checkpoints'))
    expect(
      readdirSync(experiment.dir)
        .filter((name) => name !== 'git-info.log')
        .sort(),
    ).toEqual([
      'checkpoints',
      'cmd-args.log',
      'config.yaml',
      'nemo_error_log.txt',
      'nemo_log_globalrank-0_localrank-0.txt',
    ])
    expect(readFileSync(experiment.path('cmd-args.log'), 'utf8')).toBe("node train.js 'name=a b'\n")
    expect(readFileSync(experiment.path('config.yaml'), 'utf8')).toBe('lr: 0.1\ncopy: 0.1\nopen: ???\n')
    const lines = readFileSync(experiment.path('nemo_log_globalrank-0_localrank-0.txt'), 'utf8').trim().split('\n')
    expect(lines.map((line) => line.split(': ').slice(1).join(': '))).toEqual([
      'said before',
      `experiment folder: ${experiment.dir}`,
      'said after',
    ])
    expect(readFileSync(experiment.path('nemo_error_log.txt'), 'utf8')).toMatch(/setup: said before\n$/)
  })

  it('each of two experiments logs its own setting up, and what was said before is told once', async () => {
    const exp_dir = newDir()
    const log = new LogHub([])
    const speaker = log.logger('setup')
    const lines = (experiment: Experiment): string[] =>
      readFileSync(experiment.path('nemo_log_globalrank-0_localrank-0.txt'), 'utf8')
        .split('\n')
        .flatMap((line) => line.split(' setup: ')[1] ?? [])
    speaker.info('before both')
    const first = await create({ exp_dir, version: 'first' }, log)
    speaker.info('during the first')
    first.close()
    first.close()
    speaker.warning('between')
    const second = await create({ exp_dir, version: 'second' }, log)
    speaker.info('during the second')
    second.close()
    expect(lines(first)).toEqual(['before both', 'during the first'])
    expect(lines(second)).toEqual(['between', 'during the second'])
    expect(readFileSync(second.path('nemo_error_log.txt'), 'utf8')).toMatch(/setup: between\n$/)
  })

  it('versions are times, numbers or given, and never shared by accident', async () => {
    const exp_dir = newDir()
    const names = async (config: ExperimentConfig): Promise<string> => {
      const experiment = await create({ exp_dir, name: 'x', ...config })
      experiment.close()
      return experiment.dir.slice(exp_dir.length)
    }
    expect(await names({})).toBe('/x/2021-06-30_12-05-09')
    expect(await names({})).toBe('/x/2021-06-30_12-05-09_1')
    expect(await names({ use_datetime_version: false })).toBe('/x/version_0')
    expect(await names({ use_datetime_version: false })).toBe('/x/version_1')
    expect(await names({ version: 'mine' })).toBe('/x/mine')
    expect(await names({ version: 'mine' })).toBe('/x/mine')
    expect(await names({ resume_if_exists: true, resume_ignore_no_checkpoint: true })).toBe('/x')
    expect(await names({ name: null })).toBe('/default/2021-06-30_12-05-09')
    process.env.NEMO_EXPM_VERSION = 'env'
    try {
      expect(await names({})).toBe('/x/env')
    } finally {
      delete process.env.NEMO_EXPM_VERSION
    }
    const explicit_log_dir = join(exp_dir, 'explicit')
    expect(await names({ explicit_log_dir })).toBe('/explicit')
  })

  it('no name leads out of the folder', async () => {
    const exp_dir = newDir()
    await expect(create({ exp_dir, name: '../up' })).rejects.toThrow('name: expected the name of a folder')
    await expect(create({ exp_dir, name: '/etc' })).rejects.toThrow('name: expected the name of a folder')
    await expect(create({ exp_dir, version: 'a/../../..' })).rejects.toThrow('version: expected the name')
    const experiment = await create({ exp_dir })
    expect(() => experiment.path('..', 'x')).toThrow('outside the experiment folder')
    experiment.close()
  })

  it('a folder that cannot be made and a wrong option are named', async () => {
    const exp_dir = newDir()
    writeFileSync(join(exp_dir, 'file'), '')
    await expect(create({ exp_dir: join(exp_dir, 'file') })).rejects.toThrow(/cannot make the experiment folder .*file/)
    await expect(create({ exp_dri: 'x' } as ExperimentConfig)).rejects.toThrow(
      'exp_dri: unknown key; did you mean exp_dir?',
    )
  })

  it('resumes from the last checkpoint and moves the earlier files aside, curves excepted', async () => {
    const exp_dir = newDir()
    const config = { exp_dir, name: 'x', resume_if_exists: true, resume_ignore_no_checkpoint: true }
    const first = await create(config)
    expect(first.resumeFrom).toBeUndefined()
    first.close()
    writeFileSync(join(first.checkpointDir, 'x--last.ckpt'), '')
    writeFileSync(first.path('metrics.csv'), 'step\n')
    writeFileSync(first.path('events.out.tfevents.1.h.1.0'), '')
    for (const run of ['run_0', 'run_1']) {
      const again = await create(config)
      expect(again.resumeFrom).toBe(join(first.checkpointDir, 'x--last.ckpt'))
      expect(again.previousRunDir).toBe(join(first.dir, run))
      expect(readdirSync(again.previousRunDir!)).toContain('cmd-args.log')
      expect(existsSync(again.path('metrics.csv'))).toBe(true)
      expect(existsSync(again.path('events.out.tfevents.1.h.1.0'))).toBe(true)
      again.close()
    }
  })

  it('refuses to resume without a checkpoint, with several, or past the end', async () => {
    const exp_dir = newDir()
    const config = { exp_dir, name: 'x', resume_if_exists: true }
    await expect(create(config)).rejects.toThrow(/there is no folder .*checkpoints, so there is nothing to resume/)
    const checkpoints = join(exp_dir, 'x', 'checkpoints')
    mkdirSync(join(checkpoints, 'deep'), { recursive: true })
    await expect(create(config)).rejects.toThrow('has no checkpoint that ends in last.ckpt')
    writeFileSync(join(checkpoints, 'a-last.ckpt'), '')
    writeFileSync(join(checkpoints, 'deep', 'b-last.ckpt'), '')
    await expect(create(config)).rejects.toThrow('has 2 checkpoints that end in last.ckpt')
    writeFileSync(join(checkpoints, 'a-end.ckpt'), '')
    await expect(create(config)).rejects.toThrow('set resume_past_end=true to train on from it')
    const experiment = await create({ ...config, resume_past_end: true })
    expect(experiment.resumeFrom).toBe(join(checkpoints, 'a-end.ckpt'))
    experiment.close()
  })

  it('result.json holds metrics, seconds, memory, seed, versions and machine', async () => {
    const experiment = await create({ exp_dir: newDir() })
    const returned = await experiment.writeResult({
      metrics: { val_wer: 0.03, loss: Number.NaN },
      seed: 7,
      versions: { demo: '1.0.0' },
    })
    const result = JSON.parse(readFileSync(experiment.path('result.json'), 'utf8'))
    expect(result).toEqual(returned)
    expect(result).toMatchObject({
      status: 'completed',
      metrics: { val_wer: 0.03, loss: 'NaN' },
      seed: 7,
      resumed_from: null,
    })
    expect(result.seconds).toBeGreaterThanOrEqual(0)
    expect(result.peak_memory_bytes).toBeGreaterThan(1e6)
    expect(result.versions).toMatchObject({
      node: process.versions.node,
      demo: '1.0.0',
      '@nemo/core': expect.any(String),
    })
    expect(result.machine.cpus).toBeGreaterThan(0)
    experiment.close()
  })

  it('copies the files asked for, and only rank 0 writes what exists once', async () => {
    const exp_dir = newDir()
    writeFileSync(join(exp_dir, 'notes.txt'), 'hi')
    const experiment = await create({ exp_dir, files_to_copy: [join(exp_dir, 'notes.txt')] })
    expect(readFileSync(experiment.path('notes.txt'), 'utf8')).toBe('hi')
    experiment.close()
    await expect(create({ exp_dir, files_to_copy: ['/no/such/file'] })).rejects.toThrow(
      'files_to_copy: cannot copy /no/such/file',
    )
    const other = await createExperiment(
      { exp_dir, version: 'v' },
      { log: new LogHub([]), globalRank: 3, localRank: 1 },
    )
    expect(readdirSync(other.dir).sort()).toEqual(['checkpoints', 'nemo_log_globalrank-3_localrank-1.txt'])
    other.close()
  })
})

describe('readGitInfo', () => {
  it('gives commit, branch and changes of a repository and nothing elsewhere', () => {
    const folder = newDir()
    // The temporary folder could lie inside some repository.
    process.env.GIT_CEILING_DIRECTORIES = root
    try {
      expect(readGitInfo(folder)).toBeUndefined()
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder, encoding: 'utf8' })
      git('init', '-q', '-b', 'trunk')
      writeFileSync(join(folder, 'a.txt'), 'one\n')
      git('add', 'a.txt')
      git('commit', '-q', '-m', 'first')
      writeFileSync(join(folder, 'a.txt'), 'two\n')
      const info = readGitInfo(folder)!
      expect(info.commit).toBe(git('rev-parse', 'HEAD').trim())
      expect(info.branch).toBe('trunk')
      expect(info.diff).toContain('-one\n+two\n')
    } finally {
      delete process.env.GIT_CEILING_DIRECTORIES
    }
  })
})

describe('quoteCommand', () => {
  it('a shell reads the arguments back', () => {
    const args = ['a', "it's", 'x y', '$HOME', '', '-c=1', '中']
    const echoed = execFileSync('sh', ['-c', `printf '%s\\0' ${quoteCommand(args)}`], { encoding: 'utf8' })
    expect(echoed.split('\0').slice(0, -1)).toEqual(args)
  })
})
