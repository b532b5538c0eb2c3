import { expect, test, vi } from 'vitest'
import { runStep } from '../src/step.mjs'

const cwd = import.meta.dirname

test('a step that fails is named, with its command and exit code', async () => {
  await expect(
    runStep('paint', process.execPath, ['-e', 'process.exit(7)'], { cwd, quiet: true }),
  ).rejects.toMatchObject({
    code: 'NEMO_STEP_FAILED',
    step: 'paint',
    exitCode: 7,
    message: 'Step "paint" failed: node -e process.exit(7) exited with code 7.',
  })
})

test('a command that does not exist fails its step', async () => {
  await expect(runStep('paint', 'no-such-program', [], { cwd, quiet: true })).rejects.toThrow(
    /^Step "paint" failed: no-such-program could not be started: .*ENOENT/,
  )
})

test('a quiet step shows its output only when it fails', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await runStep('paint', process.execPath, ['-e', 'console.log("red")'], { cwd, quiet: true })
  expect(stderr.mock.calls).toEqual([])
  await runStep('paint', process.execPath, ['-e', 'console.log("red"); process.exit(1)'], { cwd, quiet: true }).catch(
    () => undefined,
  )
  expect(stderr.mock.calls.join('')).toContain('red')
  stderr.mockRestore()
})
