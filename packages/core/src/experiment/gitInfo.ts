import { nodeModule } from '../config/nodeModule.js'

/** State of the git repository that a run was started in. */
export interface GitInfo {
  readonly commit: string
  readonly branch: string
  /** `git diff HEAD`: what was changed and not committed; cut at 1 MB. */
  readonly diff: string
}

const TIMEOUT_MS = 10_000
const MAX_DIFF = 1_000_000
const MAX_BUFFER = 256 * 1024 * 1024

/**
 * Reads commit, branch and uncommitted changes.
 *
 * @param folder - Any folder of the repository. Default the working folder.
 * @returns `undefined` if it is in no repository, there is no commit, or git is not installed.
 */
export function readGitInfo(folder: string = process.cwd()): GitInfo | undefined {
  const { execFileSync } = nodeModule('node:child_process')
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_BUFFER,
      stdio: ['ignore', 'pipe', 'ignore'],
      // A repository's own config must not start programs.
      env: { ...process.env, GIT_EXTERNAL_DIFF: '', GIT_PAGER: '', GIT_OPTIONAL_LOCKS: '0' },
    })
  try {
    const commit = git('rev-parse', 'HEAD').trim()
    const branch = git('rev-parse', '--abbrev-ref', 'HEAD').trim()
    const diff = git('--no-pager', 'diff', '--no-ext-diff', '--no-textconv', '--no-color', 'HEAD')
    const cut = diff.length > MAX_DIFF
    return { commit, branch, diff: cut ? `${diff.slice(0, MAX_DIFF)}\n(cut: ${diff.length} characters)\n` : diff }
  } catch {
    return undefined
  }
}
