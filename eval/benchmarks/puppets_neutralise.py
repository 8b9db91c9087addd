"""Rendered faces with any expression: remove it; the exact neutral picture is known."""

from eval.benchmark import Benchmark, Neutralisation, View, same
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="puppets_neutralise",
    title="Puppets, seven expressions to neutral",
    version=1,
    dataset="puppets",
    split="test",
    task=Neutralisation(
        view=View("image", "emotion", same(EMOTIONS)),
        truth="neutral",
        person="identity",
        detect=False,
        sources="sources",
        intensity="intensity",
        thirds=(0.533, 0.767),
        landmarks=("landmarks68", "neutral_landmarks68"),
    ),
    protocol=(
        "1,200 rendered faces of people who are in no training picture, aligned already; the truth is the exact "
        "neutral picture of the same person, same light and pose. Scores are plain means over the seven expressions, "
        "without the rows of class neutral. Intervals are over identities; blends share source photographs, so they "
        "are somewhat too narrow. The faces are rendered: a low error here is not one on photographs."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="DeBruine, Jones 2017, Face Research Lab London Set; faces rendered by this project",
    doi="10.6084/m9.figshare.5047666.v5",
)
