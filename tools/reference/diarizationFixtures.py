"""Error rates of pyannote.metrics, equal error rates of scikit-learn, and speaker clusters of NeMo v1.0.0's own
nmse_clustering.py: packages/asr/test/fixtures/diarization.json.

    pip install "numpy<2" "scikit-learn<1.6" "pyannote.metrics<4"
    git -C NEMO show v1.0.0:nemo/collections/asr/parts/nmse_clustering.py > nmse_clustering.py
    python tools/reference/diarizationFixtures.py nmse_clustering.py packages/asr/test/fixtures/diarization.json
"""

import json
import random
import sys
import types

import numpy as np
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

np.bool = bool  # the file is older than NumPy 1.24
source = open(sys.argv[1]).read()
# Algebraic multigrid is another way to the same vectors, and needs one more library.
source = source.replace("eigen_solver='amg'", "eigen_solver='arpack'").replace("n_jobs=-1,", "")
nmse = types.ModuleType("nmse")
exec(source, nmse.__dict__)

rng = random.Random(7)
numbers = np.random.RandomState(7)


def talk(speakers, length, overlap):
    """Turns of speakers, some of them over the end of the one before."""
    segments, time = [], rng.uniform(0, 1)
    while time < length:
        duration = round(rng.uniform(0.4, 4), 3)
        segments.append((round(time, 3), duration, rng.choice(speakers)))
        time += duration + (rng.uniform(-0.8, 0.8) if rng.random() < overlap else rng.uniform(0, 1))
    return segments


def disturbed(segments, names):
    """What a system might have made of them."""
    result = []
    for start, duration, speaker in segments:
        if rng.random() < 0.1:
            continue
        name = names[speaker] if rng.random() > 0.15 else rng.choice(list(names.values()) + ["extra"])
        result.append((round(max(0, start + rng.uniform(-0.3, 0.3)), 3), round(max(0.1, duration + rng.uniform(-0.4, 0.4)), 3), name))
    return result


def annotation(segments):
    made = Annotation()
    for track, (start, duration, speaker) in enumerate(segments):
        made[Segment(start, start + duration), track] = speaker
    return made.support()


errors = []
for case in range(8):
    speakers = ["ann", "bob", "cyd", "dan"][: 2 + case % 3]
    names = {speaker: f"speaker_{i}" for i, speaker in enumerate(reversed(speakers))}
    reference = talk(speakers, 40, 0.0 if case < 3 else 0.5)
    hypothesis = disturbed(reference, names)
    results = []
    for collar in (0.0, 0.1, 0.25):
        for skip in (False, True):
            metric = DiarizationErrorRate(collar=2 * collar, skip_overlap=skip)
            detail = metric(annotation(reference), annotation(hypothesis), detailed=True)
            results.append({"collar": collar, "ignore_overlap": skip, **{key: detail[key] for key in (
                "total", "correct", "missed detection", "false alarm", "confusion", "diarization error rate")}})
    errors.append({"reference": reference, "hypothesis": hypothesis, "results": results})

rates = []
for case in range(5):
    same = [rng.random() < 0.4 for _ in range(60)]
    scores = [round(rng.gauss(0.6 if s else 0.4, 0.05 + 0.05 * case), 2) for s in same]
    false_rate, true_rate, _ = roc_curve(same, scores, pos_label=1)
    rates.append({"scores": scores, "same": [int(s) for s in same],
                  "eer": brentq(lambda x: 1.0 - x - interp1d(false_rate, true_rate)(x), 0.0, 1.0)})

clusters = []
for speakers, points, spread, oracle in [(2, 30, 0.3, None), (3, 48, 0.4, None), (4, 60, 0.35, None), (1, 24, 0.3, None),
                                        (3, 40, 0.5, 3), (2, 50, 0.6, 2), (5, 75, 0.3, 5), (2, 25, 0.4, None)]:
    centres = numbers.randn(speakers, 8)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    owners = np.sort(numbers.randint(0, speakers, points)) if speakers > 1 else np.zeros(points, int)
    embeddings = np.round(centres[owners] + spread * numbers.randn(points, 8) / np.sqrt(8) * 2, 4)
    labels = nmse.COSclustering("case", embeddings, oracle_num_speakers=oracle, max_num_speaker=8)
    mat = nmse.get_eigen_matrix(embeddings)
    _, _, estimated, _, neighbours = nmse.NMEanalysis(mat, oracle or 8)
    clusters.append({"embeddings": embeddings.tolist(), "oracle": oracle, "labels": [int(x) for x in labels],
                     "estimated": int(estimated), "neighbours": int(neighbours)})

with open(sys.argv[2], "w") as out:
    json.dump({"errors": errors, "rates": rates, "clusters": clusters}, out, separators=(",", ":"))
    out.write("\n")
