import { type Node, Parameter, sizeOf, type Tensor } from '@nemo/graph'

// What PyTorch's autocast computes in half precision.
const PRODUCTS: ReadonlySet<string> = new Set([
  ...['Conv', 'ConvInputGradient', 'ConvTranspose', 'ConvWeightGradient', 'Gemm', 'MatMul'],
])

// What keeps the precision of its operands.
const KEEPING: ReadonlySet<string> = new Set([
  ...['Abs', 'Add', 'BatchNormalization', 'Celu', 'Clip', 'Div', 'Elu', 'Expand', 'Flatten', 'Gelu', 'HardSigmoid'],
  ...['HardSwish', 'Identity', 'LeakyRelu', 'Max', 'Min', 'Mish', 'Mul', 'Neg', 'PRelu', 'Relu', 'Reshape', 'Selu'],
  ...['Sigmoid', 'Sign', 'Softplus', 'Softsign', 'Squeeze', 'Sub', 'Sum', 'Tanh', 'ThresholdedRelu', 'Transpose'],
  ...['Unsqueeze', 'Where'],
])

// What reads half precision without loss: it sums up in float32, or only compares.
const READING: ReadonlySet<string> = new Set([
  ...[
    'Cast',
    'Equal',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'Mean',
    'ReduceMax',
    'ReduceMean',
    'ReduceMin',
  ],
  ...['ReduceSum', 'GlobalAveragePool', 'GlobalMaxPool'],
])

// Statistics, scales and biases: a kernel reads so few elements often, and they take no room.
const FEW = 65536

/**
 * Which tensors of a graph may be stored in half precision: as with PyTorch's autocast, products with weights and what is
 * made of them element by element. Features, statistics, norms, softmax, losses, and everything about parameters keep
 * float32; where one of these reads a tensor, that does too.
 *
 * @param order - All nodes, leaves first.
 */
export function halfPrecisionTensors(order: readonly Node[]): Set<Tensor> {
  const weighted = new Set<Tensor>()
  const half = new Set<Tensor>()
  const full = new Set<Tensor>()
  for (const node of order) {
    const inputs = node.inputs.filter((input): input is Tensor => input != null)
    const { type } = node.op
    const depends = inputs.some((input) => weighted.has(input))
    for (const output of node.outputs) {
      if (depends || (output instanceof Parameter && output.role === 'parameter')) weighted.add(output)
    }
    const [output] = node.outputs
    if (depends && output?.dtype === 'float32') {
      // A wider operand makes the result wide, if it is no mere bias or mask.
      const wide = (input: Tensor) =>
        weighted.has(input) && isFloat32(input) && !half.has(input) && elements(input) > FEW
      const keeps = KEEPING.has(type) && inputs.some((input) => half.has(input)) && !inputs.some(wide)
      if (PRODUCTS.has(type) || keeps) half.add(output)
    }
    if (PRODUCTS.has(type) || KEEPING.has(type) || READING.has(type)) continue
    for (const input of inputs) full.add(input)
  }
  for (const tensor of full) half.delete(tensor)
  return half
}

const isFloat32 = ({ dtype }: Tensor): boolean => dtype === 'float32'

const elements = ({ shape }: Tensor): number => sizeOf(shape as readonly number[])
