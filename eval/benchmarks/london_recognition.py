"""Face Research Lab London Set: the same people neutral and smiling, in the studio."""

from eval.benchmark import Annotations, Attribute, Benchmark, Recognition, View
from fer.types import EMOTIONS, Emotion, Framing

BENCHMARK = Benchmark(
    name="london_recognition",
    title="London Set, neutral and smiling",
    version=1,
    dataset="london",
    split="test",
    task=Recognition(
        framing=Framing.ALIGNED,
        views=(View("neutral", constant=Emotion.NEUTRAL), View("smiling", constant=Emotion.HAPPINESS)),
        classes=EMOTIONS,
    ),
    protocol=(
        "Colour studio portraits, one neutral and one smiling of each of the 27 test people: 54 pictures. The largest "
        "face is found and aligned; a missed face counts as an error. The most probable of all eight expressions must "
        "be right."
    ),
    licence="CC-BY 4.0",
    source="Face Research Lab London Set, version 5",
    citation="DeBruine, Jones 2017, Face Research Lab London Set",
    doi="10.6084/m9.figshare.5047666.v5",
    annotations=Annotations(
        # Thirds of the ages in the train split, rounded; gender and ethnicity as the person stated them.
        attributes=(Attribute("age", limits=(24, 29)), Attribute("gender"), Attribute("ethnicity")),
    ),
    also_called=("London", "London Set"),
)
