"""FER2013: public and private test sets merged, as many copies have it. Another protocol than PrivateTest."""

from eval.benchmark import Benchmark, Card, Holds
from eval.benchmarks.fer2013_private import BENCHMARK as PRIVATE
from eval.classes import SEVEN, SEVEN_ALONE, naming
from fer.types import Emotion, Framing

BENCHMARK = Benchmark(
    name="fer2013_merged",
    title="FER2013 PublicTest and PrivateTest merged, 7 classes, 7,178 images",
    version=1,
    dataset="fer2013_merged",
    split="test",
    task=naming(SEVEN, Framing.TIGHT),
    protocol=(
        "PublicTest and PrivateTest of FER2013 as one test set of 7,178 pictures, as the folder version on Kaggle "
        "and wds_fer2013 have it. Scores are not comparable with those on PrivateTest: models may have been "
        f"selected on PublicTest. {SEVEN_ALONE} Pictures go to the model as they are."
    ),
    licence=PRIVATE.licence,
    source="clip-benchmark/wds_fer2013 on the Hub, and copies of it",
    citation=PRIVATE.citation,
    arxiv=PRIVATE.arxiv,
    card=Card(
        obtain="A copy of the folder version on Kaggle (train and test, a folder per label), or wds_fer2013.",
        layout="Read are folders train|test/LABEL/*.jpg, or the copy on the Hub.",
        labels={  # of wds_fer2013, by the alphabet; the counts below hold for this order alone
            "0": Emotion.ANGER,
            "1": Emotion.DISGUST,
            "2": Emotion.FEAR,
            "3": Emotion.HAPPINESS,
            "4": Emotion.NEUTRAL,
            "5": Emotion.SADNESS,
            "6": Emotion.SURPRISE,
        },
        splits={"train": "train", "test": "test"},
        hub=("clip-benchmark/wds_fer2013", "mteb/wds_fer2013"),
    ),
    holds=Holds(
        pictures=7178,
        by_label={
            Emotion.NEUTRAL: 1233,
            Emotion.HAPPINESS: 1774,
            Emotion.SURPRISE: 831,
            Emotion.SADNESS: 1247,
            Emotion.ANGER: 958,
            Emotion.DISGUST: 111,
            Emotion.FEAR: 1024,
        },
    ),
    also_called=PRIVATE.also_called,
)
