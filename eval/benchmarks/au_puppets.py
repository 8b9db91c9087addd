"""Rendered faces: how strongly is each Action Unit at work? The strengths are known exactly."""

from eval.benchmark import ActionUnitReading, Against, Benchmark, View, same
from fer.types import EMOTIONS, Framing

BENCHMARK = Benchmark(
    name="au_puppets",
    title="Puppets, strengths of 23 Action Units",
    version=1,
    dataset="puppets",
    split="test",
    task=ActionUnitReading(
        views=(View("image", "emotion", same(EMOTIONS)),),
        against=Against.TRUTH,
        framing=Framing.ALIGNED,
        person="identity",
        truth="au",
    ),
    protocol=(
        "1,200 rendered faces of people who are in no training picture, aligned already; the truth is the strength, "
        "0 to 1, with which each Action Unit was drawn, the mean of both sides. ICC(3,1) (two-way mixed, single, "
        "consistency) and mean absolute error, plain means over the Action Units. The faces show the eight classes: "
        "AU18 and AU28 are only there as faint extras below 0.2, and almost nothing can agree on these; the means over "
        "the Action Units that at least ten faces show at 0.2 or more stand beside. Intervals are over identities; "
        "blends share source photographs, so they are somewhat too narrow. The faces are rendered: a high agreement "
        "here is not one on photographs."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="DeBruine, Jones 2017, Face Research Lab London Set; faces rendered by this project",
    doi="10.6084/m9.figshare.5047666.v5",
)
