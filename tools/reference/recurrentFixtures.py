"""Outputs, last states and gradients of PyTorch's LSTM and GRU: packages/core/test/fixtures/recurrent.json.

    python tools/reference/recurrentFixtures.py packages/core/test/fixtures/recurrent.json
"""

import json
import sys

import torch

torch.manual_seed(0)
BATCH, TIME, INPUT, HIDDEN, LAYERS = 2, 5, 3, 4, 2
LENGTHS = [5, 3]


def values(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


def case(kind, bidirectional):
    layer = kind(INPUT, HIDDEN, LAYERS, batch_first=True, bidirectional=bidirectional)
    x = torch.randn(BATCH, TIME, INPUT)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True)
    output, state = layer(packed)
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    output.square().sum().backward()
    states = state if isinstance(state, tuple) else (state,)
    return {
        "kind": kind.__name__,
        "bidirectional": bidirectional,
        "x": values(x),
        "lengths": LENGTHS,
        "weights": {name: values(weight) for name, weight in layer.named_parameters()},
        "output": values(output),
        "states": [values(each) for each in states],
        "gradients": {name: values(weight.grad) for name, weight in layer.named_parameters()},
    }


cases = [case(kind, both) for kind in (torch.nn.LSTM, torch.nn.GRU) for both in (False, True)]
with open(sys.argv[1], "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file)
