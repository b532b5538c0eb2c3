import { conv, mul, relu } from '@nemo/graph'
import { checkKernel } from '../../test/kernelCheck.js'

const cases = [
  { title: 'of one tap', x: ['B', 3, 'T'], w: [4, 3, 1], bias: true, options: {} },
  { title: 'of width 3 with padding', x: ['B', 3, 'T'], w: [4, 3, 3], bias: true, options: { pads: [1, 1] } },
  { title: 'with uneven padding', x: ['B', 2, 'T'], w: [3, 2, 4], bias: false, options: { pads: [2, 1] } },
  { title: 'with stride 2', x: ['B', 2, 'T'], w: [3, 2, 3], bias: false, options: { strides: [2], pads: [1, 1] } },
  {
    title: 'with stride 3 and samples that no window covers',
    x: ['B', 2, 'T'],
    w: [3, 2, 2],
    bias: false,
    options: { strides: [3] },
  },
  {
    title: 'with stride and dilation',
    x: ['B', 2, 'T'],
    w: [3, 2, 3],
    bias: false,
    options: { dilations: [3], strides: [2], pads: [3, 3] },
  },
  { title: 'in groups', x: ['B', 4, 'T'], w: [6, 2, 3], bias: true, options: { group: 2, pads: [1, 1] } },
  { title: 'depthwise', x: ['B', 3, 'T'], w: [3, 1, 5], bias: false, options: { group: 3, pads: [2, 2] } },
  {
    title: 'depthwise with a multiplier',
    x: ['B', 3, 'T'],
    w: [6, 1, 3],
    bias: false,
    options: { group: 3, strides: [2], dilations: [2], pads: [2, 2] },
  },
  {
    title: 'depthwise with stride 2 over several tiles',
    x: ['B', 2, 'T'],
    w: [2, 1, 33],
    bias: false,
    options: { group: 2, strides: [2], pads: [16, 16] },
    sizes: [{ B: 2, T: 600 }],
  },
  {
    title: 'depthwise with more taps than a kernel has threads',
    x: ['B', 2, 'T'],
    w: [2, 1, 300],
    bias: false,
    options: { group: 2, pads: [150, 149] },
    sizes: [{ B: 1, T: 310 }],
  },
  {
    title: 'depthwise over two axes',
    x: ['B', 2, 5, 'T'],
    w: [2, 1, 3, 3],
    bias: false,
    options: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    title: 'over two axes',
    x: ['B', 2, 6, 'T'],
    w: [3, 2, 3, 2],
    bias: true,
    options: { strides: [2, 3], pads: [1, 0, 0, 1] },
  },
  {
    title: 'over two axes in groups with dilations',
    x: ['B', 2, 7, 'T'],
    w: [4, 1, 2, 2],
    bias: false,
    options: { group: 2, dilations: [1, 2], strides: [2, 1] },
  },
]
for (const { title, x, w, bias, options, sizes } of cases) {
  checkKernel(`convolution ${title} and its gradients equal ONNX Runtime's`, {
    inputs: [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [w[0]!] }] : [])],
    sizes: sizes ?? [
      { B: 2, T: 9 },
      { B: 1, T: 7 },
      { B: 3, T: 40 },
    ],
    build: ([data, weight, b]) => relu(conv(data!, weight!, b, options)),
    tolerance: [1e-4, 5e-5],
  })
}

checkKernel('what comes before and after a depthwise convolution runs in its kernels, with equal results', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3, 1, 5] }, { shape: [3, 1] }, { shape: ['B', 1, 'T'] }],
  sizes: [{ B: 2, T: 70 }],
  build: ([x, w, gain, mask]) => relu(conv(mul(relu(mul(x!, gain!)), mask!), w!, undefined, { group: 3, pads: 2 })),
  tolerance: [1e-4, 5e-5],
})
