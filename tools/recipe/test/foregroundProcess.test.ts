import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const runner = resolve(import.meta.dirname, 'fixtures/runInForeground.mjs')
const recipe = resolve(import.meta.dirname, 'fixtures/countSignals.mjs')
const running: ChildProcess[] = []

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

/** Starts the runner on a program, and collects what that program prints. */
function start(program: string, args: string[] = []) {
  // In a group of its own, as a shell's job: a signal to -pid is what a terminal's Ctrl-C does.
  const child = spawn(process.execPath, [runner, program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  running.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const printed = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout, 'data')
  }
  return {
    child,
    printed,
    ended: once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number, output })),
  }
}

test('arguments and exit code are passed through', async () => {
  const { ended } = start(resolve(import.meta.dirname, 'fixtures/printArguments.mjs'), [
    '--config-name=a b',
    'trainer.max_epochs=3',
    '--',
  ])
  expect(await ended).toEqual({ exitCode: 5, output: '["--config-name=a b","trainer.max_epochs=3","--"]\n' })
})

test('a Ctrl-C that comes from the terminal and again from npm reaches the program once', async () => {
  const { child, printed, ended } = start(recipe)
  await printed('ready')
  process.kill(-child.pid!, 'SIGINT')
  process.kill(child.pid!, 'SIGINT')
  await printed('got SIGINT')
  process.kill(child.pid!, 'SIGINT')
  expect(await ended).toEqual({ exitCode: 42, output: 'ready\ngot SIGINT\n1 SIGINT\n' })
})

test('a second Ctrl-C, later, reaches the program too', async () => {
  const { child, printed, ended } = start(recipe)
  await printed('ready')
  process.kill(-child.pid!, 'SIGINT')
  await printed('got SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 600))
  process.kill(-child.pid!, 'SIGINT')
  expect(await ended).toEqual({ exitCode: 42, output: 'ready\ngot SIGINT\ngot SIGINT\n2 SIGINT\n' })
})

test.each(['SIGTERM', 'SIGHUP'] as const)('%s is passed on', async (signal) => {
  const { child, printed, ended } = start(recipe)
  await printed('ready')
  child.kill(signal)
  expect(await ended).toEqual({ exitCode: 42, output: `ready\ngot ${signal}\n1 ${signal}\n` })
})

test('a program that a signal ends gives 128 + the number of that signal', async () => {
  const { ended } = start(resolve(import.meta.dirname, 'fixtures/killItself.mjs'))
  expect((await ended).exitCode).toBe(128 + 9)
})
