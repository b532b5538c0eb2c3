/** One side of a comparison. */
export interface Side {
  readonly name: string
  /** Does the work once and returns the milliseconds it took. */
  measure(): Promise<number>
}

/**
 * Measures sides in turns, so that the machine's moods hit all of them alike; every other round goes backwards, so
 * that none is always the one after another.
 *
 * @param options.rounds - Measurements of each side.
 * @param options.warmup - Rounds before that, thrown away.
 * @returns milliseconds by side, in order.
 */
export async function alternate(
  sides: readonly Side[],
  options: { rounds: number; warmup: number; onRound?: (round: number, latest: readonly number[]) => void },
): Promise<number[][]> {
  const times = sides.map((): number[] => [])
  for (let round = -options.warmup; round < options.rounds; round++) {
    const order = sides.map((_, i) => i)
    if (round % 2 !== 0) order.reverse()
    const latest = new Array<number>(sides.length).fill(0)
    for (const i of order) latest[i] = await sides[i]!.measure()
    if (round < 0) continue
    latest.forEach((ms, i) => {
      times[i]!.push(ms)
    })
    options.onRound?.(round, latest)
  }
  return times
}
