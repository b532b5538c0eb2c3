import { tensorData } from '../../../dtype.js'
import { apply1 } from '../../../op.js'
import { cast } from '../../../ops/cast.js'
import { ConstantOfShape, Range } from '../../../ops/fill.js'
import { constant } from '../../../ops/leaves.js'
import { reduceProd } from '../../../ops/reduction.js'
import { Shape, shapeOf } from '../../../ops/shape.js'
import { EyeLike } from '../../../ops/triangle.js'
import type { Tensor } from '../../../tensor.js'
import { tensorToArray } from '../../proto/tensor.js'
import { denseTensor } from '../denseTensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'

// The forms that a Constant's value may take; exactly one is there.
const valueForms: Readonly<Record<string, (node: ImportedNode) => Tensor>> = {
  value: (node) => {
    const array = tensorToArray(node.attribute('value', 'TENSOR')!)
    return array.dtype === 'string' ? node.unsupported('its value holds strings.') : constant(array, array.dtype)
  },
  sparse_value: (node) => {
    const array = denseTensor(node.attribute('sparse_value', 'SPARSE_TENSOR')!, { path: 'sparse_value' })
    return array.dtype === 'string' ? node.unsupported('its value holds strings.') : constant(array, array.dtype)
  },
  value_float: (node) => constant(node.float('value_float')!),
  value_floats: (node) => constant(Float32Array.from(node.floats('value_floats')!)),
  value_int: (node) => constant(node.int('value_int')!, 'int64'),
  value_ints: (node) => constant(tensorData([...node.ints('value_ints')!], 'int64'), 'int64'),
  value_string: (node) => node.unsupported('its value is a string.'),
  value_strings: (node) => node.unsupported('its value holds strings.'),
}

/** Windows as scipy.signal.get_window makes them: a weighted sum of cosines of 2 pi i / n. */
const cosineWindow = (coefficients: readonly number[]) =>
  rule(17, 1, (node) => {
    const size = node.number(0, 'size')!
    if (!(size >= 0 && size <= 2 ** 24)) return node.fail(`its size should be from 0 to 2^24, found ${size}.`)
    const dtype = castTarget(node, node.int('output_datatype', 1))
    const period = node.int('periodic', 1) ? size : size - 1
    const values = Array.from({ length: size }, (_, i) =>
      coefficients.reduce((sum, c, k) => sum + c * Math.cos((2 * Math.PI * k * i) / period), 0),
    )
    return cast(constant(tensorData(values, 'float64', [size]), 'float64'), dtype)
  })

/** Ops that read no data, or only its shape. */
export const constantRules: RuleTable = {
  Constant: rule(1, 0, (node) => {
    const forms = Object.keys(valueForms).filter((name) => node.hasAttribute(name))
    if (forms.length !== 1) return node.fail(`expected one value attribute, found ${forms.join(', ') || 'none'}.`)
    return valueForms[forms[0]!]!(node)
  }),
  ConstantOfShape: rule(9, 1, (node) => {
    const proto = node.attribute('value', 'TENSOR')
    const value = proto ? tensorToArray(proto) : tensorData([0], 'float32')
    if (value.dtype === 'string') return node.unsupported('its value holds strings.')
    if (value.data.length !== 1) return node.fail(`its value should be one number, found ${value.data.length}.`)
    const shape = node.input(0)
    if (shape.rank !== 1 || typeof shape.shape[0] !== 'number' || shape.shape[0] > 64)
      return node.fail(`expected a shape of a known length up to 64, found ${shape}.`)
    return apply1(ConstantOfShape, [shape], { value: { ...value, shape: [1] } })
  }),
  EyeLike: rule(9, 1, (node) => {
    const x = node.input(0)
    const dtype = node.hasAttribute('dtype') ? castTarget(node, node.int('dtype')!) : x.dtype
    return apply1(EyeLike, [cast(x, dtype)], { k: node.int('k', 0) })
  }),
  Range: rule(11, 3, (node) => {
    // How 16-bit floats add up is up to the runtime.
    node.ignore('stash_type')
    return apply1(Range, node.inputs())
  }),
  Shape: rule(1, 1, (node) => {
    const x = node.input(0)
    const [start, end] = node.version < 15 ? [0, undefined] : [node.int('start', 0), node.int('end')]
    return apply1(Shape, [x], { start, end })
  }),
  Size: rule(1, 1, (node) => (node.input(0).rank === 0 ? constant(1, 'int64') : reduceProd(shapeOf(node.input(0))))),
  HannWindow: cosineWindow([0.5, -0.5]),
  HammingWindow: cosineWindow([25 / 46, -21 / 46]),
  BlackmanWindow: cosineWindow([0.42, -0.5, 0.08]),
}
