import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gpuBundle } from './gpuBundle.js'

test('the bundle runs by itself, with its own Node and no repository beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nemo-gpu-bundle-'))
  try {
    await gpuBundle([folder], join(import.meta.dirname, '../../..'))
    const run = (...args: string[]) =>
      spawnSync(join(folder, 'bench'), args, {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin', VK_DRIVER_FILES: '/nonexistent' },
      })
    expect(run('--network', 'none').stderr).toMatch(/expected one of 15x5, 5x3, jasper12x1, found none/)
    // Dawn is loaded, and says that there is no GPU.
    expect(run('--batch', '1').stderr).toMatch(/NEMO_WEBGPU_UNAVAILABLE/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
