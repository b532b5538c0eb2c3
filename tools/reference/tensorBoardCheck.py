"""Prints as JSON what the real TensorBoard reads from a folder of event files.

    pip install tensorboard
    python tools/reference/tensorBoardCheck.py LOGDIR
"""

import hashlib
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

accumulator = EventAccumulator(sys.argv[1], size_guidance={key: 0 for key in ("scalars", "images", "audio", "histograms", "tensors", "compressedHistograms")})
accumulator.Reload()
tags = accumulator.Tags()
digest = lambda data: hashlib.sha256(data).hexdigest()[:16]
result = {
    "scalars": {t: [[e.step, e.value] for e in accumulator.Scalars(t)] for t in tags["scalars"]},
    "images": {t: [[e.step, e.width, e.height, digest(e.encoded_image_string)] for e in accumulator.Images(t)] for t in tags["images"]},
    "audio": {
        t: [[e.step, e.sample_rate, e.length_frames, e.content_type, digest(e.encoded_audio_string)] for e in accumulator.Audio(t)]
        for t in tags["audio"]
    },
    "histograms": {
        t: [[e.step, h.min, h.max, h.num, h.sum, h.sum_squares, len(h.bucket), sum(h.bucket)] for e in accumulator.Histograms(t) for h in [e.histogram_value]]
        for t in tags["histograms"]
    },
    "texts": {},
    "hparams": {},
}
for tag in tags["tensors"]:
    plugin = accumulator.SummaryMetadata(tag).plugin_data
    if plugin.plugin_name == "text":
        result["texts"][tag] = [[e.step, [s.decode() for s in e.tensor_proto.string_val]] for e in accumulator.Tensors(tag)]
    if plugin.plugin_name == metadata.PLUGIN_NAME:
        data = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
        kind = data.WhichOneof("data")
        result["hparams"][tag] = {"version": data.version, "kind": kind}
        if kind == "session_start_info":
            values = data.session_start_info.hparams
            result["hparams"][tag]["values"] = {k: getattr(v, v.WhichOneof("kind")) for k, v in sorted(values.items())}
        if kind == "session_end_info":
            result["hparams"][tag]["status"] = data.session_end_info.status
json.dump(result, sys.stdout, indent=1)
print()
