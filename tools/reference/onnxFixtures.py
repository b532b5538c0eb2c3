"""Writes the ONNX files that packages/graph reads and writes in its tests, beside their contents as protobuf JSON.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2
    venv/bin/python tools/reference/onnxFixtures.py packages/graph/test/fixtures/onnx
    venv/bin/python tools/reference/onnxFixtures.py --compare A.onnx B.onnx     # equal messages? then check B

`NAME.json` is google.protobuf's own JSON form of `NAME.onnx`; `dtypes.values.json` holds the elements that NumPy sees
(16-bit floats as bits, 64-bit integers as strings).
"""

import json
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from google.protobuf import json_format
from onnx import AttributeProto, TensorProto, helper, numpy_helper

OPSET = 21
FLOAT = TensorProto.FLOAT


def value(name, shape, elem=FLOAT):
    return helper.make_tensor_value_info(name, elem, shape)


def model(graph, **more):
    opsets = more.pop("opset_imports", [helper.make_opsetid("", OPSET)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="onnxFixtures", **more)


def sparse(name):
    values = helper.make_tensor(name, FLOAT, [3], [1.5, -2.0, 3.25])
    indices = helper.make_tensor(f"{name}_indices", TensorProto.INT64, [3], [1, 4, 7])
    return helper.make_sparse_tensor(values, indices, [3, 3])


def attributes():
    """One node of a foreign domain with an attribute of every type, and empty and negative values."""
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "inner", [value("x", [2])], [value("y", [2])])
    tensor = helper.make_tensor("t", TensorProto.INT32, [2], [7, -7])
    tensor_type = helper.make_tensor_type_proto(FLOAT, ["N", 3])
    node = helper.make_node(
        "Everything", ["x", ""], ["y"], name="everything", domain="test.nemo", doc_string="Every type of attribute.",
        f=0.1, i=-3, s="naïve ☃", t=tensor, g=inner, sparse=sparse("sparse"), tp=tensor_type,
        floats=[1.0, -0.0, float("inf"), 1e-40], ints=[0, -1, 2**40, -(2**53 - 1)], strings=["a", "", "語"],
        tensors=[tensor, tensor], graphs=[inner], sparses=[sparse("s0"), sparse("s1")], tps=[tensor_type],
    )
    node.attribute.append(helper.make_attribute("bytes", b"\x00\xff\x80"))
    node.attribute.append(helper.make_attribute("none", [], attr_type=AttributeProto.INTS))
    documented = helper.make_attribute("documented", 0, doc_string="An attribute with its own text.")
    node.attribute.append(documented)
    node.metadata_props.add(key="origin", value="")
    graph = helper.make_graph([node], "attributes", [value("x", [2])], [value("y", [2])])
    return model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("test.nemo", 1)])


def subgraphs():
    """If, Loop and Scan, each with graphs inside; the Loop holds an If."""
    branch = lambda op, out: helper.make_graph([helper.make_node(op, ["x"], [out])], op, [], [value(out, ["T", 2])])
    cond = helper.make_node("If", ["flag"], ["a"], then_branch=branch("Relu", "t0"), else_branch=branch("Neg", "e0"))
    body = helper.make_graph(
        [
            helper.make_node("If", ["go"], ["inner"], then_branch=branch("Abs", "t1"), else_branch=branch("Exp", "e1")),
            helper.make_node("Add", ["state", "inner"], ["next"]),
            helper.make_node("Identity", ["go"], ["go_out"]),
        ],
        "loop_body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("state", ["T", 2])],
        [value("go_out", [], TensorProto.BOOL), value("next", ["T", 2])],
    )
    loop = helper.make_node("Loop", ["trips", "flag", "a"], ["b"], body=body)
    step = helper.make_graph(
        [helper.make_node("Add", ["sum", "row"], ["sum_out"]), helper.make_node("Identity", ["sum_out"], ["row_out"])],
        "scan_body",
        [value("sum", [2]), value("row", [2])],
        [value("sum_out", [2]), value("row_out", [2])],
    )
    scan = helper.make_node("Scan", ["zero", "b"], ["total", "y"], num_scan_inputs=1, body=step, scan_input_directions=[1])
    graph = helper.make_graph(
        [cond, loop, scan],
        "subgraphs",
        [value("x", ["T", 2]), value("flag", [], TensorProto.BOOL)],
        [value("total", [2]), value("y", ["T", 2])],
        [
            helper.make_tensor("trips", TensorProto.INT64, [], [3]),
            helper.make_tensor("zero", FLOAT, [2], [0, 0]),
        ],
    )
    return model(graph)


DTYPES = {
    "float32": [0.1, -0.0, np.inf, 3.4e38],
    "float64": [0.1, -0.0, np.nan, 1e300],
    "float16": [0.5, -2.0, 65504, 6e-8],
    "bfloat16": [0.5, -2.0, 3e38, 1e-40],
    "int64": [-(2**63), 2**63 - 1, -1, 2**53 + 1],
    "int32": [-(2**31), 2**31 - 1, -1, 0],
    "int16": [-32768, 32767, -1, 0],
    "int8": [-128, 127, -1, 0],
    "uint8": [0, 255, 1, 128],
    "uint16": [0, 65535, 1, 32768],
    "uint32": [0, 2**32 - 1, 1, 2**31],
    "uint64": [0, 2**64 - 1, 1, 2**63],
    "bool": [True, False, True, True],
}


def array(dtype):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    return np.array(DTYPES[dtype], kind).reshape(2, 2)


def dtypes():
    """Initialisers of every element type, raw and in typed lists, with scalars and empty shapes."""
    tensors = []
    for dtype in DTYPES:
        raw = numpy_helper.from_array(array(dtype), f"{dtype}_raw")
        typed = TensorProto(name=f"{dtype}_typed", dims=[2, 2], data_type=raw.data_type)
        values = array(dtype).flatten()
        if dtype in ("float16", "bfloat16"):
            typed.int32_data.extend(values.view(np.uint16).tolist())
        else:
            field = {"float32": "float", "float64": "double", "int64": "int64", "uint32": "uint64", "uint64": "uint64"}
            getattr(typed, field.get(dtype, "int32") + "_data").extend((values.astype(np.int32) if dtype == "bool" else values).tolist())
        tensors += [raw, typed]
    tensors.append(numpy_helper.from_array(np.array(["", "naïve ☃"], object), "strings"))
    tensors.append(numpy_helper.from_array(np.float32(2.5).reshape(()), "scalar"))
    tensors.append(numpy_helper.from_array(np.zeros((2, 0, 3), np.int64), "empty"))
    for name, kind in (("int4", TensorProto.INT4), ("float8", TensorProto.FLOAT8E5M2), ("complex", TensorProto.COMPLEX64)):
        tensors.append(helper.make_tensor(name, kind, [2], [1, 2]))
    graph = helper.make_graph([helper.make_node("Identity", ["scalar"], ["y"])], "dtypes", [], [value("y", [])], tensors)
    return model(graph)


def functions():
    """Model functions, value types of every kind, dynamic dims, metadata, sparse initialisers, annotations, training, devices."""
    scale = helper.make_node("Mul", ["x", "factor"], ["y"])
    constant = helper.make_node("Constant", [], ["factor"])
    constant.attribute.add(name="value_float", ref_attr_name="factor", type=AttributeProto.FLOAT)
    opsets = [helper.make_opsetid("", OPSET)]
    scaled = helper.make_function(
        "test.nemo", "Scaled", ["x"], ["y"], [constant, scale], opsets,
        attributes=["unused"], attribute_protos=[helper.make_attribute("factor", 2.0)], doc_string="x * factor",
    )
    scaled.value_info.append(value("factor", []))
    scaled.overload = "float"
    scaled.metadata_props.add(key="kind", value="function")
    call = helper.make_node("Scaled", ["x"], ["s"], domain="test.nemo", overload="float", unused=1, factor=0.5)
    call.device_configurations.add(configuration_id="two", pipeline_stage=1)
    spec = call.device_configurations[0].sharding_spec.add(tensor_name="x", device=[0, -1])
    spec.index_to_device_group_map.add(key=-1, value=[0, 1])
    spec.sharded_dim.add(axis=-1).simple_sharding.add(dim_value=2, num_shards=2)
    spec.sharded_dim.add(axis=0).simple_sharding.add(dim_param="B", num_shards=1)

    inner = helper.make_tensor_type_proto(FLOAT, [None, "T"])
    sequence = helper.make_sequence_type_proto(inner)
    map_type = helper.make_map_type_proto(TensorProto.STRING, inner)
    opaque = onnx.TypeProto(denotation="THING")
    opaque.opaque_type.domain = "test.nemo"
    opaque.opaque_type.name = "Thing"
    named = value("x", ["B", None, 80])
    named.type.tensor_type.shape.dim[2].denotation = "DATA_FEATURE"
    named.type.denotation = "TENSOR"
    named.doc_string = "input"
    named.metadata_props.add(key="unit", value="log power")
    infos = [
        value("s", ["B", None, 80]),
        helper.make_tensor_value_info("no_shape", FLOAT, None),
        helper.make_value_info("sequence", sequence),
        helper.make_value_info("optional", helper.make_optional_type_proto(sequence)),
        helper.make_value_info("map", map_type),
        helper.make_value_info("sparse", helper.make_sparse_tensor_type_proto(FLOAT, [3, 3])),
        helper.make_value_info("opaque", opaque),
        onnx.ValueInfoProto(name="no_type"),
    ]
    graph = helper.make_graph(
        [call, helper.make_node("Relu", ["s"], ["y"])], "functions", [named], [value("y", ["B", None, 80])],
        value_info=infos, sparse_initializer=[sparse("sparse_weight")], doc_string="graph",
    )
    graph.quantization_annotation.add(tensor_name="y").quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="sc")
    graph.metadata_props.add(key="graph", value="yes")
    result = model(graph, functions=[scaled], opset_imports=[*opsets, helper.make_opsetid("test.nemo", 1)])
    helper.set_model_props(result, {"author": "nobody", "empty": "", "text": "naïve ☃ " * 20})
    result.model_version = 2**40
    result.producer_version = "1"
    result.domain = "nemo.test"
    result.doc_string = "all of it"
    training = result.training_info.add()
    training.initialization.name = "init"
    training.algorithm.name = "step"
    training.initialization_binding.add(key="w", value="w0")
    training.update_binding.add(key="w", value="w1")
    result.configuration.add(name="two", num_devices=2, device=["cpu", "gpu"])
    return result


def external():
    """A weight stored in external.bin, from byte 8."""
    weight = TensorProto(name="w", dims=[3], data_type=FLOAT, data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "external.bin"), ("offset", "8"), ("length", "12")):
        weight.external_data.add(key=key, value=text)
    graph = helper.make_graph([helper.make_node("Relu", ["w"], ["y"])], "external", [], [value("y", [3])], [weight])
    return model(graph)


def elements(tensor):
    values = numpy_helper.to_array(tensor)
    if values.dtype in (np.float16, ml_dtypes.bfloat16):
        values = values.view(np.uint16)
    text = values.dtype.itemsize == 8 and values.dtype.kind in "iu"
    show = lambda v: str(v) if text or v != v or v in (np.inf, -np.inf) or (v == 0 and np.signbit(v)) else v
    if values.dtype.kind == "O":
        return [v.decode() if isinstance(v, bytes) else v for v in values.flatten()]
    if values.dtype.kind == "b":
        return [int(v) for v in values.flatten()]
    return [show(v) for v in values.flatten().tolist()]


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for make in (attributes, subgraphs, dtypes, functions, external):
        proto = make()
        (folder / f"{make.__name__}.onnx").write_bytes(proto.SerializeToString(deterministic=True))
        (folder / f"{make.__name__}.json").write_text(json_format.MessageToJson(proto, indent=None, ensure_ascii=False) + "\n")
    (folder / "external.bin").write_bytes(b"\xee" * 8 + np.array([1, 2, 3], "<f4").tobytes() + b"\xee")
    skip = (TensorProto.INT4, TensorProto.FLOAT8E5M2, TensorProto.COMPLEX64)
    values = {t.name: elements(t) for t in dtypes().graph.initializer if t.data_type not in skip}
    (folder / "dtypes.values.json").write_text(json.dumps(values, ensure_ascii=False) + "\n")
    for name in ("attributes", "subgraphs", "dtypes", "functions", "external"):
        onnx.checker.check_model(str(folder / f"{name}.onnx"))


def compare(ours, theirs):
    a, b = onnx.load(ours, load_external_data=False), onnx.load(theirs, load_external_data=False)
    same = a == b
    print(f"{theirs}: {'equal' if same else 'DIFFERENT'}")
    onnx.checker.check_model(theirs)
    return same


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        sys.exit(0 if compare(sys.argv[2], sys.argv[3]) else 1)
    write(Path(sys.argv[1]))
