"""FER2013: the seven original labels on the pictures of the private test set that could be matched."""

from eval.benchmark import Benchmark, Recognition, Reported, View
from eval.classes import SEVEN
from fer.types import Emotion, Framing

PAPER = "Challenges in Representation Learning: A report on three machine learning contests"
LABELS = {
    "angry": Emotion.ANGER,
    "disgust": Emotion.DISGUST,
    "fear": Emotion.FEAR,
    "happy": Emotion.HAPPINESS,
    "sad": Emotion.SADNESS,
    "surprise": Emotion.SURPRISE,
    "neutral": Emotion.NEUTRAL,
    "unmatched": None,
}

BENCHMARK = Benchmark(
    name="fer2013",
    title="FER2013 PrivateTest, 7 classes, 3,554 of 3,589 images",
    version=1,
    dataset="ferplus",
    split="test",
    task=Recognition(
        framing=Framing.TIGHT,
        views=(View("image", "fer2013_label", LABELS),),
        classes=SEVEN,
    ),
    protocol=(
        "FER2013 PrivateTest, 3,554 of 3,589 images: 15 that FER+ calls not a face and 20 whose original label could "
        "not be recovered are absent. FER2013 has no contempt: the model's probability of contempt is dropped and the "
        "other seven are renormalised. Pictures go to the model as they are (48 x 48)."
    ),
    licence="ICML 2013 challenge, research use",
    source="Challenges in Representation Learning, ICML 2013; pictures as kept with FER+",
    citation=f"Goodfellow et al. 2013, {PAPER}",
    arxiv="1307.0414",
    reported=(
        Reported("people, 65 +- 5", 65.0, "FER2013 images shown to people", PAPER, arxiv="1307.0414"),
        Reported(
            "Residual Masking Network, one model",
            74.14,
            "FER2013 PrivateTest, all 3,589 images",
            "Facial Expression Recognition Using Residual Masking Network",
            arxiv="2603.05937",
        ),
    ),
    also_called=("FER2013", "FER+", "ferplus"),
)
