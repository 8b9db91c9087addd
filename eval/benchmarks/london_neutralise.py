"""Face Research Lab London Set: take the smile off, with the same person's neutral photograph as the truth."""

from eval.benchmark import Benchmark, Neutralisation, View
from fer.types import Emotion

BENCHMARK = Benchmark(
    name="london_neutralise",
    title="London Set, real smiles to neutral",
    version=1,
    dataset="london",
    split="test",
    task=Neutralisation(
        view=View("smiling", constant=Emotion.HAPPINESS),
        truth="neutral",
        person="subject",
        detect=True,
    ),
    protocol=(
        "The smiling photograph of each of the 27 test people, largest face found and aligned; the truth is the real "
        "neutral photograph of the same person, brought into the smiling crop's frame by eyes and nose tip. The two "
        "photographs differ in light and head position too, so a perfect answer does not reach zero. A face that is "
        "missed in either photograph is counted and not scored."
    ),
    licence="CC-BY 4.0",
    source="Face Research Lab London Set, version 5",
    citation="DeBruine, Jones 2017, Face Research Lab London Set",
    doi="10.6084/m9.figshare.5047666.v5",
)
