/** A label and the frames that it covers. */
export interface CtcSpan {
  readonly id: number
  /** First frame. */
  readonly start: number
  /** Frame after the last. */
  readonly end: number
}

/**
 * Collapses a best path: repeats merge, blanks go.
 *
 * @param path - Class of each frame.
 * @param length - Valid frames; default all.
 */
export function collapseCtc(path: ArrayLike<number | bigint>, blank: number, length = path.length): CtcSpan[] {
  const spans: CtcSpan[] = []
  let previous = blank
  for (let t = 0; t < length; t++) {
    const id = Number(path[t])
    if (id !== previous && id !== blank) spans.push({ id, start: t, end: t + 1 })
    else if (id === previous && id !== blank) spans[spans.length - 1] = { ...spans.at(-1)!, end: t + 1 }
    previous = id
  }
  return spans
}

/** Label ids of each row of best paths `[B, T]`. */
export function greedyCtcDecode(
  predictions: { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> },
  lengths: ArrayLike<number | bigint>,
  blank: number,
): number[][] {
  const [batch, frames] = predictions.shape as readonly [number, number]
  return Array.from({ length: batch }, (_, b) => {
    const row = Array.prototype.slice.call(predictions.data, b * frames, (b + 1) * frames) as (number | bigint)[]
    return collapseCtc(row, blank, Number(lengths[b])).map((span) => span.id)
  })
}

/** Frames that CTC needs for a target: one per label, and a blank between equal neighbours. */
export function ctcFramesNeeded(target: readonly number[]): number {
  return target.reduce((frames, id, i) => frames + (i > 0 && target[i - 1] === id ? 2 : 1), 0)
}
