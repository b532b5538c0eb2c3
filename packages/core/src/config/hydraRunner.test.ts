import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { parseCommandLine } from './commandLine.js'
import type { Config } from './config.js'
import { hydraRunner, type JobMetrics } from './hydraRunner.js'

const configPath = fileURLToPath(new URL('../../test/fixtures/config/conf', import.meta.url))

describe('parseCommandLine', () => {
  const flags = {
    data_dir: { type: 'path', help: 'folder of recordings' },
    holdout: { type: 'string', help: 'speaker kept out', choices: ['george', 'jackson'] },
    epochs: { type: 'integer', help: 'passes', default: 3 },
    synth: { type: 'boolean', help: 'make a corpus' },
    temperature: { type: 'number', help: 'a number' },
  } as const

  it('separates flags, overrides and Hydra flags', () => {
    const line = parseCommandLine(
      [
        '--data-dir',
        'x y',
        'a.b=1',
        '--holdout=george',
        '--synth',
        '-m',
        '--config-name',
        'cn',
        '-cp=dir',
        '~c',
        '--temperature',
        '-1.5',
        '-cd',
        'd1',
        '--config-dir=d2',
        '--',
        '+x=1',
      ],
      flags,
    )
    expect(line.flags).toEqual({ data_dir: 'x y', holdout: 'george', epochs: 3, synth: true, temperature: -1.5 })
    expect(line.overrides.map(({ input }) => input)).toEqual(['a.b=1', '~c', '+x=1'])
    expect(line).toMatchObject({ multirun: true, configName: 'cn', configPath: 'dir', configDirs: ['d1', 'd2'] })
    expectTypeOf(line.flags.epochs).toEqualTypeOf<number>()
    expectTypeOf(line.flags.data_dir).toEqualTypeOf<string | undefined>()
    expectTypeOf(line.flags.synth).toEqualTypeOf<boolean>()
    expect(parseCommandLine(['--no-synth'], flags).flags.synth).toBe(false)
  })

  it('errors name the flag and the nearest one', () => {
    const parse =
      (...argv: string[]) =>
      () =>
        parseCommandLine(argv, flags)
    expect(parse('--data_dri', 'x')).toThrow('unknown flag --data_dri; did you mean --data_dir?')
    expect(parse('--data_dir')).toThrow('--data_dir needs a value: --data_dir VALUE')
    expect(parse('--data_dir', '--synth')).toThrow('--data_dir needs a value')
    expect(parse('--epochs', '2.5')).toThrow('--epochs: expected a whole number, found "2.5"')
    expect(parse('--holdout', 'gorge')).toThrow(
      '--holdout: expected one of george, jackson (did you mean george?), found "gorge"',
    )
    expect(parse('train')).toThrow('"train" is neither a flag nor an override')
    expect(parse('--synth=maybe')).toThrow('--synth: expected true or false')
    expect(parse('--cfg', 'all')).toThrow('--cfg prints "job", found "all"')
    expect(parse('--multirun=3')).toThrow('--multirun takes no value')
    expect(() => parseCommandLine([], { f: { type: 'path', help: 'needed', required: true } })).toThrow(
      '--f is required (needed)',
    )
  })
})

describe('hydraRunner', () => {
  const run = async (argv: string[], metrics?: (cfg: Config) => JobMetrics | Promise<JobMetrics>) => {
    let printed = ''
    const seen: Config[] = []
    const results = await hydraRunner(
      {
        configPath,
        configName: 'train',
        argv,
        description: 'Trains.',
        flags: { data_dir: { type: 'path', help: 'data' } },
        print: (text) => {
          printed += text
        },
      },
      (cfg) => {
        seen.push(cfg)
        return metrics?.(cfg)
      },
    )
    return { printed, seen, results }
  }

  it('gives the composed config to the task', async () => {
    const { seen, results } = await run(['trainer.max_epochs=9'])
    expect(seen[0]!.get('trainer.max_epochs')).toBe(9)
    expect(results).toEqual([{ overrides: ['trainer.max_epochs=9'], metrics: undefined }])
  })

  it('--config-name and --config-path choose another config', async () => {
    expect((await run(['--config-name', 'groups'])).seen[0]!.get('name')).toBe('groups')
    expect((await run(['--config-path', 'db', '--config-name', 'sqlite', '+name=x'])).seen[0]!.get('file')).toBe('x.db')
  })

  it('--cfg job prints and does not run', async () => {
    const { printed, seen } = await run(['--cfg', 'job', '--package', 'model.train_ds'])
    expect(seen).toEqual([])
    expect(printed).toBe(
      'manifest_filepath: ???\nsample_rate: ${..sample_rate}\nbatch_size: 16\nshuffle: true\n'
        .replace('${', "'${")
        .replace('rate}', "rate}'"),
    )
    expect((await run(['--cfg', 'job', '--resolve', '-p', 'model.train_ds'])).printed).toContain('sample_rate: 16000\n')
  })

  it('--help lists flags and overrides', async () => {
    const { printed, seen } = await run(['--help'])
    expect(seen).toEqual([])
    expect(printed).toContain('--data_dir PATH')
    expect(printed).toContain('-m, --multirun')
    expect(printed).toContain('Trains.')
  })

  it('--multirun runs every combination in order and prints a table', async () => {
    const { printed, seen } = await run(['-m', 'trainer.max_epochs=1,2', 'optim=adam,novograd', 'name=x'], (cfg) => ({
      val_wer: 0.5 / Number(cfg.get('trainer.max_epochs')),
    }))
    expect(seen.map((cfg) => [cfg.get('trainer.max_epochs'), cfg.has('model.optim')])).toEqual([
      [1, false],
      [1, true],
      [2, false],
      [2, true],
    ])
    expect(printed).toContain('run 1/4: trainer.max_epochs=1 optim=adam name=x\n')
    expect(printed.slice(printed.indexOf('run  overrides'))).toBe(
      [
        'run  overrides                            val_wer',
        '---  -----------------------------------  -------',
        '1    trainer.max_epochs=1 optim=adam          0.5',
        '2    trainer.max_epochs=1 optim=novograd      0.5',
        '3    trainer.max_epochs=2 optim=adam         0.25',
        '4    trainer.max_epochs=2 optim=novograd     0.25',
        '',
      ].join('\n'),
    )
  })

  it('--multirun does not start the runs that come after an interrupted one', async () => {
    const listening = process.listenerCount('SIGINT')
    const { printed, seen } = await run(['-m', 'trainer.max_epochs=1,2,3'], async () => {
      // As a trainer does: it hears the signal, ends its step and returns.
      const heard = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()))
      process.kill(process.pid, 'SIGINT')
      await heard
      return {}
    })
    expect(seen).toHaveLength(1)
    expect(printed).toContain('stopped by SIGINT: 2 of 3 runs were not started')
    expect(process.listenerCount('SIGINT')).toBe(listening)
  })

  it('a schema types the config, fills defaults, and lets overrides set keys no file has', async () => {
    const schema = z.object({
      name: z.string(),
      batch: z.object({ size: z.int().default(4), seconds: z.number().optional() }).prefault({}),
      label: z.string(),
    })
    const seen: unknown[] = []
    const options = { schema, argv: ['name=x', 'label=${name}-${batch.size}', 'batch.seconds=1.5'] }
    await hydraRunner(options, (cfg) => {
      expectTypeOf(cfg.batch.size).toEqualTypeOf<number>()
      seen.push(cfg)
    })
    expect(seen).toEqual([{ name: 'x', label: 'x-4', batch: { size: 4, seconds: 1.5 } }])
    await expect(hydraRunner({ ...options, argv: ['name=x'] }, () => {})).rejects.toThrow(
      '1 problem in the config\n  label: mandatory value is missing (???); give it as label=VALUE',
    )
    await expect(hydraRunner({ ...options, argv: ['nmae=x'] }, () => {})).rejects.toThrow('did you mean "name"?')
  })

  it('prints errors of this toolkit without a stack trace when it is the program', () => {
    const script = `
      import { ConfigKeyError, hydraRunner } from './packages/core/src/index.ts'
      await hydraRunner({ configPath: ${JSON.stringify(configPath)}, configName: 'train' }, () => {
        throw process.env.OURS ? new ConfigKeyError('model.size', 'model.size: expected more') : new TypeError('a bug')
      })`
    const run = (env: Record<string, string>) =>
      spawnSync(process.execPath, ['-C', '@nemo/source', '--import', 'tsx', '--input-type=module', '-e', script], {
        cwd: join(import.meta.dirname, '../../../..'),
        env: { ...process.env, ...env },
        encoding: 'utf8',
      })
    const ours = run({ OURS: '1' })
    expect(ours.stderr).toContain('ConfigKeyError: model.size: expected more')
    expect(ours.stderr).not.toMatch(/^ +at /m)
    expect(ours.status).toBe(1)
    expect(run({ OURS: '1', HYDRA_FULL_ERROR: '1' }).stderr).toMatch(/^ +at /m)
    expect(run({}).stderr).toMatch(/TypeError: a bug\n +at /)
  })

  it('a typo in the last run of a sweep stops before the first', async () => {
    const ran: string[] = []
    const schema = z.object({ mode: z.enum(['a', 'b']) })
    const sweep = hydraRunner({ schema, argv: ['-m', 'mode=a,c'] }, (cfg) => {
      ran.push(cfg.mode)
    })
    await expect(sweep).rejects.toThrow('mode: expected one of "a", "b", found "c"')
    expect(ran).toEqual([])
  })
})
