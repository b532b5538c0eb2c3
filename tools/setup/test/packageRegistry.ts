import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A registry on this machine that holds one version of one package. */
export interface PackageRegistry {
  url: string
  /** The paths that were asked for. */
  requests: string[]
  close(): Promise<void>
}

/**
 * Packs a package that consists of one script, and serves it as an npm registry would.
 *
 * @param folder - Where to make the tarball.
 */
export async function startPackageRegistry(
  folder: string,
  { name, version, script, code }: { name: string; version: string; script: string; code: string },
): Promise<PackageRegistry> {
  const source = mkdtempSync(join(folder, 'source-'))
  mkdirSync(join(source, script, '..'), { recursive: true })
  writeFileSync(join(source, script), code)
  writeFileSync(join(source, 'package.json'), JSON.stringify({ name, version, bin: script }))
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // A cache of its own: what npm packs it also caches, and then it would not ask for the tarball.
  const env = { ...process.env, npm_config_cache: join(source, 'cache') }
  const packed = spawnSync(npm, ['pack', '--offline', '--loglevel=error'], {
    cwd: source,
    env,
    encoding: 'utf8',
    shell: npm !== 'npm',
  })
  const tarball = readFileSync(join(source, packed.stdout.trim()))
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`

  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    if (request.url === `/${name}`) {
      const dist = { tarball: `${url}/${name}.tgz`, integrity }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name,
          'dist-tags': { latest: version },
          versions: { [version]: { name, version, bin: script, dist } },
        }),
      )
    } else if (request.url === `/${name}.tgz`) {
      response.end(tarball)
    } else {
      response.statusCode = 404
      response.end('{}')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url, requests, close }
}
