"""Face Research Lab London Set: does a smile raise the lip corners over the same person's neutral photograph?"""

from eval.benchmark import ActionUnitReading, Against, Benchmark, View
from fer.types import Emotion, Framing

BENCHMARK = Benchmark(
    name="au_london",
    title="London Set, AU12 of real smiles over neutral",
    version=1,
    dataset="london",
    split="test",
    task=ActionUnitReading(
        views=(View("neutral", constant=Emotion.NEUTRAL), View("smiling", constant=Emotion.HAPPINESS)),
        against=Against.CALM,
        framing=Framing.ALIGNED,
        detect=True,
        person="subject",
        raised="AU12",
    ),
    protocol=(
        "The neutral and the smiling photograph of each of the 27 test people, largest face found and aligned. Raised: "
        "the share of people whose AU12 (lip corners up) is read higher in the smile; rise: the mean difference. "
        "People of whom a face is missed are counted and left out. No strengths were labelled: this asks for the "
        "direction alone, and posed smiles are the easiest expression there is. Intervals are over people."
    ),
    licence="CC-BY 4.0",
    source="Face Research Lab London Set, version 5",
    citation="DeBruine, Jones 2017, Face Research Lab London Set",
    doi="10.6084/m9.figshare.5047666.v5",
)
