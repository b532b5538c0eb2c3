import { spawnSync } from 'node:child_process'

/** A command of the check that exited with an error. */
export class CommandFailedError extends Error {
  readonly code = 'NEMO_COMMAND_FAILED'
}

/**
 * Runs a command to its end.
 *
 * @returns What it printed on stdout, trimmed.
 * @throws CommandFailedError with all it printed, when its exit code is not 0.
 */
export function runCommand(
  { command, args }: { command: string; args: readonly string[] },
  { cwd, env = process.env }: { cwd: string; env?: NodeJS.ProcessEnv },
): string {
  // The shell is only for Windows, where npm is a .cmd file.
  const shell = process.platform === 'win32' && command !== process.execPath
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    shell,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) {
    throw new CommandFailedError(
      `${[command, ...args].join(' ')}\nin ${cwd} ended with ${error ? error.message : `exit code ${status}`}:\n${stdout ?? ''}${stderr ?? ''}`,
    )
  }
  return stdout.trim()
}
