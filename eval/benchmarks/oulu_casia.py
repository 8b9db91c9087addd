"""Oulu-CASIA: posed expressions under strong visible light, six classes, ten folds without a person in two."""

from eval.benchmark import Annotations, Benchmark, Card, Frames, Holds, Reported
from eval.classes import FOLDED, SIX, SIX_ALONE, naming

PAPER = "Facial expression recognition from near-infrared videos"

BENCHMARK = Benchmark(
    name="oulu_casia",
    title="Oulu-CASIA, visible light, strong, 6 classes, last three frames",
    version=1,
    dataset="oulu_casia",
    split="test",
    train_split="test",
    task=naming(SIX),
    protocol=(
        "The last three frames of the 480 sequences of 80 people under strong visible light: 1,440 pictures, 240 of "
        f"each of six expressions. {SIX_ALONE} The largest face is found and aligned; a missed face counts as an "
        f"error. {FOLDED}"
    ),
    licence="research by request, no redistribution",
    source="University of Oulu, Center for Machine Vision and Signal Analysis",
    citation=f"Zhao, Huang, Taini, Li, Pietikäinen 2011, {PAPER}",
    doi="10.1016/j.imavis.2011.07.002",
    reported=(
        Reported(
            "FN2EN",
            87.71,
            "Oulu-CASIA, 6 classes, trained on the other folds",
            "FaceNet2ExpNet: Regularizing a Deep Face Recognition Net for Expression Recognition",
            arxiv="1609.06591",
        ),
    ),
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Ask the University of Oulu (oulu.fi/cmvs).",
        layout="Read are its own folders below OriginalImg: VL/Strong/P001/Anger/000.jpeg.",
        path=r"VL/Strong/(?P<subject>P\d{3})/(?P<sequence>(?P<label>[A-Za-z]+))/(?P<frame>\d+)\.",
        frames=Frames.LAST_THREE,
        folds=10,
    ),
    holds=Holds(by_label={e: 240 for e in SIX}, subjects=80),
    also_called=("Oulu-CASIA",),
)
