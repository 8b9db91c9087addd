"""CK+ with neutral: the first frames of the labelled sequences beside the last three."""

from dataclasses import replace

from eval.benchmark import Holds, Recognition, Reported, View, same
from eval.benchmarks.ck_plus_7 import BENCHMARK as SEVEN
from eval.benchmarks.ck_plus_7 import LAST
from eval.classes import FOLDED
from fer.types import EMOTIONS, Emotion, Framing

BENCHMARK = replace(
    SEVEN,
    name="ck_plus_8",
    title="CK+, 8 classes, first and last three frames",
    task=Recognition(Framing.ALIGNED, (View("image", "label", same(EMOTIONS)),), classes=EMOTIONS),
    protocol=(
        "The last three frames of each of the 327 labelled sequences, and its first frame as neutral: 1,308 pictures "
        "of eight classes. The largest face is found and aligned; a missed face counts as an error. Copies that hold "
        "the last frames alone are refused. " + FOLDED
    ),
    reported=(
        Reported(
            "FN2EN",
            96.8,
            "CK+, 8 classes, trained on the other folds",
            "FaceNet2ExpNet: Regularizing a Deep Face Recognition Net for Expression Recognition",
            arxiv="1609.06591",
        ),
    ),
    holds=Holds(by_label=LAST | {Emotion.NEUTRAL: 327}),
)
