"""Makes packages/core/test/fixtures/optimizersExtra.json: steps of PyTorch's RAdam and of NeMo's Adafactor.

    python optimizerFixtures.py ADAFACTOR_PY OUT

ADAFACTOR_PY is nemo/core/optim/adafactor.py of NeMo v1.6.0, the first release that has it. Made with torch 2.15.0 (CPU).
The other optimisers of that folder's optimizers.json come from the reference case of the same name.
"""

import importlib.util
import json
import sys

import torch

STEPS = 8
SHAPES = [(4, 3), (5,), (2, 3, 4), ()]

VARIANTS = [
    ('radam', 'radam', dict(lr=0.05)),
    ('radam-short-memory', 'radam', dict(lr=0.02, betas=[0.8, 0.9], weight_decay=0.01)),
    ('radam-long-memory', 'radam', dict(lr=0.02, betas=[0.95, 0.9999], eps=1e-6)),
    ('adafactor', 'adafactor', dict(lr=None)),
    ('adafactor-momentum', 'adafactor', dict(lr=None, beta1=0.9, weight_decay=0.05, clip_threshold=0.5)),
    ('adafactor-warmup', 'adafactor', dict(lr=None, warmup_init=True, decay_rate=-0.5)),
    ('adafactor-min-step', 'adafactor', dict(lr=None, min_step=0.2, eps=[1e-8, 0.05])),
    ('adafactor-manual', 'adafactor', dict(lr=0.02, relative_step=False, scale_parameter=False)),
]


def run(make, params, grads):
    weights = [torch.nn.Parameter(value.clone()) for value in params]
    optimizer = make(weights)
    after = [[] for _ in weights]
    for step in range(STEPS):
        for weight, gradient in zip(weights, grads):
            weight.grad = gradient[step].clone()
        optimizer.step()
        for values, weight in zip(after, weights):
            values.extend(weight.detach().reshape(-1).tolist())
    return after


def rounded(values):
    return [float('%.9g' % value) for value in values]


def main(adafactor_py, out):
    spec = importlib.util.spec_from_file_location('adafactor', adafactor_py)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(20)
    params = [torch.randn(shape) for shape in SHAPES]
    # Sizes of gradients differ by layer and step, so that clipping and rectification have work to do.
    grads = [
        torch.randn((STEPS,) + shape) * (0.3 + i) * torch.linspace(2, 0.5, STEPS).reshape((STEPS,) + (1,) * len(shape))
        for i, shape in enumerate(SHAPES)
    ]
    variants = []
    for name, optimizer, config in VARIANTS:
        if optimizer == 'radam':
            make = lambda weights: torch.optim.RAdam(weights, **{**config, 'betas': tuple(config.get('betas', (0.9, 0.999)))})
        else:
            make = lambda weights: module.Adafactor(weights, **config)
        after = [rounded(values) for values in run(make, params, grads)]
        variants.append({'name': name, 'optimizer': optimizer, 'config': config, 'after': after})
    fixture = {
        'variants': variants,
        'shapes': [list(shape) for shape in SHAPES],
        'params': [rounded(value.reshape(-1).tolist()) for value in params],
        'grads': [[rounded(step.reshape(-1).tolist()) for step in gradient] for gradient in grads],
    }
    with open(out, 'w') as file:
        json.dump(fixture, file)
        file.write('\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
