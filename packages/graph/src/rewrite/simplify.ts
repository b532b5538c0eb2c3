import { Body } from '../body.js'
import { isStatic } from '../dim.js'
import { type DType, type TensorData, tensorData } from '../dtype.js'
import { type Attributes, applyOp } from '../op.js'
import { Identity } from '../ops/cast.js'
import { Constant, constant } from '../ops/leaves.js'
import { Scan } from '../ops/scan.js'
import type { Node, Tensor } from '../tensor.js'
import { topologicalOrder } from '../traverse.js'
import { type RewriteRule, rebuild } from './rebuild.js'

/** Folds constants, drops identities, merges equal nodes and prunes what nobody reads. Values do not change. */
export function simplify(outputs: readonly Tensor[]): Tensor[] {
  const merged = rebuild(outputs, { rule: combine([foldConstants, dropIdentities, mergeEqual()]), enterBodies: false })
  return pruneOutputs(rebuild(merged, { rule: simplifyBodies, enterBodies: false }))
}

/** Applies rules one after the other to the same node; the first that answers wins. */
export function combine(rules: readonly RewriteRule[]): RewriteRule {
  return (node, inputs, original) => {
    for (const rule of rules) {
      const made = rule(node, inputs, original)
      if (made) return made
    }
    return undefined
  }
}

// Larger results would bloat the model without saving time.
const LARGEST_FOLD = 65536

const foldConstants: RewriteRule = (node) => {
  if (node.inputs.length === 0 && node.op === Constant) return undefined
  const output = node.outputs[0]
  if (node.outputs.length !== 1 || !output) return undefined
  if (output.known && output.dtype === 'int64' && isStatic(output.known) && isStatic(output.shape) && !leaf(node)) {
    return [constant(tensorData([...output.known], 'int64', output.shape), 'int64')]
  }
  if (!node.op.evaluate || !isStatic(output.shape) || node.inputs.length === 0 || isHalf(output.dtype)) return undefined
  const values: (TensorData | null)[] = []
  for (const input of node.inputs) {
    if (!input) values.push(null)
    else {
      const value = input.constant
      if (!value || value.data.length > LARGEST_FOLD || isHalf(value.dtype)) return undefined
      values.push(value)
    }
  }
  const data = node.op.evaluate(values, node)[0]!
  return data.data.length > LARGEST_FOLD ? undefined : [constant(data, data.dtype)]
}

// Their elements are bits, with which the host cannot compute.
const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16'

const leaf = (node: Node): boolean => node.inputs.length === 0

const dropIdentities: RewriteRule = (node, inputs) => (node.op === Identity ? [inputs[0]!] : undefined)

// Merges nodes of one op, equal attributes and equal inputs.
function mergeEqual(): RewriteRule {
  const seen = new Map<string, readonly Tensor[]>()
  const ids = new Map<object, number>()
  const identify = (object: object): number => {
    let id = ids.get(object)
    if (id === undefined) {
      id = ids.size
      ids.set(object, id)
    }
    return id
  }
  return (node) => {
    if (node.op.domain === 'nemo' && leaf(node)) return undefined
    const attributes = attributesKey(node.attributes, identify)
    const inputs = node.inputs.map((t) => (t ? `${identify(t.node)}.${t.index}` : '-')).join(',')
    const key = `${node.op.domain}:${node.op.type}(${inputs})${attributes}`
    const before = seen.get(key)
    if (before && before.length >= node.outputs.length && before !== node.outputs)
      return before.slice(0, node.outputs.length)
    seen.set(key, node.outputs)
    return undefined
  }
}

function attributesKey(attributes: Attributes, identify: (object: object) => number): string {
  const parts = Object.entries(attributes).map(([name, value]) => {
    if (value instanceof Body) return `${name}=body${identify(value)}`
    if (typeof value === 'object' && 'dtype' in value) {
      return value.data.length <= 256
        ? `${name}=${value.dtype}[${value.shape}]${Array.from(value.data as ArrayLike<number | bigint>).map(spell)}`
        : `${name}=data${identify(value.data)}`
    }
    return `${name}=${String(value)}`
  })
  return parts.join(';')
}

// -0 and 0 are different constants.
const spell = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value))

const simplifyBodies: RewriteRule = (node, inputs) => {
  if (node.op !== Scan) return undefined
  const body = node.attribute<Body>('body')
  const from = node.attribute<number>('num_states') + node.attribute<number>('num_scan_inputs')
  // A value that is captured twice is one value to the body.
  const first = inputs.map((input, i) => (i < from ? i : Math.max(from, inputs.indexOf(input, from))))
  const twice = new Map(body.inputs.flatMap((formal, i) => (first[i] === i ? [] : [[formal, body.inputs[first[i]!]!]])))
  const outputs = simplify(twice.size > 0 ? rebuild(body.outputs, { replace: twice }) : body.outputs)
  if (outputs.every((output, i) => output === body.outputs[i])) return undefined
  const once = <T>(list: readonly T[]) => list.filter((_, i) => first[i] === i)
  const simpler = new Body(once(body.inputs), outputs)
  return applyOp(Scan, once(inputs), { ...node.attributes, body: simpler }, node.outputs.length)
}

/** Removes scan rows and optional outputs that nobody reads, and captured values that a scan body no longer needs. */
function pruneOutputs(outputs: readonly Tensor[]): Tensor[] {
  const read = new Set<Tensor>(outputs)
  for (const node of topologicalOrder(outputs)) for (const input of node.inputs) if (input) read.add(input)
  return rebuild(outputs, {
    enterBodies: false,
    rule: (node, inputs, original) => {
      const { requiredOutputs } = node.op
      if (requiredOutputs !== undefined && node.outputs.length > requiredOutputs) {
        const count = Math.max(requiredOutputs, 1 + original.outputs.findLastIndex((output) => read.has(output)))
        return count === node.outputs.length ? undefined : applyOp(node.op, inputs, node.attributes, count)
      }
      if (node.op !== Scan) return undefined
      const {
        body,
        num_states: S,
        num_scan_inputs: X,
      } = node.attributes as { body: Body; num_states: number; num_scan_inputs: number }
      const keep = body.outputs.map((_, i) => i < S || read.has(original.outputs[i]!))
      const kept = body.outputs.filter((_, i) => keep[i])
      const used = new Set(topologicalOrder(kept).flatMap((n) => n.outputs))
      const keepCapture = body.inputs.map((formal, i) => i < S + X || used.has(formal))
      if (keep.every(Boolean) && keepCapture.every(Boolean)) return undefined
      const pruned = new Body(
        body.inputs.filter((_, i) => keepCapture[i]),
        kept,
      )
      const made = applyOp(
        Scan,
        inputs.filter((_, i) => keepCapture[i]),
        { ...node.attributes, body: pruned },
        kept.length,
      )
      let at = 0
      return body.outputs.map((_, i) => (keep[i] ? made[at++] : undefined))
    },
  })
}
