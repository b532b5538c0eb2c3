import { isFloat } from './dtype.js'
import { GradientError } from './errors.js'
import { type GradientContext, missingGradient } from './op.js'
import { sum } from './ops/arithmetic.js'
import { onesLike, zerosLike } from './ops/fill.js'
import { rebuild } from './rewrite/rebuild.js'
import { inScope } from './scope.js'
import type { Node, Tensor } from './tensor.js'
import { topologicalOrder } from './traverse.js'

/**
 * Gradients of a scalar with respect to tensors, as nodes of the same graph.
 *
 * @param loss - A float scalar (rank 0, or a single element).
 * @param wrt - Inputs, parameters or intermediate tensors.
 * @returns one gradient per tensor, of its shape; zeros where the loss does not depend on it.
 * @throws GradientError if the loss is no float scalar, or an op on the way has no gradient.
 */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (!isFloat(loss.dtype) || loss.shape.some((dim) => dim !== 1)) {
    throw new GradientError(`The loss must be a float scalar, found ${loss}. Reduce it first (reduceMean, reduceSum).`)
  }
  return vjp([loss], [onesLike(loss)], wrt).map((gradient, i) => gradient ?? zerosLike(wrt[i]!))
}

/**
 * Vector-Jacobian product: what `grad` is for several outputs weighted by `dys`.
 *
 * @param dys - Gradient of each output; null counts as zeros.
 * @returns one gradient per entry of `wrt`, or null where no output depends on it.
 */
export function vjp(
  outputs: readonly Tensor[],
  dys: readonly (Tensor | null)[],
  wrt: readonly Tensor[],
): (Tensor | null)[] {
  for (const tensor of wrt) {
    if (!isFloat(tensor.dtype))
      throw new GradientError(`Cannot differentiate with respect to ${tensor}; expected a float tensor.`)
  }
  const order = topologicalOrder(outputs)
  const active = activeTensors(order, new Set(wrt))
  const contributions = new Map<Tensor, Tensor[]>()
  const contribute = (tensor: Tensor, gradient: Tensor) => {
    const list = contributions.get(tensor)
    if (list) list.push(gradient)
    else contributions.set(tensor, [gradient])
  }
  outputs.forEach((output, i) => {
    const dy = dys[i]
    if (dy && active.has(output)) contribute(output, dy)
  })
  const total = (tensor: Tensor): Tensor | null => {
    const list = contributions.get(tensor)
    if (!list) return null
    if (list.length > 1) contributions.set(tensor, [sum(list)])
    return contributions.get(tensor)![0]!
  }
  for (const node of order.reverse()) {
    if (!node.inputs.some((input) => input && active.has(input))) continue
    if (!node.outputs.some((output) => contributions.has(output))) continue
    inScope(node.scope, () => {
      const gradients = nodeGradients(node, node.outputs.map(total), active)
      node.inputs.forEach((input, i) => {
        const gradient = gradients[i]
        if (input && gradient && active.has(input)) contribute(input, gradient)
      })
    })
  }
  return wrt.map(total)
}

// Tensors that depend on `wrt` through floats and differentiable ops.
function activeTensors(order: readonly Node[], wrt: ReadonlySet<Tensor>): Set<Tensor> {
  const active = new Set<Tensor>(wrt)
  for (const node of order) {
    const rule = node.op.grad
    if ('nonDifferentiable' in rule && rule.behaviour === 'stop') continue
    if (!node.inputs.some((input) => input && active.has(input))) continue
    for (const output of node.outputs) if (isFloat(output.dtype)) active.add(output)
  }
  return active
}

function nodeGradients(
  node: Node,
  dys: readonly (Tensor | null)[],
  active: ReadonlySet<Tensor>,
): readonly (Tensor | null | undefined)[] {
  const rule = node.op.grad
  if ('nonDifferentiable' in rule) {
    if (node.op.decompose && rule.behaviour === 'error') return decomposedGradients(node, dys, active)
    return missingGradient(node)
  }
  const context: GradientContext = {
    node,
    inputs: node.inputs,
    outputs: node.outputs,
    dys,
    get x() {
      return node.inputs[0]!
    },
    get y() {
      return node.outputs[0]!
    },
    get dy() {
      return dys[0] ?? zerosLike(node.outputs[0]!)
    },
    needs(i) {
      const input = node.inputs[i]
      return !!input && active.has(input)
    },
  }
  return rule(context)
}

// An op of our own without a rule is differentiated through its definition.
function decomposedGradients(
  node: Node,
  dys: readonly (Tensor | null)[],
  active: ReadonlySet<Tensor>,
): (Tensor | null)[] {
  const outputs = node.op.decompose!(node, node.inputs)
  const wrt = node.inputs.filter((input): input is Tensor => !!input && active.has(input))
  const gradients = vjp(rebuild(outputs, {}), dys, wrt)
  return node.inputs.map((input) => (input && active.has(input) ? gradients[wrt.indexOf(input)]! : null))
}
