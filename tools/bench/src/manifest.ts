import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ManifestIndex } from '@nemo/audio'
import { writeResult } from './benchResult.js'

/** Help of `pnpm bench manifest`. */
export const manifestHelp = `pnpm bench manifest [options]

Writes a manifest of many lines into the folder for temporary files, opens it with ManifestIndex and reads entries; prints seconds and
memory. Writes tools/bench/results/manifest.json.

  --lines N    lines. Default 10000000`

const LINES_PER_WRITE = 20_000
const READ = 1000

/** Runs the benchmark and prints its result. */
export async function manifest(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { lines: { type: 'string', default: '10000000' } } })
  const lines = Number(values.lines)
  const folder = mkdtempSync(join(tmpdir(), 'nemo-bench-'))
  const path = join(folder, 'manifest.json')
  try {
    const bytes = writeLines(path, lines)
    const before = process.memoryUsage().rss
    const [started, processor] = [performance.now(), process.cpuUsage()]
    const index = await ManifestIndex.open(path, { maxDuration: 20 })
    const seconds = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(processor)
    const cpuSeconds = (user + system) / 1e6
    const rssBytes = process.memoryUsage().rss
    const peakRssBytes = process.resourceUsage().maxRSS * 1024
    const reading = performance.now()
    for (let i = 0; i < READ; i++) await index.entry(Math.floor((i * 7919 * 104_729) % index.length))
    const entryMs = (performance.now() - reading) / READ
    const mib = (size: number) => `${(size / 2 ** 20).toFixed(0)} MiB`
    console.log(`${lines.toLocaleString('en-US')} lines, ${mib(bytes)}`)
    console.log(
      `opened in ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor time), ${index.length} entries kept`,
    )
    console.log(`memory: ${mib(rssBytes - before)} more than before, ${mib(peakRssBytes)} at the most`)
    console.log(`an entry is read in ${entryMs.toFixed(2)} ms`)
    const result = {
      setting: { lines, bytes },
      seconds,
      cpuSeconds,
      addedRssBytes: rssBytes - before,
      peakRssBytes,
      entryMs,
    }
    console.log(`\n${await writeResult('manifest', result)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeLines(path: string, lines: number): number {
  const file = openSync(path, 'w')
  let bytes = 0
  try {
    for (let start = 0; start < lines; start += LINES_PER_WRITE) {
      let text = ''
      for (let i = start; i < Math.min(lines, start + LINES_PER_WRITE); i++)
        text += `{"audio_filepath": "/data/train/speaker${i % 2000}/utterance_${i}.flac", "duration": ${(1 + (i % 1900) / 100).toFixed(2)}, "text": "the words that were said in utterance number ${i}"}\n`
      bytes += writeSync(file, text)
    }
  } finally {
    closeSync(file)
  }
  return bytes
}
