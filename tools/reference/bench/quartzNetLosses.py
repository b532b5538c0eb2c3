"""Losses of the first NovoGrad and SGD steps of a small QuartzNet in PyTorch, for quartzNet5x3.test.ts.

Weights and batch come from the same generator (Mulberry32) in the same order as in tools/bench/src. In float64, so
that the numbers are the mathematics' and not one machine's.

Run: python tools/reference/bench/quartzNetLosses.py
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "peers"))
import quartznet_step as peer  # noqa: E402

M = 0xFFFFFFFF


def mulberry32(seed):
    state = seed & M

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & M
        mixed = (state ^ (state >> 15)) * (state | 1) & M
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61) & M)) & M
        return ((mixed ^ (mixed >> 14)) & M) / 2**32

    return draw


def fill(parameter, draw):
    fan_in = parameter.shape[1] * parameter.shape[2]
    limit = 1 / math.sqrt(fan_in)
    values = [(2 * draw() - 1) * limit for _ in range(parameter.numel())]
    # Weights are float32 in the network under test.
    parameter.copy_(torch.tensor(np.array(values, np.float32)).reshape(parameter.shape))


def losses(optimizer, steps=6):
    draw = mulberry32(3)
    peer.FEATURES, peer.CLASSES = 16, 8
    model = peer.QuartzNet().double().train()
    with torch.no_grad():
        for block in model.blocks:
            for part in [*block.subs, *([block.residual] if block.residual else [])]:
                for conv in part.convs:
                    fill(conv.weight, draw)
        fill(model.decoder.weight, draw)
        model.decoder.bias.zero_()
    batch, frames, features, target = 2, 61, 16, 6
    shortest = frames * 3 // 4
    lengths = [math.floor(shortest + (frames - shortest) * i / (batch - 1)) for i in range(batch)]
    x = np.array([sum(draw() for _ in range(12)) - 6 for _ in range(batch * features * frames)], np.float32)
    x = torch.tensor(x).double().reshape(batch, features, frames)
    targets = torch.tensor([math.floor(draw() * 7) for _ in range(batch * target)]).reshape(batch, target)
    if optimizer == "sgd":
        steps_of = torch.optim.SGD(model.parameters(), lr=0.001)
    else:
        steps_of = peer.NovoGrad(model.parameters(), lr=0.003)
    result = []
    for _ in range(steps):
        steps_of.zero_grad()
        log_probs, n = model(x, torch.tensor(lengths))
        loss = F.ctc_loss(log_probs, targets, n, torch.full((batch,), target), blank=7, reduction="none").mean()
        loss.backward()
        steps_of.step()
        result.append(round(loss.item(), 4))
    return result


if __name__ == "__main__":
    peer.BLOCKS = [(filters // 16, *rest) for filters, *rest in peer.BLOCKS]
    for name in ["novograd", "sgd"]:
        print(name, losses(name))
