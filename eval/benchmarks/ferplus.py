"""FER+: the eight expressions by majority of ten votes."""

from eval.benchmark import Annotations, Benchmark, Recognition, Reported, View, same
from fer.types import EMOTIONS, Framing

PAPER = "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution"

BENCHMARK = Benchmark(
    name="ferplus",
    title="FER+ test, 8 classes",
    version=1,
    dataset="ferplus",
    split="test",
    task=Recognition(
        framing=Framing.TIGHT,
        views=(View("image", "label", same(EMOTIONS) | {"unknown": None, "not_face": None, "no_majority": None}),),
        classes=EMOTIONS,
    ),
    protocol=(
        "FER2013 PrivateTest pictures whose ten FER+ votes have a majority among the eight expressions (votes of 1 "
        "dropped, then more than half of what is left): 3,153 pictures. Pictures go to the model as they are (48 x 48)."
    ),
    licence="labels MIT; pictures: ICML 2013 challenge, research use",
    source="github.com/microsoft/FERPlus",
    citation=f"Barsoum, Zhang, Canton Ferrer, Zhang 2016, {PAPER}",
    arxiv="1608.01041",
    doi="10.1145/2993148.2993165",
    reported=(
        Reported("VGG13, probabilistic label drawing", 84.99, "FER+ test, majority label", PAPER, arxiv="1608.01041"),
    ),
    annotations=Annotations(votes="votes"),
    also_called=("FER2013", "FER+", "ferplus"),
)
