import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { performance } from 'node:perf_hooks'

/** How long a quiet step may stay silent before it says that it is running, in milliseconds. */
const QUIET_MS = 1000

/** A step that ended with a non-zero exit code, or could not be started. */
export class StepFailedError extends Error {
  code = 'NEMO_STEP_FAILED'

  /**
   * @param {string} step - The step's name.
   * @param {number} exitCode - What the step's command exited with; 1 when it could not be started.
   * @param {string} reason - What happened and what to do.
   */
  constructor(step, exitCode, reason) {
    super(`Step "${step}" failed: ${reason}`)
    this.name = 'StepFailedError'
    this.step = step
    this.exitCode = exitCode
  }
}

/** @param {string} command @param {readonly string[]} args */
const commandLine = (command, args) =>
  [command === process.execPath ? 'node' : basename(command), ...args]
    .map((word) => (/[\s"']/.test(word) ? JSON.stringify(word) : word))
    .join(' ')

/**
 * Runs one named step and waits for its end.
 *
 * @param {string} step - Shown as the heading and in the error.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} options
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} [options.env] - Default: this process's.
 * @param {boolean} [options.quiet] - Show the output only when the step fails. Default false: show it live.
 * @returns {Promise<{ seconds: number }>}
 * @throws {StepFailedError}
 */
export async function runStep(step, command, args, { cwd, env = process.env, quiet = false }) {
  const started = performance.now()
  const heading = `\n▸ ${step}`
  if (!quiet) console.log(heading)
  // The shell is only for Windows, where npm is a .cmd file.
  const shell = process.platform === 'win32' && command !== process.execPath
  const child = spawn(command, args, {
    cwd,
    env,
    shell,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
  })
  /** @type {Buffer[]} */
  const output = []
  child.stdout?.on('data', (chunk) => output.push(chunk))
  child.stderr?.on('data', (chunk) => output.push(chunk))
  const patience = quiet ? setTimeout(() => console.log(`▸ ${step} ...`), QUIET_MS) : undefined
  /** @type {{ exitCode: number, reason: string }} */
  const end = await new Promise((resolve) => {
    child.on('error', (error) =>
      resolve({ exitCode: 1, reason: `${commandLine(command, args)} could not be started: ${error.message}` }),
    )
    child.on('close', (exitCode, signal) =>
      resolve({
        exitCode: exitCode ?? 1,
        reason: `${commandLine(command, args)} ${signal ? `was ended by ${signal}` : `exited with code ${exitCode}`}.`,
      }),
    )
  })
  clearTimeout(patience)
  if (end.exitCode !== 0) {
    if (quiet) process.stderr.write(Buffer.concat(output))
    throw new StepFailedError(step, end.exitCode, end.reason)
  }
  return { seconds: (performance.now() - started) / 1000 }
}
