"""Rendered faces: move the muscles of the neutral picture to exact strengths; the exact truth is known."""

from eval.benchmark import ActionUnitEditing, Benchmark, View, same
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="edit_au_puppets",
    title="Puppets, neutral to exact strengths of 23 Action Units",
    version=1,
    dataset="puppets",
    split="test",
    task=ActionUnitEditing(
        view=View("neutral", "emotion", same(EMOTIONS)),
        truth="image",
        person="identity",
        sources="sources",
        units="au",
        flow="flow",
        single=0.8,
    ),
    protocol=(
        "The neutral picture of 1,200 rendered faces of people who are in no training picture, aligned already, edited "
        "to the strengths of 23 Action Units with which the row was drawn; the truth is the exact picture with them, "
        "same light and pose. Error and ICC(3,1) are between the strengths that the reader au, from which no editor "
        "learns, reads from the edited picture and the asked ones, over all faces; the same from the true picture is "
        "the ceiling, from the unedited one the floor. The reader is no ruler: some Action Units it reads poorly, and "
        "its own agreement on the true pictures stands beside each. Both sides of a face are asked for their mean. "
        "Distances are plain means over the seven expressions. Every face is also asked for one Action Unit alone at "
        "0.8, each in turn by the number of the row (52 or 53 faces each), reached where it is read within 0.15; and "
        "for none, which must change nothing. Intervals are over identities; blends share source photographs, so they "
        "are somewhat too narrow. Editor and reader both learnt from rendered faces: what agrees here need not on "
        "photographs."
    ),
    licence="photographs behind the renderings: CC-BY 4.0 (London Set, Young Adult White Faces), 3DSK educational use",
    source="rendered from 57 photographs of the test people with the ICT face model (MIT)",
    citation="DeBruine, Jones 2017, Face Research Lab London Set; faces rendered by this project",
    doi="10.6084/m9.figshare.5047666.v5",
)
