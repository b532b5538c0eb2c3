"""Exports small PyTorch models to ONNX, with what PyTorch computes on them, for packages/graph/src/onnx.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2
    venv/bin/python tools/reference/torchOnnxModels.py packages/graph/test/fixtures/onnx/torch

Each model is exported by both of PyTorch's exporters, `NAME.onnx` (torch.export) and `NAME.script.onnx` (TorchScript).
`NAME.json` holds inputs and outputs for two sizes of the dynamic axes, the loss mean((output - target)^2), its gradient for every parameter, and the losses
of ten steps of gradient descent. Arrays are {"dtype", "shape", "data": base64 of little-endian bytes}.
"""

import base64
import json
import sys
from pathlib import Path

import torch
from torch import nn

STEPS, RATE = 10, 0.05


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 4))

    def forward(self, x):
        return self.net(x)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.second = nn.Conv2d(8, 12, 3, stride=2)
        self.norm2 = nn.BatchNorm2d(12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.norm1(self.first(x))), 2)
        x = torch.nn.functional.silu(self.norm2(self.second(self.depthwise(x))))
        return torch.log_softmax(self.head(x.mean(dim=(2, 3))), dim=-1)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        self.position = nn.Parameter(torch.randn(1, 12, 16) * 0.1)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 6)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position[:, : tokens.shape[1]]
        mask = torch.triu(torch.full((tokens.shape[1], tokens.shape[1]), float("-inf")), diagonal=1)
        return self.head(self.norm(self.block(x, src_mask=mask)))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 8, num_layers=2, bidirectional=True)
        self.gru = nn.GRU(16, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        hidden, _ = self.lstm(x)
        hidden, last = self.gru(hidden)
        return self.head(hidden), last


def models():
    torch.manual_seed(7)
    B, T = torch.export.Dim("B"), torch.export.Dim("T", min=2, max=12)
    conv = ConvNet()
    # Running statistics of a trained network are not 0 and 1.
    for norm in (conv.norm1, conv.norm2):
        nn.init.normal_(norm.running_mean, std=0.3)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.2)
    yield "mlp", Mlp(), (torch.randn(3, 6),), (torch.randn(5, 6),), ["x"], ["y"], {"x": {0: B}}, 9
    yield "convnet", conv, (torch.randn(2, 1, 12, 10),), (torch.randn(3, 1, 12, 10),), ["image"], ["logprobs"], {"image": {0: B}}, 11
    yield "transformer", Transformer(), (torch.randint(0, 20, (2, 7)),), (torch.randint(0, 20, (3, 11)),), ["tokens"], ["logits"], {"tokens": {0: B, 1: T}}, 14
    yield "lstm", Lstm(), (torch.randn(6, 2, 5),), (torch.randn(4, 3, 5),), ["x"], ["y", "last"], {"x": {0: torch.export.Dim("T", min=2), 1: B}}, 13


def array(t):
    t = t.detach().contiguous()
    return {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "data": base64.b64encode(t.numpy().tobytes()).decode()}


def loss_of(model, inputs, target):
    y = model(*inputs)
    return torch.mean((((y[0] if isinstance(y, tuple) else y)) - target) ** 2)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    # The fused attention of inference has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    for name, model, inputs, others, input_names, output_names, axes, opset in models():
        # Equal initializers (norms start as ones) would become one.
        with torch.no_grad():
            for p in model.parameters():
                p += torch.randn_like(p) * 0.02
        model.eval()
        with torch.no_grad():
            outputs, other_outputs = (y if isinstance(y, tuple) else (y,) for y in (model(*inputs), model(*others)))
        target = torch.randn_like(outputs[0])
        for kind in ("", ".script"):
            options = {"input_names": input_names, "output_names": output_names}
            if kind == "":
                # torch.export names the symbols; dynamic_shapes follow the arguments of forward.
                options |= {"dynamo": True, "dynamic_shapes": tuple(axes[n] for n in input_names), "external_data": False, "optimize": True}
            else:
                dynamic = {n: {i: d.__name__ for i, d in axes[n].items()} for n in input_names}
                options |= {
                    "dynamo": False,
                    "dynamic_axes": dynamic | {n: {} for n in output_names},
                    "do_constant_folding": False,
                    "training": torch.onnx.TrainingMode.PRESERVE,
                    "opset_version": opset,
                }
            torch.onnx.export(model, inputs, str(folder / f"{name}{kind}.onnx"), **options)
        loss = loss_of(model, inputs, target)
        loss.backward()
        gradients = {n: array(p.grad) for n, p in model.named_parameters()}
        losses = []
        optimizer = torch.optim.SGD(model.parameters(), RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            step = loss_of(model, inputs, target)
            step.backward()
            losses.append(step.item())
            optimizer.step()
        reference = {
            "source": f"torch {torch.__version__.split('+')[0]}",
            "inputs": dict(zip(input_names, map(array, inputs))),
            "outputs": dict(zip(output_names, map(array, outputs))),
            "otherInputs": dict(zip(input_names, map(array, others))),
            "otherOutputs": dict(zip(output_names, map(array, other_outputs))),
            "target": array(target),
            "gradients": gradients,
            "rate": RATE,
            "losses": losses,
        }
        (folder / f"{name}.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
