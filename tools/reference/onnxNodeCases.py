"""Collects ONNX's published node tests for packages/graph, whose tests and check need no Python.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2
    venv/bin/python tools/reference/onnxNodeCases.py all cases.jsonl                 # those of the installed version
    venv/bin/python tools/reference/onnxNodeCases.py all cases.jsonl --data DIR...    # those of older wheels: onnx/backend/test/data/node
    venv/bin/python tools/reference/onnxNodeCases.py schemas packages/graph/test/fixtures/onnx/opVersions.json

Older wheels come from `pip download onnx==1.12.0 --no-deps` and need no installation. One line is one case: its name,
the model and the TensorProtos of each data set in base64. `node --conditions=@nemo/source --import tsx
packages/graph/test/onnx/checkNodeCases.ts cases.jsonl` runs them all, `packNodeCases.ts` beside it packs the tests'
selection. `schemas` writes the versions in which every standard op has changed.
"""

import argparse
import base64
import json
import sys
from pathlib import Path

import onnx
from onnx import numpy_helper


# Element types with a typed array of JavaScript.
ELEMENTS = "FLOAT DOUBLE FLOAT16 BFLOAT16 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL".split()


def encode(data):
    return base64.b64encode(data).decode()


def case(name, source, model, sets, rtol=1e-3, atol=1e-7):
    proto = onnx.ModelProto.FromString(model)
    kinds = {v.type.WhichOneof("value") for v in [*proto.graph.input, *proto.graph.output]}
    opset = max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=0)
    line = {"name": name, "source": source, "opset": opset, "ops": sorted({n.op_type for n in proto.graph.node})}
    held = set(onnx.TensorProto.DataType.items())
    elements = {v.type.tensor_type.elem_type for v in [*proto.graph.input, *proto.graph.output]}
    foreign = sorted(name for name, number in held if number in elements and name not in ELEMENTS)
    if foreign and not kinds - {"tensor_type"}:
        return line | {"skip": f"its values are {', '.join(foreign)}"}
    if kinds - {"tensor_type"}:
        return line | {"skip": f"its values are {', '.join(sorted(kinds - {'tensor_type'}))}"}
    return line | {"rtol": rtol, "atol": atol, "model": encode(model), "sets": sets}


def installed():
    from onnx.backend.test.case import node

    source = f"onnx {onnx.__version__}"
    seen = {}
    for test in node.collect_testcases(None):
        sets = []
        tensors_only = all(v.type.HasField("tensor_type") for v in [*test.model.graph.input, *test.model.graph.output])
        for inputs, outputs in test.data_sets if tensors_only else []:
            tensors = [
                [encode((v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v)).SerializeToString()) for v in values]
                for values in (inputs, outputs)
            ]
            sets.append({"inputs": tensors[0], "outputs": tensors[1]})
        seen[test.name] = case(test.name, source, test.model.SerializeToString(), sets, test.rtol, test.atol)
    return seen


def folder(data, source):
    seen = {}
    for path in sorted(p for p in Path(data).iterdir() if (p / "model.onnx").exists()):
        sets = []
        for part in sorted(path.glob("test_data_set_*")):
            numbered = lambda kind: sorted(part.glob(f"{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[1]))
            sets.append({kind + "s": [encode(f.read_bytes()) for f in numbered(kind)] for kind in ("input", "output")})
        seen[path.name] = case(path.name, source, (path / "model.onnx").read_bytes(), sets)
    return seen


def collect(data):
    if not data:
        return installed()
    cases = {}
    for entry in data:
        source, _, path = entry.rpartition("=")
        cases |= folder(path, source)
    return cases


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["all", "schemas"])
    parser.add_argument("output")
    parser.add_argument("--data", nargs="*", help="[SOURCE=]FOLDER of cases; default: the installed onnx's")
    options = parser.parse_args()
    with open(options.output, "w") as out:
        if options.what == "schemas":
            versions = {}
            for schema in onnx.defs.get_all_schemas_with_history():
                if schema.domain == "":
                    versions.setdefault(schema.name, []).append(schema.since_version)
            lines = [f"{json.dumps(op)}: {json.dumps(sorted(found))}" for op, found in sorted(versions.items())]
            print("{\n" + ",\n".join(lines) + "\n}", file=out)
            sys.exit()
        for line in collect(options.data).values():
            print(json.dumps(line), file=out)
