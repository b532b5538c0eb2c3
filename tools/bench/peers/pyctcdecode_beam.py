"""Beam search of pyctcdecode with a KenLM model, the peer of `pnpm bench beam`.

Needs: `pip install pyctcdecode kenlm numpy`. It reads FOLDER/task.json and FOLDER/logProbs.f32, obeys commands on stdin, one per line,
and answers in JSON: `decode` searches all utterances: {"ms": ..., "cpuSeconds": ..., "texts": [...]}; `quit` ends it.
"""

import importlib.metadata
import json
import os
import sys
import time

import numpy as np
from pyctcdecode import build_ctcdecoder

folder = sys.argv[1]
with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
    task = json.load(file)
values = np.fromfile(os.path.join(folder, "logProbs.f32"), dtype=np.float32)
classes = len(task["labels"]) + 1
utterances, at = [], 0
for frames in task["frames"]:
    utterances.append(values[at : at + frames * classes].reshape(frames, classes))
    at += frames * classes
decoder = build_ctcdecoder(
    labels=[*task["labels"], ""],
    kenlm_model_path=task["languageModel"],
    unigrams=task["words"],
    alpha=task["alpha"],
    beta=task["beta"],
    unk_score_offset=task["unknownScore"],
    lm_score_boundary=False,
)
print(json.dumps({"pyctcdecode": importlib.metadata.version("pyctcdecode")}), flush=True)
for command in sys.stdin:
    if command.strip() == "quit":
        print(json.dumps({}), flush=True)
        break
    cpu, start = time.process_time(), time.perf_counter()
    texts = [
        decoder.decode(
            logits,
            beam_width=task["beamWidth"],
            beam_prune_logp=task["beamPruneLogProb"],
            token_min_logp=task["minLogProb"],
        )
        for logits in utterances
    ]
    ms = (time.perf_counter() - start) * 1e3
    print(json.dumps({"ms": ms, "cpuSeconds": time.process_time() - cpu, "texts": texts}), flush=True)
