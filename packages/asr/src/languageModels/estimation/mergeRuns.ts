import type { RecordReader, RecordSpool } from './recordSpool.js'

/**
 * Goes through sorted runs as if they were one.
 *
 * @param columns - Columns by which each run is sorted, the most significant first.
 * @param take - Is called with each record in order, by the reader that stands at it.
 */
export function mergeRuns(
  runs: readonly RecordSpool[],
  columns: readonly number[],
  take: (reader: RecordReader) => void,
): void {
  const heap = runs.map((run) => run.read()).filter((reader) => !reader.done)
  const before = (a: RecordReader, b: RecordReader): boolean => {
    for (const column of columns) {
      const difference = a.words[a.at + column]! - b.words[b.at + column]!
      if (difference !== 0) return difference < 0
    }
    return false
  }
  const sink = (from: number): void => {
    const reader = heap[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, reader)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = reader
  }
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i)
  while (heap.length > 0) {
    const reader = heap[0]!
    take(reader)
    reader.next()
    if (reader.done) {
      const last = heap.pop()!
      if (heap.length === 0) break
      heap[0] = last
    }
    sink(0)
  }
}
