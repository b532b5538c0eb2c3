"""Checks ONNX files that @nemo/graph has written: the published checker in full, strict shape inference, no other domain.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2
    venv/bin/python tools/reference/onnxCheckModels.py FOLDER_OR_FILE...
"""

import sys
from pathlib import Path

import onnx


def problems(path):
    model = onnx.load(path)
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        yield f"{type(error).__name__}: {error}"
    opsets = [(o.domain, o.version) for o in model.opset_import]
    if opsets != [("", 20)] or model.ir_version != 9:
        yield f"opsets {opsets}, IR version {model.ir_version}"
    for value in [*model.graph.input, *model.graph.output]:
        if not value.type.tensor_type.HasField("shape"):
            yield f"{value.name} has no shape"


if __name__ == "__main__":
    files = [f for arg in map(Path, sys.argv[1:]) for f in (sorted(arg.glob("*.onnx")) if arg.is_dir() else [arg])]
    bad = 0
    for path in files:
        found = list(problems(path))
        bad += bool(found)
        for problem in found:
            print(f"{path.name}: {problem[:300]}")
    print(f"{len(files) - bad} of {len(files)} files are correct")
    sys.exit(bad > 0)
