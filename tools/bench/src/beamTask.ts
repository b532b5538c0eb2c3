/** What both sides of `pnpm bench beam` search. */
export interface BeamTask {
  /** The blank comes after them. */
  readonly labels: readonly string[]
  /** Frames of each utterance; `logProbs.f32` has their ln P one after another. */
  readonly frames: readonly number[]
  readonly references: readonly string[]
  /** Path of a KenLM binary, and its words. */
  readonly languageModel: string
  readonly words: readonly string[]
  readonly alpha: number
  readonly beta: number
  /** log10 */
  readonly unknownScore: number
  readonly beamWidth: number
  readonly beamPruneLogProb: number
  readonly minLogProb: number
}

/**
 * Log-probabilities as an unsure recogniser gives them: each letter in one to three frames, blanks between, part of the
 * probability on other letters, and on a wrong one where it errs.
 */
export function unsureLogProbs(
  text: string,
  labels: readonly string[],
  random: () => number,
): { frames: number; data: Float32Array } {
  const classes = labels.length + 1
  const rows: Float32Array[] = []
  const add = (heard: number): void => {
    const row = new Float32Array(classes)
    const sure = 0.4 + 0.6 * Math.sqrt(random())
    const other = Math.floor(random() * classes)
    const rest = 1 - sure
    for (let c = 0; c < classes; c++) row[c] = (0.2 * rest * random() * 2) / classes + 1e-6
    row[heard]! += sure
    row[random() < 0.3 ? labels.length : other]! += 0.8 * rest
    const sum = row.reduce((total, p) => total + p, 0)
    rows.push(row.map((p) => Math.log(p / sum)))
  }
  for (const character of text) {
    const label = labels.indexOf(character)
    const heard = random() < 0.05 ? Math.floor(random() * labels.length) : label
    for (let i = 1 + Math.floor(random() * 2); i > 0; i--) add(heard)
    for (let i = 1 + Math.floor(random() * 2); i > 0; i--) add(labels.length)
  }
  const data = new Float32Array(rows.length * classes)
  for (const [t, row] of rows.entries()) data.set(row, t * classes)
  return { frames: rows.length, data }
}
