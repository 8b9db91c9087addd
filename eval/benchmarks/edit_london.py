"""Face Research Lab London Set: put a smile on, with the same person's smiling photograph as the reference."""

from eval.benchmark import Benchmark, Editing, View
from fer.types import Emotion

BENCHMARK = Benchmark(
    name="edit_london",
    title="London Set, neutral to a real smile",
    version=1,
    dataset="london",
    split="test",
    task=Editing(
        view=View("neutral", constant=Emotion.HAPPINESS),
        truth="smiling",
        person="subject",
        detect=True,
    ),
    protocol=(
        "The neutral photograph of each of the 27 test people, largest face found and aligned, edited to full "
        "happiness; the reference is the real smiling photograph of the same person, brought into the neutral crop's "
        "frame by eyes and nose tip. It is one of many smiles of that person, under other light, so a perfect answer "
        "does not reach zero. A face that is missed in either photograph is counted and not scored."
    ),
    licence="CC-BY 4.0",
    source="Face Research Lab London Set, version 5",
    citation="DeBruine, Jones 2017, Face Research Lab London Set",
    doi="10.6084/m9.figshare.5047666.v5",
)
