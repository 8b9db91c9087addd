"""JAFFE: ten women, posed, seven classes, one person left out at a time."""

from eval.benchmark import Annotations, Benchmark, Card, Holds
from eval.classes import FOLDED, SEVEN, SEVEN_ALONE, naming
from fer.types import Emotion

PAPER = "Coding facial expressions with Gabor wavelets"

BENCHMARK = Benchmark(
    name="jaffe",
    title="JAFFE, 7 classes",
    version=1,
    dataset="jaffe",
    split="test",
    train_split="test",
    task=naming(SEVEN),
    protocol=(
        f"All 213 grey pictures of ten women, seven classes; ten folds are one person each. {SEVEN_ALONE} The "
        f"largest face is found and aligned; a missed face counts as an error. {FOLDED}"
    ),
    licence="non-commercial research, citation required, no redistribution",
    source="zenodo.org/records/3451524",
    citation=f"Lyons, Akamatsu, Kamachi, Gyoba 1998, {PAPER}",
    doi="10.1109/AFGR.1998.670949",
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Ask for access at zenodo.org/records/3451524.",
        layout="Read are its own files: KA.AN1.39.tiff.",
        labels={
            "AN": Emotion.ANGER,
            "DI": Emotion.DISGUST,
            "FE": Emotion.FEAR,
            "HA": Emotion.HAPPINESS,
            "NE": Emotion.NEUTRAL,
            "SA": Emotion.SADNESS,
            "SU": Emotion.SURPRISE,
        },
        path=r"(?P<subject>[A-Z]{2})\.(?P<label>AN|DI|FE|HA|NE|SA|SU)\d\.\d+\.",
        folds=10,
    ),
    holds=Holds(pictures=213, subjects=10),
    also_called=("JAFFE",),
)
