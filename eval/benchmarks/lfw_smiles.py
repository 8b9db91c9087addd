"""Smiles in news photographs: neutral against happiness, while all eight expressions compete."""

from eval.benchmark import Benchmark, Recognition, View
from fer.types import EMOTIONS, Emotion, Framing

# The other six labels have 35 test pictures together, 2 to 22 each: too few to score.
LABELS = {str(e): e if e in (Emotion.NEUTRAL, Emotion.HAPPINESS) else None for e in EMOTIONS}

BENCHMARK = Benchmark(
    name="lfw_smiles",
    title="LFW smiles, news photographs",
    version=1,
    dataset="lfw_smiles",
    split="test",
    task=Recognition(
        framing=Framing.ALIGNED,
        views=(View("image", "label", LABELS),),
        classes=EMOTIONS,
    ),
    protocol=(
        "Grey news photographs of people who are in no training picture, labelled neutral or happiness; the other "
        "labels are not scored. The largest face is found and aligned; a missed face counts as an error. The most "
        "probable of all eight expressions must be right."
    ),
    licence="labels Apache-2.0 (muxspace/facial_expressions); pictures: Labeled Faces in the Wild, research use",
    source="github.com/muxspace/facial_expressions",
    citation="Learned-Miller, Huang, RoyChowdhury, Li, Hua 2016, Labeled Faces in the Wild: A Survey",
    doi="10.1007/978-3-319-25958-1_8",
    also_called=("LFW", "Labeled Faces in the Wild"),
)
