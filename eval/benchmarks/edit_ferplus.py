"""FER+ test faces: give each another expression; no truth is known."""

from eval.benchmark import Benchmark, Editing, View, same
from fer.types import EMOTIONS

NOT_SCORED = ("unknown", "not_face", "no_majority")

BENCHMARK = Benchmark(
    name="edit_ferplus",
    title="FER+ test, to another expression",
    version=1,
    dataset="ferplus",
    split="test",
    task=Editing(view=View("image", "label", {**same(EMOTIONS), **dict.fromkeys(NOT_SCORED, None)})),
    protocol=(
        "FER+ test pictures with a majority label among the eight expressions: 3,153 grey faces of 48 px, brought "
        "into the canonical square at 128 px, each edited to one full expression: by the row's number, in turn, one of "
        "the seven that its label is not. There is no truth. Neutral faces are also edited to no expression, and "
        "nothing may change. Scores are plain means over the seven targets; KID compares with the unedited test faces "
        "labelled as the target. Every picture is taken for a person of its own; intervals are over pictures."
    ),
    licence="labels MIT; pictures: ICML 2013 challenge, research use",
    source="github.com/microsoft/FERPlus",
    citation=(
        "Barsoum, Zhang, Canton Ferrer, Zhang 2016, Training Deep Networks for Facial Expression Recognition with "
        "Crowd-Sourced Label Distribution"
    ),
    arxiv="1608.01041",
    doi="10.1145/2993148.2993165",
)
