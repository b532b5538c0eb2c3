"""One training step of QuartzNet 5x3 in plain PyTorch, the peer of `pnpm bench train-step`.

Needs: `pip install torch` (any release from 2.0; the CPU build is enough).

Run alone it prints one JSON object with every step's milliseconds and the peak resident memory.
With --serve it obeys commands on stdin, one per line, so that two programs can take turns on one machine:
`step N` runs N steps and answers {"ms": [...], "loss": x}; `quit` answers {"peakRssBytes": n} and ends.
"""

import argparse
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

FEATURES = 64
CLASSES = 29  # 28 characters and the blank, which is last
# filters, kernel, repeat, stride, dilation, separable, residual
BLOCKS = [
    (256, 33, 1, 2, 1, True, False),
    (256, 33, 3, 1, 1, True, True),
    (256, 39, 3, 1, 1, True, True),
    (512, 51, 3, 1, 1, True, True),
    (512, 63, 3, 1, 1, True, True),
    (512, 75, 3, 1, 1, True, True),
    (512, 87, 1, 1, 2, True, False),
    (1024, 1, 1, 1, 1, False, False),
]


class MaskedConv1d(nn.Conv1d):
    """A convolution that first zeroes the frames beyond each item's length."""

    def forward(self, x, lengths):
        frames = torch.arange(x.shape[2])
        x = x.masked_fill(frames[None, None, :] >= lengths[:, None, None], 0.0)
        span = self.dilation[0] * (self.kernel_size[0] - 1)
        lengths = (lengths + 2 * self.padding[0] - span - 1) // self.stride[0] + 1
        return super().forward(x), lengths


def convolution(inputs, filters, kernel, stride=1, dilation=1, groups=1):
    return MaskedConv1d(
        inputs,
        filters,
        kernel,
        stride=stride,
        dilation=dilation,
        padding=dilation * (kernel - 1) // 2,
        groups=groups,
        bias=False,
    )


class SubBlock(nn.Module):
    """(depthwise and pointwise | full) convolution, then batch normalisation."""

    def __init__(self, inputs, filters, kernel, stride, dilation, separable):
        super().__init__()
        if separable:
            self.convs = nn.ModuleList(
                [convolution(inputs, inputs, kernel, stride, dilation, inputs), convolution(inputs, filters, 1)]
            )
        else:
            self.convs = nn.ModuleList([convolution(inputs, filters, kernel, stride, dilation)])
        self.norm = nn.BatchNorm1d(filters, eps=1e-3, momentum=0.1)

    def forward(self, x, lengths):
        for conv in self.convs:
            x, lengths = conv(x, lengths)
        return self.norm(x), lengths


class JasperBlock(nn.Module):
    def __init__(self, inputs, filters, kernel, repeat, stride, dilation, separable, residual):
        super().__init__()
        self.subs = nn.ModuleList(
            SubBlock(inputs if i == 0 else filters, filters, kernel, stride, dilation, separable)
            for i in range(repeat)
        )
        self.residual = SubBlock(inputs, filters, 1, 1, 1, False) if residual else None

    def forward(self, x, lengths):
        y, n = x, lengths
        for i, sub in enumerate(self.subs):
            y, n = sub(y, n)
            if i + 1 < len(self.subs):
                y = F.relu(y)
        if self.residual is not None:
            y = y + self.residual(x, lengths)[0]
        return F.relu(y), n


class QuartzNet(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, inputs = [], FEATURES
        for filters, kernel, repeat, stride, dilation, separable, residual in BLOCKS:
            blocks.append(JasperBlock(inputs, filters, kernel, repeat, stride, dilation, separable, residual))
            inputs = filters
        self.blocks = nn.ModuleList(blocks)
        self.decoder = nn.Conv1d(inputs, CLASSES, 1)

    def forward(self, features, lengths):
        x, n = features, lengths
        for block in self.blocks:
            x, n = block(x, n)
        return F.log_softmax(self.decoder(x).permute(2, 0, 1), dim=-1), n


class NovoGrad(torch.optim.Optimizer):
    """One second moment for each tensor; weight decay after normalisation; no bias correction (arXiv 1905.11286)."""

    def __init__(self, params, lr, betas=(0.8, 0.5), eps=1e-8, weight_decay=1e-3):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                square = p.grad.pow(2).sum()
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                    state["second"] = square.clone()
                else:
                    state["second"].mul_(beta2).add_(square, alpha=1 - beta2)
                update = p.grad / (state["second"].sqrt() + group["eps"])
                update.add_(p, alpha=group["weight_decay"])
                state["momentum"].mul_(beta1).add_(update)
                p.add_(state["momentum"], alpha=-group["lr"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=801, help="mel frames, 100 a second and one more")
    parser.add_argument("--target", type=int, default=80, help="characters in each target")
    parser.add_argument("--optimizer", choices=["novograd", "sgd"], default="novograd")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()

    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = QuartzNet().train()
    if args.optimizer == "novograd":
        optimizer = NovoGrad(model.parameters(), lr=0.01)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    features = torch.randn(args.batch, FEATURES, args.frames)
    # Lengths from three quarters of the batch's frames up, as in a batch sorted into buckets.
    lengths = torch.linspace(args.frames * 3 // 4, args.frames, args.batch).long()
    targets = torch.randint(0, CLASSES - 1, (args.batch, args.target))
    target_lengths = torch.full((args.batch,), args.target)

    def step():
        optimizer.zero_grad(set_to_none=True)
        log_probs, n = model(features, lengths)
        loss = F.ctc_loss(log_probs, targets, n, target_lengths, blank=CLASSES - 1, reduction="none", zero_infinity=True)
        loss = loss.mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    def run(count):
        times, loss = [], float("nan")
        for _ in range(count):
            start = time.perf_counter()
            loss = step()
            times.append((time.perf_counter() - start) * 1e3)
        return {"ms": times, "loss": loss}

    def peak():
        # ru_maxrss counts kilobytes on Linux, bytes on macOS.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    facts = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    if args.serve:
        print(json.dumps(facts), flush=True)
        for line in sys.stdin:
            words = line.split()
            if words[:1] == ["step"]:
                print(json.dumps(run(int(words[1]))), flush=True)
            elif words[:1] == ["quit"]:
                break
        print(json.dumps({"peakRssBytes": peak()}), flush=True)
        return
    run(args.warmup)
    print(json.dumps({**facts, **run(args.steps), "peakRssBytes": peak()}))


if __name__ == "__main__":
    main()
