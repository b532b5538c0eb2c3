/** Frame that is kept whole; two pitch periods of a low voice. */
const frameSeconds = 0.03
/** How far a frame may move to where it continues the previous one. */
const searchSeconds = 0.008

/**
 * Makes speech slower or faster without changing its pitch: frames are laid over one another at other distances, each moved a
 * little to where its waveform fits the one before (WSOLA).
 *
 * @param samples - Mono speech.
 * @param factor - Length of the result over the length of the input; 2 is half as fast. 0.25 to 4.
 * @returns `round(samples.length * factor)` samples. Inputs shorter than two frames are returned as a copy.
 *
 * Source: Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", 1993.
 */
export function stretchTime(samples: Float32Array, sampleRate: number, factor: number): Float32Array {
  if (!(factor >= 0.25 && factor <= 4)) {
    throw new RangeError(`stretchTime: expected a factor of 0.25 to 4, found ${factor}.`)
  }
  const half = Math.round((frameSeconds / 2) * sampleRate)
  const frame = 2 * half
  const reach = Math.round(searchSeconds * sampleRate)
  if (factor === 1 || samples.length < 2 * frame) return samples.slice()
  const length = Math.round(samples.length * factor)
  const output = new Float32Array(length + frame)
  const window = Float32Array.from({ length: frame }, (_, t) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (t + 0.5)) / frame))
  const last = samples.length - frame
  /** Where the previous frame would go on naturally. */
  let natural = -1
  for (let at = 0; at < length; at += half) {
    const wanted = Math.min(Math.round(at / factor), last)
    const start = natural < 0 ? wanted : bestStart(samples, wanted, Math.min(natural, last), { reach, half, last })
    for (let t = 0; t < frame && at + t < output.length; t++) {
      // The first half frame has nothing under it.
      const weight = at === 0 && t < half ? 1 : window[t]!
      output[at + t] = output[at + t]! + weight * samples[start + t]!
    }
    natural = start + half
  }
  return output.slice(0, length)
}

/** The start near `wanted` whose next half frame looks most like what follows the previous frame. */
function bestStart(
  samples: Float32Array,
  wanted: number,
  natural: number,
  { reach, half, last }: { reach: number; half: number; last: number },
): number {
  const likeness = (start: number) => {
    let product = 0
    let energy = 1e-9
    for (let t = 0; t < half; t += 4) {
      const sample = samples[start + t]!
      product += sample * samples[natural + t]!
      energy += sample * sample
    }
    return product / Math.sqrt(energy)
  }
  // Speech correlates over a few samples: every fourth start finds the right pitch period, its neighbours the exact place.
  const coarse = search(likeness, Math.max(wanted - reach, 0), Math.min(wanted + reach, last), 4)
  return search(likeness, Math.max(coarse - 3, 0), Math.min(coarse + 3, last), 1)
}

function search(score: (start: number) => number, from: number, to: number, step: number): number {
  let best = from
  let bestScore = Number.NEGATIVE_INFINITY
  for (let start = from; start <= to; start += step) {
    const found = score(start)
    if (found > bestScore) {
      bestScore = found
      best = start
    }
  }
  return best
}
