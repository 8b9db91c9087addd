"""Rendered faces: is it the same person with another expression?"""

from eval.benchmark import Benchmark, Negatives, Verification, View, same
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="puppets_verification",
    title="Puppets, same person under another expression",
    version=1,
    dataset="puppets",
    split="test",
    task=Verification(
        view=View("image", "emotion", same(EMOTIONS)),
        person="identity",
        detect=False,
        negatives=Negatives.ANY,
        sources="sources",
    ),
    protocol=(
        "All pairs of the 1,200 rendered test faces, aligned already. Positive: one identity, two different "
        "expressions. Negative: two identities without a common source photograph. Both pictures of a positive pair "
        "are rendered from the same photographs. Intervals are over identities; blends share source photographs, so "
        "they are somewhat too narrow. The embedder of facenet-pytorch (InceptionResnetV1) is not entered: its weights "
        "need a download of their own."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="DeBruine, Jones 2017, Face Research Lab London Set; faces rendered by this project",
    doi="10.6084/m9.figshare.5047666.v5",
)
