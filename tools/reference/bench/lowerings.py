"""Compares ways to say one operation to ONNX Runtime's CPU kernels, the evidence behind @nemo/graph's lowerings.

Variants take turns in one process; the table gives the smallest and the median milliseconds of each, its ratio to the
first (plain) way, and the largest difference of its numbers from the plain way's.

Needs: pip install onnx onnxruntime==1.30.0 numpy
Run:   python tools/reference/bench/lowerings.py [--channels 256] [--kernel 33] [--threads 2]
"""

import argparse
import statistics
import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

NCHWC = "com.microsoft.nchwc"
MICROSOFT = "com.microsoft"


class Graph:
    """Nodes, inputs and constants of a model in the making. Arrays given to `op` become constants."""

    def __init__(self):
        self.nodes, self.feeds, self.constants = [], {}, []

    def feed(self, name, array):
        self.feeds[name] = array
        return name

    def op(self, kind, *inputs, domain="", **attributes):
        names = []
        for value in inputs:
            if not isinstance(value, str):
                self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
                value = self.constants[-1].name
            names.append(value)
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], domain=domain, **attributes))
        return output

    def reshape(self, x, *shape):
        return self.op("Reshape", x, np.array(shape, np.int64))

    def session(self, output, threads):
        inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in self.feeds.items()]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1), helper.make_opsetid(NCHWC, 1)]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.constants)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads of an idle session would take the cores from the session that is being measured.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def compare(title, variants, threads, rounds):
    print(f"\n{title}")
    sides = []
    for name, build in variants.items():
        graph = Graph()
        session = graph.session(build(graph), threads)
        binding = session.io_binding()
        for feed, array in graph.feeds.items():
            binding.bind_cpu_input(feed, array)
        result = session.run(None, graph.feeds)[0]
        buffer = ort.OrtValue.ortvalue_from_numpy(np.empty_like(result))
        binding.bind_ortvalue_output(session.get_outputs()[0].name, buffer)
        session.run_with_iobinding(binding)
        sides.append((name, session, binding, result, []))
    for _ in range(rounds):
        for _, session, binding, _, times in sides:
            start = time.perf_counter()
            session.run_with_iobinding(binding)
            times.append((time.perf_counter() - start) * 1e3)
    plain = sides[0]
    for name, _, _, result, times in sides:
        difference = np.abs(result.reshape(-1) - plain[3].reshape(-1)).max()
        print(
            f"  {name:58s} min {min(times):7.2f}  median {statistics.median(times):7.2f}"
            f"  x {min(times) / min(plain[4]):.2f}  difference {difference:.1e}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--kernel", type=int, default=33)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block", type=int, default=16, help="channel block of ONNX Runtime's NCHWc kernels: 16 with AVX-512, 8 with AVX2")
    args = parser.parse_args()
    B, C, T, K = 16, args.channels, 400, args.kernel
    pad, block = (K - 1) // 2, args.block
    random = np.random.default_rng(0)
    x = random.standard_normal((B, C, T)).astype(np.float32)
    dy = random.standard_normal((B, C, T)).astype(np.float32)
    w = (random.standard_normal((C, 1, K)) * 0.1).astype(np.float32)
    point = (random.standard_normal((C, C)) * 0.05).astype(np.float32)
    pads = {"pads": [0, pad, 0, pad], "strides": [1, 1], "dilations": [1, 1]}

    def blocked(g, name, array):
        return g.op("ReorderInput", g.reshape(g.feed(name, array), B, C, 1, T), domain=NCHWC)

    def forward_nchwc(g):
        taps = g.op("Transpose", g.reshape(g.feed("w", w), C // block, block, K), perm=[0, 2, 1])
        y = g.op("Conv", blocked(g, "x", x), g.reshape(taps, C, 1, 1, K), domain=NCHWC, group=C, kernel_shape=[1, K], **pads)
        return g.reshape(g.op("ReorderOutput", y, domain=NCHWC, channels=C), B, C, T)

    compare(
        f"depthwise convolution [{B}, {C}, {T}], kernel {K}",
        {
            "Conv": lambda g: g.op("Conv", g.feed("x", x), g.feed("w", w), group=C, pads=[pad, pad]),
            "Conv with H = 1": lambda g: g.op(
                "Conv", g.reshape(g.feed("x", x), B, C, 1, T), g.reshape(g.feed("w", w), C, 1, 1, K), group=C, **pads
            ),
            "ReorderInput, nchwc.Conv, ReorderOutput": forward_nchwc,
        },
        args.threads,
        args.rounds,
    )

    def weight_plain(g):
        folded = g.op(
            "Conv", g.reshape(g.feed("x", x), 1, B * C, 1, T), g.reshape(g.feed("dy", dy), B * C, 1, 1, T), group=B * C, **pads
        )
        return g.op("ReduceSum", g.reshape(folded, B, C, K), np.array([0]), keepdims=0)

    def weight_nchwc(g):
        data = g.reshape(blocked(g, "x", x), 1, B * C, 1, T)
        kernel = g.reshape(blocked(g, "dy", dy), B * C, 1, 1, T)
        folded = g.op("Conv", data, kernel, domain=NCHWC, group=B * C, kernel_shape=[1, T], **pads)
        summed = g.op("ReduceSum", g.reshape(folded, B, C // block, K, block), np.array([0]), keepdims=0)
        return g.reshape(g.op("Transpose", summed, perm=[0, 2, 1]), C, K)

    compare(
        "its weight gradient, the batch folded into the channels and dy as the kernel",
        {"Conv, ReduceSum": weight_plain, "2 x ReorderInput, nchwc.Conv, ReduceSum": weight_nchwc},
        args.threads,
        args.rounds,
    )

    def products(g):
        return g.op("FusedMatMul", g.feed("dy", dy), g.feed("x", x), domain=MICROSOFT, transB=1)

    compare(
        f"weight gradient of a pointwise convolution {C} to {C}",
        {
            "MatMul(dy, Transpose(x)), ReduceSum": lambda g: g.op(
                "ReduceSum",
                g.op("MatMul", g.feed("dy", dy), g.op("Transpose", g.feed("x", x), perm=[0, 2, 1])),
                np.array([0]),
                keepdims=0,
            ),
            "FusedMatMul transB, ReduceSum": lambda g: g.op("ReduceSum", products(g), np.array([0]), keepdims=0),
            "FusedMatMul transB, MatMul with a row of ones": lambda g: g.op(
                "MatMul", np.ones((1, B), np.float32), g.reshape(products(g), B, C * C)
            ),
        },
        args.threads,
        args.rounds,
    )
    compare(
        "pointwise convolution",
        {
            "Conv": lambda g: g.op("Conv", g.feed("x", x), g.feed("w", point[:, :, None])),
            "MatMul(w, x)": lambda g: g.op("MatMul", g.feed("w", point), g.feed("x", x)),
        },
        args.threads,
        args.rounds,
    )
    y = np.maximum(x, 0)

    def masked(g, mask):
        return g.op("Mul", g.feed("dy", dy), mask)

    compare(
        "gradient of ReLU",
        {
            "dy * Sign(y)": lambda g: masked(g, g.op("Sign", g.feed("y", y))),
            "Where(y > 0, dy, 0)": lambda g: g.op(
                "Where", g.op("Greater", g.feed("y", y), np.float32(0)), g.feed("dy", dy), np.float32(0)
            ),
            "dy * Cast(y > 0)": lambda g: masked(
                g, g.op("Cast", g.op("Greater", g.feed("y", y), np.float32(0)), to=TensorProto.FLOAT)
            ),
            "dy * HardSigmoid(y, alpha 1e38, beta 0)": lambda g: masked(
                g, g.op("HardSigmoid", g.feed("y", y), alpha=1e38, beta=0.0)
            ),
        },
        args.threads,
        args.rounds,
    )


if __name__ == "__main__":
    main()
