"""Rendered faces: give the neutral picture an expression; the exact truth is known."""

from eval.benchmark import Benchmark, Editing, View, same
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="edit_puppets",
    title="Puppets, neutral to seven expressions",
    version=1,
    dataset="puppets",
    split="test",
    task=Editing(
        view=View("neutral", "emotion", same(EMOTIONS)),
        truth="image",
        person="identity",
        sources="sources",
        intensity="intensity",
        strengths=(0.25, 0.5, 0.75, 1.0),
        swept=140,
    ),
    protocol=(
        "The neutral picture of 1,200 rendered faces of people who are in no training picture, aligned already, edited "
        "to the row's expression at its intensity; the truth is the exact picture with it, same light and pose. Rows "
        "of class neutral ask that nothing change. Scores are plain means over the seven expressions. The "
        "first 140 faces with an expression are also edited at four strengths. Intervals are over identities; blends "
        "share source photographs, so they are somewhat too narrow. KID compares with the truths of other rows. The "
        "faces are rendered: what is near the truth here need not look real on photographs."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="DeBruine, Jones 2017, Face Research Lab London Set; faces rendered by this project",
    doi="10.6084/m9.figshare.5047666.v5",
)
