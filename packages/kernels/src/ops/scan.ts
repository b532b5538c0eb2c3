import { Body, sizeOf } from '@nemo/graph'
import { ELEMENT_BYTES } from '../elementType.js'
import type { OpKernel } from '../opKernel.js'
import { bytesOf } from '../planner.js'
import type { Storage } from '../storage.js'
import type { DenseValue, Value } from '../value.js'

/**
 * The body is planned once and recorded once per step, without a word from the host in between: slices are copied in, the
 * body's kernels run on the same buffers, rows are copied to their places and new states over the old ones.
 */
export const Scan: OpKernel = (op) => {
  const planner = op.planner
  const body = op.node.attributes.body
  if (!(body instanceof Body)) throw new Error('unreachable: a Scan has a body')
  const stateCount = op.attribute<number>('num_states')
  const sliceCount = op.attribute<number>('num_scan_inputs')
  const steps = op.shape(stateCount)[0]!
  const reverse = op.attribute<number>('reverse') !== 0

  const states = Array.from({ length: stateCount }, (_, i) => {
    const initial = planner.full(op.value(i))
    const state = op.allocateOutput(i)
    copyWhole(op.planner.copy.bind(planner), initial, state)
    return state
  })
  const rows = body.outputs.slice(stateCount).map((_, i) => op.allocateOutput(stateCount + i))
  if (steps === 0) return [...states, ...rows]
  const sequences = Array.from({ length: sliceCount }, (_, i) => planner.full(op.value(stateCount + i)))
  const slices = sequences.map((sequence) => op.scratch(sequence.dtype, sequence.shape.slice(1)))
  const captures: Value[] = body.inputs.slice(stateCount + sliceCount).map((_, i) => {
    const capture = op.load(stateCount + sliceCount + i)
    return capture.expression.storage.half === undefined ? capture : planner.full(capture)
  })

  const inner = planner.inner()
  const bound: Value[] = [...states, ...slices, ...captures]
  const pinned = bound.map(({ expression }) => (expression.kind === 'load' ? expression.storage : undefined))
  const pin = (by: number) => {
    for (const storage of pinned) if (storage) storage.references += by
  }
  pin(1)
  body.inputs.forEach((formal, i) => {
    inner.bind(formal, { ...bound[i]! })
  })
  const results = inner.run(body.outputs)
  // A result that lies in a buffer which the step's end overwrites must be saved first.
  const overwritten = new Set<Storage>(states.map((state) => state.expression.storage))
  const saved = results.map((result, i) => {
    const { storage } = result.expression
    if (i >= stateCount || !overwritten.has(storage) || states[i]!.expression.storage === storage) return result
    const safe = op.scratch(result.dtype, result.shape)
    copyWhole(inner.copy.bind(inner), result, safe)
    return safe
  })
  for (let step = 0; step < steps; step++) {
    const at = reverse ? steps - 1 - step : step
    sequences.forEach((sequence, i) => {
      copyPart(planner.copy.bind(planner), sequence, at, slices[i]!, 0, slices[i]!.shape)
    })
    planner.append(inner.commands)
    rows.forEach((row, i) => {
      copyPart(planner.copy.bind(planner), saved[stateCount + i]!, 0, row, at, row.shape.slice(1))
    })
    states.forEach((state, i) => {
      copyWhole(planner.copy.bind(planner), saved[i]!, state)
    })
  }
  inner.finish(body.outputs)
  pin(-1)
  return [...states, ...rows]
}

type CopyBuffers = (copy: { from: Storage; fromOffset: number; to: Storage; toOffset: number; bytes: number }) => void

function copyWhole(copy: CopyBuffers, from: DenseValue, to: DenseValue): void {
  if (from.expression.storage === to.expression.storage) return
  copy({ from: from.expression.storage, fromOffset: 0, to: to.expression.storage, toOffset: 0, bytes: bytesOf(from) })
}

// Slice number `fromSlice` of one buffer to slice number `toSlice` of another.
function copyPart(
  copy: CopyBuffers,
  from: DenseValue,
  fromSlice: number,
  to: DenseValue,
  toSlice: number,
  shape: readonly number[],
): void {
  const bytes = sizeOf(shape) * ELEMENT_BYTES
  copy({
    from: from.expression.storage,
    fromOffset: fromSlice * bytes,
    to: to.expression.storage,
    toOffset: toSlice * bytes,
    bytes,
  })
}
