"""Makes the PyTorch fixtures of packages/core/test/fixtures/checkpoint, and describes what PyTorch reads from a file.

    python torchFixtures.py write DIR      # writes torchM.N-{zip,legacy}-{tensors,training}.pt and .json
    python torchFixtures.py describe FILE  # prints the same JSON for any file; uses weights_only where it exists
    python torchFixtures.py safetensors DIR # writes reference.safetensors and .json (made with safetensors of torch 2.15)
    python torchFixtures.py lightning FILE # writes a Lightning checkpoint (made with pytorch-lightning 1.9.5, omegaconf 2.1.2)

Run `write` with several versions of torch (1.5.1, 1.13.1 and 2.15.0 made the fixtures). Bits of floats are given as hex, so
that comparisons are exact.
"""

import collections
import json
import os
import sys

import torch

VERSION = tuple(int(part) for part in torch.__version__.split('+')[0].split('.')[:2])


def describe(value):
    if isinstance(value, torch.Tensor):
        tensor = value.detach()
        dtype = str(tensor.dtype).split('.')[-1]
        flat = tensor.contiguous().reshape(-1)
        if dtype in ('float16', 'bfloat16', 'float32', 'float64'):
            # Exact: every float here is a double.
            values = [v.hex() for v in flat.double().tolist()]
        else:
            values = [str(int(v)) for v in flat.tolist()]
        return {'tensor': dtype, 'shape': list(tensor.shape), 'values': values}
    if isinstance(value, collections.OrderedDict):
        return {'OrderedDict': [[describe(k), describe(v)] for k, v in value.items()]}
    if isinstance(value, dict):
        return {'dict': [[describe(k), describe(v)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {'tuple': [describe(v) for v in value]}
    if isinstance(value, list):
        return [describe(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return {'set': sorted(value)}
    if isinstance(value, (bytes, bytearray)):
        return {'bytes': list(value)}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return {'int': str(value)}
    if isinstance(value, float):
        return {'float': value.hex()}
    if isinstance(value, torch.device):
        return {'device': [value.type, value.index]}
    if isinstance(value, torch.dtype):
        return {'dtype': str(value).split('.')[-1]}
    raise TypeError(type(value))


def tensors():
    torch.manual_seed(1)
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7
    state = collections.OrderedDict()
    for dtype in ('float32', 'float64', 'float16', 'bfloat16'):
        state[dtype] = torch.tensor([0.0, -0.0, 1.5, -2.25, float('inf'), 3.14159], dtype=torch.float64).to(getattr(torch, dtype))
    for dtype in ('int64', 'int32', 'int16', 'int8'):
        state[dtype] = torch.tensor([0, 1, -1, 100, -128], dtype=getattr(torch, dtype))
    state['int64.large'] = torch.tensor([2**62 + 1, -(2**63)])
    state['uint8'] = torch.tensor([0, 1, 255], dtype=torch.uint8)
    state['bool'] = torch.tensor([[True, False], [False, True]])
    state['scalar'] = torch.tensor(24)
    state['scalar.float'] = torch.tensor(0.1)
    state['empty'] = torch.zeros(0)
    state['empty.3d'] = torch.zeros(2, 0, 3, dtype=torch.float16)
    state['transposed'] = base.transpose(0, 2)
    state['sliced'] = base[:, 1:, ::2]
    state['column'] = base[1, :, 3]
    state['element'] = base[1, 2, 3]
    state['overlapping'] = base.reshape(-1).as_strided((3, 4), (1, 2), 5)
    state['expanded'] = torch.tensor([[1.0], [2.0]]).expand(2, 5)
    state['half.transposed'] = base[0].half().t()
    state['byte.transposed'] = torch.arange(6, dtype=torch.uint8).reshape(2, 3).t()
    state['double.transposed'] = base[0].double().t()
    state['channels_last'] = torch.arange(16, dtype=torch.float32).reshape(1, 2, 2, 4).contiguous(memory_format=torch.channels_last)
    state['tied.a'] = base[0]
    state['tied.b'] = base[0]
    state['parameter'] = torch.nn.Parameter(torch.tensor([[1.0, 2.0]]))
    if VERSION >= (2, 3):
        state['uint16'] = torch.tensor([0, 1, 65535], dtype=torch.uint16)
        state['uint32'] = torch.tensor([0, 1, 2**32 - 1], dtype=torch.uint32)
        state['uint64'] = torch.tensor([0, 1, 2**63 - 1], dtype=torch.uint64)
        parameter = torch.nn.Parameter(torch.tensor([3.0]))
        parameter.note = 'an attribute'
        state['parameter.attribute'] = parameter
        tensor = torch.tensor([4.0])
        tensor.note = 'an attribute'
        state['tensor.attribute'] = tensor
    return state


def training():
    """A training checkpoint as PyTorch Lightning lays it out."""
    model = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 3, bias=False), torch.nn.BatchNorm1d(3))
    torch.manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.8, 0.5))
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    model(torch.rand(4, 2, 7)).pow(2).sum().backward()
    optimizer.step()
    schedule.step()
    return {
        'epoch': 3,
        'global_step': 1200,
        'large': 2**70,
        'negative': -(2**40),
        'monitor': None,
        'val_wer': 0.125,
        'one': 1.0,
        'finished': False,
        'name': 'QuartzNet \u00e4 \U0001f600',
        'state_dict': model.state_dict(),
        'optimizer_states': [optimizer.state_dict()],
        'lr_schedulers': [{'last_epoch': schedule.last_epoch, 'base_lrs': schedule.base_lrs}],
        'nested': {'tuple': (1, (2.5, 'x'), ()), 'list': [[], [True]], 3: 'integer key', 'set': {1, 2, 3}},
        'size': torch.Size([1, 2]),
        'dtype': torch.float16,
        'device': torch.device('cuda', 1),
        'bytes': b'\x00\xffabc',
        'counts': collections.Counter({'a': 2}),
        'default': collections.defaultdict(dict, {'k': {'v': 1}}),
    }


def load(path):
    if VERSION < (1, 13):
        return torch.load(path, map_location='cpu')
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except Exception:
        if VERSION >= (2, 5):
            raise
        # Before 2.5 even sets and bytes did not count as plain.
        return torch.load(path, map_location='cpu', weights_only=False)


def write(folder):
    os.makedirs(folder, exist_ok=True)
    for name, value in (('tensors', tensors()), ('training', training())):
        for layout in ('zip', 'legacy'):
            path = os.path.join(folder, f'torch{VERSION[0]}.{VERSION[1]}-{layout}-{name}.pt')
            torch.save(value, path, _use_new_zipfile_serialization=layout == 'zip')
        with open(os.path.join(folder, f'torch{VERSION[0]}.{VERSION[1]}-{name}.json'), 'w') as file:
            json.dump(describe(value), file, separators=(',', ':'))


def lightning(path):
    import omegaconf
    import pytorch_lightning

    class Model(pytorch_lightning.LightningModule):
        def __init__(self, cfg: omegaconf.DictConfig):
            super().__init__()
            self.save_hyperparameters()
            self.linear = torch.nn.Linear(2, 1)

        def training_step(self, batch, _):
            return self.linear(batch[0]).pow(2).mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

        def train_dataloader(self):
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 2)), batch_size=2)

    torch.manual_seed(3)
    trainer = pytorch_lightning.Trainer(
        max_epochs=2, accelerator='cpu', logger=False, enable_progress_bar=False, enable_checkpointing=False
    )
    trainer.fit(Model(omegaconf.OmegaConf.create({'labels': ['a', 'b'], 'copy': '${labels}', 'lr': 1e-3})))
    trainer.save_checkpoint(path)


def write_safetensors(folder):
    import safetensors.torch

    state = {name: tensor.detach().clone().contiguous() for name, tensor in tensors().items()}
    safetensors.torch.save_file(state, os.path.join(folder, 'reference.safetensors'), metadata={'format': 'pt', 'by': 'safetensors'})
    with open(os.path.join(folder, 'reference.safetensors.json'), 'w') as file:
        json.dump(describe(state), file, separators=(',', ':'))


if __name__ == '__main__':
    command, path = sys.argv[1:]
    if command == 'write':
        write(path)
    elif command == 'safetensors':
        write_safetensors(path)
    elif command == 'lightning':
        lightning(path)
    else:
        print(json.dumps(describe(load(path)), separators=(',', ':')))
