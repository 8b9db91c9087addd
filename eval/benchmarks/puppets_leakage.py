"""Rendered faces: does the code of an expression tell who shows it?"""

from eval.benchmark import Benchmark, Leakage, View, same
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="puppets_leakage",
    title="Puppets, expression and identity read from an expression code",
    version=1,
    dataset="puppets",
    split="test",
    task=Leakage(view=View("image", "emotion", same(EMOTIONS)), person="identity", sources="sources"),
    protocol=(
        "1,200 rendered faces of people who are in no training picture, aligned already, are encoded; linear probes "
        "(multinomial logistic regression on standardised numbers, one penalty for all) read the codes. Expression, "
        "eight classes: fitted to the faces of half of the real people, tested on those of the other half, and the "
        "other way round; blends across the halves are left out. High is good. Identity, as many classes as there are "
        "people with at least four pictures: fitted to every other picture of each, tested on the rest, and the other "
        "way round. Near chance is good: what a probe reads there, the code tells of the person. Chance is what the "
        "best constant answer gets. References are the same probes on the luminance of the face at 32 px and on the "
        "256 features before the last layer of plain; a code of few numbers has less room than they have. Pictures of "
        "one identity are rendered from one photograph, so light and background tell the person too, and a probe that "
        "is not linear may read more. Intervals are over identities."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="Ali, Hughes 2019, Facial Expression Representation Learning by Synthesizing Expression Images",
    arxiv="1912.01456",
)
