import { sizeOf } from '@nemo/graph'
import { apply, collapse, type Expression, isDense, loadsOf, substitute, weightOf } from './expression.js'
import { type Dispatch, KernelBuilder, spread, THREADS } from './kernelBuilder.js'
import type { DenseValue, Value } from './value.js'

/** How elements are put together; `start` holds the bits of the neutral element. */
export interface Fold {
  readonly start: number
  readonly combine: (a: string, b: string) => string
}

/** Folds over the same elements, which one kernel computes in one pass. */
export interface Reduction {
  /** Axes that stay, then axes that are folded. */
  readonly shape: readonly number[]
  /** How many axes stay. */
  readonly kept: number
  readonly folds: { readonly expression: Expression; readonly fold: Fold; readonly target: DenseValue }[]
  /** Values with one element for each result, which may depend on the results. */
  readonly after: { readonly value: Value; readonly target: DenseValue }[]
}

// Up to this many elements one thread folds them all.
const SHORT = 32
// Threads that fold one result together.
const GROUP_THREADS = 128

/** Number of results of each fold. */
export const resultsOf = ({ shape, kept }: Reduction): number => sizeOf(shape.slice(0, kept))

/**
 * Whether a value with one element per result can be computed by the kernel of the reduction: where it depends on results,
 * its element i depends on result i alone.
 */
export function canFollow(reduction: Reduction, value: Value): boolean {
  if (sizeOf(value.shape) !== resultsOf(reduction)) return false
  const own = new Set([...reduction.folds, ...reduction.after].map(({ target }) => target.expression.storage))
  return loadsOf(value.expression).every(
    (load) => !own.has(load.storage) || (load.offset === 0 && isDense(load, value.shape)),
  )
}

/**
 * Short folds take one thread per result. Long ones take a workgroup: threads stride over the elements and meet in a tree in
 * workgroup memory (4 bytes a thread and fold). The order of the folding depends on the shape alone, so equal inputs give
 * equal bits. Folding nothing gives the neutral element.
 */
export function reductionKernel(reduction: Reduction): Dispatch {
  const { folds, after } = reduction
  const results = resultsOf(reduction)
  const length = sizeOf(reduction.shape.slice(reduction.kept))
  const kernel = new KernelBuilder('Reduce')
  const names = folds.map(({ target }) => kernel.write(target.expression.storage, target.expression.element))
  const collapsed = collapse(
    reduction.shape,
    folds.map(({ expression }) => expression),
    reduction.kept,
  )
  const { shape, expressions, boundary } = collapsed
  const [count, reach] = [kernel.integer(results), kernel.integer(length)]
  const starts = folds.map(({ fold, target }) => kernel.bits(fold.start, target.expression.element))
  const outer = kernel.coordinates('place', kernel.sizes(shape.slice(0, boundary)))
  const inner = kernel.coordinates('r', kernel.sizes(shape.slice(boundary)))
  const loaded = kernel.emitAll(expressions, shape, [...outer.names, ...inner.names])
  const combined = folds.map(({ fold }, i) => `folded${i} = ${fold.combine(`folded${i}`, loaded.values[i]!)};\n`)
  const loop = (from: string, step: string) => `${starts.map((start, i) => `var folded${i} = ${start};\n`).join('')}
for (var r = ${from}; r < ${reach}; r += ${step}) {
${inner.statements}${loaded.statements}${combined.join('')}}
`
  const finish = `${names.map((name, i) => `${name}[place] = folded${i};\n`).join('')}${following(kernel, reduction)}`
  const weight = expressions.reduce((sum, expression) => sum + weightOf(expression) + 1, 0)
  const flops =
    results * length * weight + results * after.reduce((sum, { value }) => sum + weightOf(value.expression), 0)
  if (length <= SHORT) {
    return kernel.finish({
      body: `let place = index;
if (place >= ${count}) { return; }
${outer.statements}${loop('0', '1')}${finish}`,
      workgroups: spread(Math.ceil(results / THREADS)),
      flops,
      batchable: true,
    })
  }
  const each = (text: (i: number) => string) => folds.map((_, i) => text(i)).join('')
  return kernel.finish({
    threads: GROUP_THREADS,
    shared: each((i) => `var<workgroup> parts${i}: array<${folds[i]!.target.expression.element}, ${GROUP_THREADS}>;\n`),
    body: `let place = group;
if (place >= ${count}) { return; }
${outer.statements}${loop('local', 'THREADS')}${each((i) => `parts${i}[local] = folded${i};\n`)}workgroupBarrier();
for (var half = THREADS / 2; half > 0; half /= 2) {
  if (local < half) {
${each((i) => `parts${i}[local] = ${folds[i]!.fold.combine(`parts${i}[local]`, `parts${i}[local + half]`)};\n`)}  }
  workgroupBarrier();
}
if (local == 0) {
${each((i) => `folded${i} = parts${i}[0];\n`)}${finish}}
`,
    workgroups: spread(results),
    flops,
    batchable: true,
  })
}

// Statements for the values that follow; results are at hand in variables.
function following(kernel: KernelBuilder, { folds, after }: Reduction): string {
  const variables = new Map(folds.map(({ target }, i) => [target.expression.storage, `folded${i}`]))
  let text = ''
  after.forEach(({ value, target }, i) => {
    let { expression } = value
    for (const load of loadsOf(expression)) {
      const variable = variables.get(load.storage)
      if (variable !== undefined) {
        expression = substitute(
          expression,
          load,
          apply(load.element, [], () => variable),
        )
      }
    }
    const result = kernel.write(target.expression.storage, target.expression.element)
    const at = kernel.coordinates('place', kernel.sizes(value.shape))
    const emitted = kernel.emit(expression, value.shape, at.names, 'place')
    text += `${at.statements}${emitted.statements}let after${i} = ${emitted.value};\n${result}[place] = after${i};\n`
    variables.set(target.expression.storage, `after${i}`)
  })
  return text
}
