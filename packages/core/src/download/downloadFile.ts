import { nodeModule } from '../config/nodeModule.js'
import { DownloadError } from './errors.js'

/** Options of `downloadFile`. */
export interface DownloadOptions {
  /** `http:` or `https:`; redirections are followed. */
  readonly url: string
  /** File to make. What has arrived so far is kept in `PATH.part` beside it, also between runs. */
  readonly path: string
  /** SHA-256 of the whole file, in hexadecimal digits. Another file is refused and removed. */
  readonly sha256?: string
  /** Longest wait for an answer, and between two pieces of it, in milliseconds. Default 30000. */
  readonly timeoutMs?: number
  /** How often to try again after a broken or refused connection. Default 4. */
  readonly retries?: number
  /** Wait before the first new try, in milliseconds; it doubles each time. Default 500. */
  readonly retryDelayMs?: number
  /** Larger files are refused. Default 512 MiB. */
  readonly maxBytes?: number
  /** Called with the bytes there and, when the server told, the bytes wanted. */
  readonly onProgress?: (bytes: number, wanted: number | undefined) => void
}

/** A file that has been downloaded. */
export interface DownloadedFile {
  readonly bytes: number
  /** In hexadecimal digits. */
  readonly sha256: string
}

/** What identifies the file that a `.part` belongs to. */
interface PartInfo {
  url: string
  /** `ETag` or `Last-Modified`; without one the next try starts over. */
  validator: string
}

/** The server said no in a way that another try does not change. */
class Refused extends Error {}

/**
 * Downloads a file: with time-outs, tries again after failures, goes on where a broken connection left off (HTTP `Range` with
 * `If-Range`, so a file that changed meanwhile starts over), and checks length and checksum. The file appears only when it is
 * whole.
 *
 * @throws DownloadError naming the URL and the last failure.
 */
export async function downloadFile(options: DownloadOptions): Promise<DownloadedFile> {
  const { mkdir, rename, rm } = files()
  const { dirname } = nodeModule('node:path')
  const { url, path, retries = 4, retryDelayMs = 500 } = options
  const { protocol } = parseUrl(url)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new DownloadError(`${url}: expected an http or https address, found ${protocol}`)
  }
  await mkdir(dirname(path), { recursive: true })
  for (let attempt = 0; ; attempt++) {
    try {
      await fetchPart(options)
      const downloaded = await checkSum(options)
      await rename(`${path}.part`, path)
      await rm(`${path}.part.json`, { force: true })
      return downloaded
    } catch (cause) {
      if (cause instanceof Refused || attempt >= retries) {
        const tries = attempt === 0 ? '' : ` after ${attempt + 1} tries`
        throw new DownloadError(`${url} could not be downloaded${tries}: ${reasonOf(cause)}.`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs * 2 ** attempt))
    }
  }
}

const files = () => nodeModule('node:fs').promises

/** Size and SHA-256 of a file. */
export async function measureFile(path: string): Promise<DownloadedFile> {
  const hash = nodeModule('node:crypto').createHash('sha256')
  let bytes = 0
  for await (const chunk of nodeModule('node:fs').createReadStream(path) as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function checkSum({ path, sha256 }: DownloadOptions): Promise<DownloadedFile> {
  const measured = await measureFile(`${path}.part`)
  if (sha256 === undefined || sha256.toLowerCase() === measured.sha256) return measured
  await files().rm(`${path}.part`)
  throw new Refused(`its SHA-256 is ${measured.sha256}, expected ${sha256.toLowerCase()}; it was removed`)
}

function parseUrl(url: string): URL {
  try {
    return new URL(url)
  } catch (cause) {
    throw new DownloadError(`"${url}" is no address.`, { cause })
  }
}

/** One request: completes the `.part` file or throws. */
async function fetchPart(options: DownloadOptions): Promise<void> {
  const { rm, writeFile } = files()
  const { url, path, timeoutMs = 30_000, maxBytes = 512 * 2 ** 20, onProgress } = options
  const part = `${path}.part`
  const known = await readPartInfo(part, url)
  const have = known === undefined ? 0 : await sizeOf(part)
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(new Error(`nothing arrived for ${timeoutMs / 1000} s`)), timeoutMs)
  try {
    const response = await fetch(url, {
      signal: abort.signal,
      headers: {
        // A compressed transfer would make lengths and ranges count other bytes.
        'Accept-Encoding': 'identity',
        ...(known !== undefined && have > 0 ? { Range: `bytes=${have}-`, 'If-Range': known.validator } : {}),
      },
    })
    // What is there is more than the server has: the next try starts over.
    if (response.status === 416) await rm(`${part}.json`, { force: true })
    const start = checkStatus(response, have)
    if (start !== have) await rm(part, { force: true })
    const total = wantedBytes(response, start)
    if ((total ?? 0) > maxBytes) throw new Refused(`it has ${total} bytes, more than the ${maxBytes} allowed`)
    const validator = response.headers.get('etag') ?? response.headers.get('last-modified')
    if (validator !== null && !validator.startsWith('W/')) {
      await writeFile(`${part}.json`, JSON.stringify({ url, validator } satisfies PartInfo))
    } else {
      await rm(`${part}.json`, { force: true })
    }
    const bytes = await appendBody(response, part, start, { timer, maxBytes, total, onProgress })
    if (total !== undefined && bytes !== total) throw new Error(`the connection ended after ${bytes} of ${total} bytes`)
  } finally {
    clearTimeout(timer)
  }
}

/** Byte at which the answer starts. Throws for everything that is not the file. */
function checkStatus(response: Response, have: number): number {
  if (response.status === 200) return 0
  if (response.status === 206) {
    const start = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1])
    if (start !== have) throw new Refused(`the server sent bytes from ${start} instead of ${have}`)
    return have
  }
  const message = `the server answered ${response.status} ${response.statusText}`.trim()
  const passing = response.status >= 500 || [408, 416, 425, 429].includes(response.status)
  throw passing ? new Error(message) : new Refused(message)
}

function wantedBytes(response: Response, start: number): number | undefined {
  const total = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1])
  if (Number.isFinite(total)) return total
  const length = response.headers.get('content-length')
  return length === null ? undefined : start + Number(length)
}

async function appendBody(
  response: Response,
  part: string,
  start: number,
  limits: {
    timer: NodeJS.Timeout
    maxBytes: number
    total: number | undefined
    onProgress: DownloadOptions['onProgress']
  },
): Promise<number> {
  if (response.body === null) throw new Error('the server answered without content')
  const file = await files().open(part, start === 0 ? 'w' : 'a')
  let bytes = start
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      limits.timer.refresh()
      bytes += chunk.length
      if (bytes > limits.maxBytes) throw new Refused(`it has more than the ${limits.maxBytes} bytes allowed`)
      await file.writeFile(chunk)
      limits.onProgress?.(bytes, limits.total)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return bytes
}

async function readPartInfo(part: string, url: string): Promise<PartInfo | undefined> {
  try {
    const info = JSON.parse(await files().readFile(`${part}.json`, 'utf8')) as Partial<PartInfo> | null
    return info?.url === url && typeof info.validator === 'string' ? (info as PartInfo) : undefined
  } catch {
    return undefined
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await files()
    .stat(path)
    .catch(() => undefined)
  return found?.size ?? 0
}

/** The innermost message: fetch wraps what matters ("getaddrinfo ENOTFOUND") in "fetch failed". */
function reasonOf(cause: unknown): string {
  let reason = cause
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  return reason instanceof Error ? reason.message || reason.name : String(reason)
}
