import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { performance } from 'node:perf_hooks'

/** Copies of one signal (from the terminal, and again from npm or pnpm) arrive within milliseconds of each other. */
const SAME_SIGNAL_MS = 500

/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a program as if it had been started from the shell: it has this terminal, and each signal sent to us reaches
 * it exactly once.
 *
 * A Ctrl-C goes to every process of the terminal's foreground group, and npm and pnpm hand it on to their children
 * once more; a program that treats a second SIGINT as "stop at once" would then lose its graceful end. So the child
 * gets a process group of its own, out of the terminal's reach, and we pass on the first of several copies.
 * On Windows the console itself delivers Ctrl-C to the child, once.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} The exit code; 128 + the signal's number when a signal ended it.
 */
export function runInForeground(command, args, { cwd, env = process.env }) {
  const windows = process.platform === 'win32'
  const child = spawn(command, args, { cwd, env, stdio: 'inherit', detached: !windows })
  /** @type {Map<NodeJS.Signals, number>} */
  const lastSeen = new Map()
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    const now = performance.now()
    const before = lastSeen.get(signal)
    lastSeen.set(signal, now)
    if (!windows && (before === undefined || now - before > SAME_SIGNAL_MS)) child.kill(signal)
  }
  // The child must hear of a changed window size too: it draws the progress bar.
  const resize = () => child.kill('SIGWINCH')
  const stopListening = () => {
    for (const signal of FORWARDED) process.off(signal, forward)
    process.off('SIGWINCH', resize)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  if (!windows) process.on('SIGWINCH', resize)
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      stopListening()
      reject(error)
    })
    child.on('exit', (exitCode, signal) => {
      stopListening()
      resolve(exitCode ?? 128 + constants.signals[signal ?? 'SIGTERM'])
    })
  })
}
