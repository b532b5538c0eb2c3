import { range } from '../../../ops/fill.js'
import { constant } from '../../../ops/leaves.js'
import { reshape } from '../../../ops/reshape.js'
import { scan } from '../../../ops/scan.js'
import { slice } from '../../../ops/slice.js'
import { transpose } from '../../../ops/transpose.js'
import type { Tensor } from '../../../tensor.js'
import { constantData } from '../constantData.js'
import type { ImportedNode, Subgraph } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'

function ifNode(node: ImportedNode): readonly Tensor[] {
  const condition = node.data(0)
  if (condition?.data.length !== 1) {
    return node.unsupported(
      `its condition (${node.input(0)}) is known only at run time; an If is supported where constants and fixed sizes decide it. Try fixed sizes (dims, inputShapes).`,
    )
  }
  const [chosen, other] = condition.data[0] ? ['then_branch', 'else_branch'] : ['else_branch', 'then_branch']
  node.ignore(other!)
  return node.subgraph(chosen!).build([])
}

// Brings the axis that is walked to the front.
function toFront(x: Tensor, axis: number): Tensor {
  return axis === 0 ? x : transpose(x, [axis, ...x.shape.flatMap((_, i) => (i === axis ? [] : [i]))])
}

function fromFront(rows: Tensor, axis: number): Tensor {
  const rest = rows.shape.slice(1).map((_, i) => i + 1)
  return axis === 0 ? rows : transpose(rows, [...rest.slice(0, axis), 0, ...rest.slice(axis)])
}

const backwards = (x: Tensor): Tensor =>
  slice(x, { axes: [0], starts: [-1], ends: [Number.MIN_SAFE_INTEGER], steps: [-1] })

// One number per scan input or output; `check` says which are allowed.
function perSequence(node: ImportedNode, name: string, count: number): readonly number[] {
  const values = node.ints(name) ?? new Array<number>(count).fill(0)
  if (values.length !== count) return node.fail(`expected ${count} ${name}, found ${values.length}.`)
  return values
}

function scanNode(node: ImportedNode): readonly Tensor[] {
  if (node.version < 9) return node.unsupported('the Scan of opset 8 (batched, with sequence_lens) is not supported.')
  const body = node.subgraph('body')
  const inputs = node.everyInput()
  const X = node.int('num_scan_inputs') ?? node.fail('attribute num_scan_inputs is missing.')
  const S = inputs.length - X
  if (X < 1 || S < 0) return node.fail(`${X} of ${inputs.length} inputs cannot be sequences.`)
  checkBody(node, body, inputs.length, node.outputCount)
  const K = body.proto.output.length - S
  if (K < 0) return node.fail(`its body gives ${body.proto.output.length} values for ${S} states.`)
  const axes = perSequence(node, 'scan_input_axes', X)
  const directions = perSequence(node, 'scan_input_directions', X)
  const outputAxes = perSequence(node, 'scan_output_axes', K)
  const outputDirections = perSequence(node, 'scan_output_directions', K)
  if ([...directions, ...outputDirections].some((direction) => direction !== 0 && direction !== 1))
    return node.fail('directions are 0 or 1.')
  const reverse = directions.every((direction) => direction === 1)
  const sequences = inputs.slice(S).map((x, i) => {
    const axis = axes[i]! < 0 ? axes[i]! + x.rank : axes[i]!
    if (!(axis >= 0 && axis < x.rank)) node.fail(`scan input ${i} (${x}) has no axis ${axes[i]}.`)
    const front = toFront(x, axis)
    return directions[i] === 1 && !reverse ? backwards(front) : front
  })
  const result = scan({
    states: inputs.slice(0, S),
    sequences,
    reverse,
    step: (states, slices) => {
      const made = body.build([...states, ...slices])
      checkStates(node, states, made.slice(0, S))
      return { states: made.slice(0, S), rows: made.slice(S) }
    },
  })
  const rows = result.rows.map((stacked, i) => {
    // In a reversed walk rows come back in the place of their slice: the order that direction 1 asks for.
    const ordered = (outputDirections[i] === 1) === reverse ? stacked : backwards(stacked)
    const axis = outputAxes[i]! < 0 ? outputAxes[i]! + stacked.rank : outputAxes[i]!
    if (!(axis >= 0 && axis < stacked.rank)) node.fail(`scan output ${i} (${stacked}) has no axis ${outputAxes[i]}.`)
    return fromFront(ordered, axis)
  })
  return [...result.states, ...rows]
}

// A loop that runs a number of times that is known before it starts is a scan over 0, 1, 2, ...
function loopNode(node: ImportedNode): readonly Tensor[] {
  const body = node.subgraph('body')
  const whileLoop = (what: string): never =>
    node.unsupported(`${what}; only loops with a trip count and a condition that stays true are supported.`)
  const condition = node.has(1) ? node.data(1) : undefined
  if (node.has(1) && !condition?.data[0]) return whileLoop('its condition is not the constant true')
  if (!node.has(0)) return whileLoop('it has no trip count')
  const states = node.everyInput(2)
  checkBody(node, body, states.length + 2, node.outputCount + 1)
  const trips = reshape(node.input(0), [])
  const always = constant(1, 'bool')
  const result = scan({
    states,
    sequences: [range(node.data(0) ? node.number(0, 'trip count')! : trips)],
    step: (current, [index]) => {
      const [goOn, ...made] = body.build([index!, always, ...current])
      if (!constantData(goOn!)?.data[0]) whileLoop('its body decides when it ends')
      checkStates(node, current, made.slice(0, states.length))
      return { states: made.slice(0, states.length), rows: made.slice(states.length) }
    },
  })
  return [...result.states, ...result.rows]
}

function checkBody(node: ImportedNode, { proto }: Subgraph, inputs: number, outputs: number): void {
  if (proto.input.length !== inputs) node.fail(`its body takes ${proto.input.length} values, expected ${inputs}.`)
  if (proto.output.length < outputs) node.fail(`its body gives ${proto.output.length} values, expected ${outputs}.`)
}

function checkStates(node: ImportedNode, before: readonly Tensor[], after: readonly Tensor[]): void {
  before.forEach((state, i) => {
    const next = after[i]
    const same =
      next &&
      next.dtype === state.dtype &&
      next.rank === state.rank &&
      next.shape.every((dim, axis) => dim === state.shape[axis] || typeof dim !== typeof state.shape[axis])
    if (!same) node.unsupported(`state ${i} starts as ${state} and becomes ${next}; states must keep their shape.`)
  })
}

/** Ops that hold graphs. */
export const controlFlowRules: RuleTable = {
  If: rule(1, 1, ifNode),
  Loop: rule(1, [1, Number.POSITIVE_INFINITY], loopNode),
  Scan: rule(8, [1, Number.POSITIVE_INFINITY], scanNode),
}
