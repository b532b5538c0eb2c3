import type { TensorData } from '@nemo/graph'
import type { GoldenCase } from './goldenCase.js'

/** One value that was compared. */
export interface Check {
  readonly what: string
  /** Largest |got - want| / (atol + rtol |want|): above 1 fails. Infinity for what cannot be compared. */
  readonly ratio: number
  /** Largest |got - want|. */
  readonly error: number
  readonly tolerance: string
  /** Why it cannot be compared. */
  readonly problem?: string
}

/** Gathers the checks of one case. */
export class Comparison {
  readonly checks: Check[] = []

  constructor(readonly golden: GoldenCase) {}

  /** Compares with a stored array by its own tolerance, or by `times` that. */
  array(name: string, got: TensorData, times = 1): void {
    const { atol = 0, rtol = 0 } = this.golden.spec(name)
    this.values(name, got, this.golden.array(name), { atol: times * atol, rtol: times * rtol })
  }

  /** Compares two arrays; shapes must be equal, infinities and NaNs coincide. */
  values(what: string, got: TensorData, want: TensorData, { atol = 0, rtol = 0 } = {}): void {
    const tolerance = `${atol}+${rtol}|want|`
    const sameShape = got.shape.length === want.shape.length && got.shape.every((dim, i) => dim === want.shape[i])
    if (!sameShape) {
      this.fail(what, `shape [${got.shape.join(', ')}], expected [${want.shape.join(', ')}]`, tolerance)
      return
    }
    let ratio = 0
    let error = 0
    for (let i = 0; i < want.data.length; i++) {
      const [a, b] = [Number(got.data[i]), Number(want.data[i])]
      if (Object.is(a, b) || a === b) continue
      const difference = Math.abs(a - b)
      if (!Number.isFinite(difference)) {
        this.fail(what, `element ${i} is ${a}, expected ${b}`, tolerance)
        return
      }
      const allowed = atol + rtol * Math.abs(b)
      error = Math.max(error, difference)
      ratio = Math.max(ratio, allowed === 0 ? Number.POSITIVE_INFINITY : difference / allowed)
    }
    this.checks.push({ what, ratio, error, tolerance })
  }

  /** Compares one number. */
  number(what: string, got: number, want: number, tolerance: number): void {
    const error = Object.is(got, want) || got === want ? 0 : Math.abs(got - want)
    if (Number.isNaN(error)) this.fail(what, `is ${got}, expected ${want}`, String(tolerance))
    else this.checks.push({ what, error, ratio: error === 0 ? 0 : error / tolerance, tolerance: String(tolerance) })
  }

  /** Compares by equality of JSON. */
  equal(what: string, got: unknown, want: unknown): void {
    const [a, b] = [JSON.stringify(got), JSON.stringify(want)]
    if (a === b) this.checks.push({ what, ratio: 0, error: 0, tolerance: 'equal' })
    else this.fail(what, `is ${excerpt(a)}, expected ${excerpt(b)}`, 'equal')
  }

  /** Records something that went wrong. */
  fail(what: string, problem: string, tolerance = ''): void {
    this.checks.push({ what, ratio: Number.POSITIVE_INFINITY, error: Number.POSITIVE_INFINITY, tolerance, problem })
  }

  /** The check that is furthest from its want. */
  get worst(): Check | undefined {
    return this.checks.reduce<Check | undefined>(
      (worst, check) => (worst && worst.ratio >= check.ratio ? worst : check),
      undefined,
    )
  }

  get failures(): readonly Check[] {
    return this.checks.filter(({ ratio }) => !(ratio <= 1))
  }
}

const excerpt = (text: string | undefined): string =>
  text === undefined ? 'nothing' : text.length > 300 ? `${text.slice(0, 297)}...` : text
