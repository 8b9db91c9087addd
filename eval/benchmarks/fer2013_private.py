"""FER2013: the private test set of the challenge, whole."""

from eval.benchmark import Benchmark, Card, Holds
from eval.benchmarks.fer2013 import BENCHMARK as RECOVERED
from eval.classes import SEVEN, naming
from fer.types import Emotion, Framing

LABELS = {  # of fer2013.csv; a copy in which they stand in another order has other counts
    "0": Emotion.ANGER,
    "1": Emotion.DISGUST,
    "2": Emotion.FEAR,
    "3": Emotion.HAPPINESS,
    "4": Emotion.SADNESS,
    "5": Emotion.SURPRISE,
    "6": Emotion.NEUTRAL,
}

BENCHMARK = Benchmark(
    name="fer2013_private",
    title="FER2013 PrivateTest, 7 classes, all 3,589 images",
    version=1,
    dataset="fer2013_private",
    split="test",
    task=naming(SEVEN, Framing.TIGHT),
    protocol=(
        "The whole PrivateTest part of FER2013 with its original labels: 3,589 pictures of 48 x 48. FER2013 has no "
        "contempt: the model's probability of contempt is dropped and the other seven are renormalised. Pictures go to "
        "the model as they are."
    ),
    licence=RECOVERED.licence,
    source="Challenges in Representation Learning, ICML 2013",
    citation=RECOVERED.citation,
    arxiv=RECOVERED.arxiv,
    reported=RECOVERED.reported,
    card=Card(
        obtain=(
            "Accept the terms of the challenge on Kaggle (challenges-in-representation-learning-facial-expression-"
            "recognition-challenge)."
        ),
        layout="Read are folders SPLIT/LABEL/*.png, or any copy on the Hub with three splits.",
        labels=LABELS,
        splits={
            "train": "train",
            "Training": "train",
            "valid": "validation",
            "validation": "validation",
            "publicTest": "validation",
            "PublicTest": "validation",
            "test": "test",
            "privateTest": "test",
            "PrivateTest": "test",
        },
        hub=("AutumnQiu/fer2013", "Aaryan333/fer2013_train_publicTest_privateTest"),
    ),
    holds=Holds(
        pictures=3589,
        by_label={
            Emotion.NEUTRAL: 626,
            Emotion.HAPPINESS: 879,
            Emotion.SURPRISE: 416,
            Emotion.SADNESS: 594,
            Emotion.ANGER: 491,
            Emotion.DISGUST: 55,
            Emotion.FEAR: 528,
        },
    ),
    also_called=RECOVERED.also_called,
)
