"""BU-3DFE: posed expressions as frontal textures, six classes, ten folds without a person in two."""

from eval.benchmark import Annotations, Benchmark, Card, Holds
from eval.classes import FOLDED, SIX, SIX_ALONE, naming
from fer.types import Emotion

PAPER = "A 3D facial expression database for facial behavior research"

BENCHMARK = Benchmark(
    name="bu_3dfe",
    title="BU-3DFE, frontal textures, 6 classes, levels 3 and 4",
    version=1,
    dataset="bu_3dfe",
    split="test",
    train_split="test",
    task=naming(SIX),
    protocol=(
        "The frontal textures of 100 people at the two highest of four levels: 1,200 pictures, 200 of each of six "
        f"expressions. {SIX_ALONE} The largest face is found and aligned; a missed face counts as an error. {FOLDED}"
    ),
    licence="research by agreement with Binghamton University, no redistribution",
    source="Binghamton University, 3DFE_Analysis",
    citation=f"Yin, Wei, Sun, Wang, Rosato 2006, {PAPER}",
    doi="10.1109/FGR.2006.6",
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Sign the agreement with Binghamton University (its page 3DFE_Analysis).",
        layout="Read are its own folders: F0001/F0001_AN03WH_F2D.bmp.",
        labels={
            "AN": Emotion.ANGER,
            "DI": Emotion.DISGUST,
            "FE": Emotion.FEAR,
            "HA": Emotion.HAPPINESS,
            "SA": Emotion.SADNESS,
            "SU": Emotion.SURPRISE,
        },
        path=r"(?P<subject>[FM]\d{4})_(?P<label>AN|DI|FE|HA|SA|SU)0[34]\w\w_F2D\.",
        folds=10,
    ),
    holds=Holds(by_label={e: 200 for e in SIX}, subjects=100),
    also_called=("BU-3DFE",),
)
