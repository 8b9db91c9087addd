"""Face Research Lab London Set: move the muscles of a neutral face as in the same person's real smile."""

from eval.benchmark import ActionUnitEditing, Benchmark, View
from fer.types import Emotion

BENCHMARK = Benchmark(
    name="edit_au_london",
    title="London Set, neutral to the Action Units of a real smile",
    version=1,
    dataset="london",
    split="test",
    task=ActionUnitEditing(
        view=View("neutral", constant=Emotion.HAPPINESS),
        truth="smiling",
        person="subject",
        detect=True,
        raised="AU12",
    ),
    protocol=(
        "The neutral photograph of each of the 27 test people, largest face found and aligned, edited to the strengths "
        "of 23 Action Units that the reader au, from which no editor learns, reads from the real smiling photograph of "
        "the same person, brought into the neutral crop's frame by eyes and nose tip. That photograph is also the "
        "reference: one of many smiles of that person, under other light, so a perfect answer does not reach zero. "
        "No strengths were labelled: the reader both asks and judges, so its errors are followed, not found. Raised: "
        "AU12 (lip corners up) is read higher than in the unedited face. A face that is missed in either photograph is "
        "counted and not scored. Intervals are over people."
    ),
    licence="CC-BY 4.0",
    source="Face Research Lab London Set, version 5",
    citation="DeBruine, Jones 2017, Face Research Lab London Set",
    doi="10.6084/m9.figshare.5047666.v5",
)
