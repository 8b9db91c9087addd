"""Which of the eight expressions a dataset's labels are, and words that several protocols say of them."""

from __future__ import annotations

from eval.tasks import Recognition, View, same
from fer.types import EMOTIONS, Emotion, Framing

SEVEN = tuple(e for e in EMOTIONS if e is not Emotion.CONTEMPT)
SIX = tuple(e for e in SEVEN if e is not Emotion.NEUTRAL)
SEVEN_ALONE = "The model's probability of contempt is dropped and the other seven are renormalised."
SIX_ALONE = "The model's probabilities of neutral and contempt are dropped and the other six are renormalised."
FOLDED = (
    "Subject-independent ten folds: subjects sorted by their id are dealt in turn. A model that was not trained on "
    "this dataset is scored as it is on all folds together (cross-dataset); mean and standard deviation over the folds "
    "stand beside, and intervals draw people. That is not the score of ten trainings that papers report. There is no "
    "train split: majority answers with the frequencies of these very pictures."
)


def naming(classes: tuple[Emotion, ...], framing: Framing = Framing.ALIGNED) -> Recognition:
    """Name which of ``classes`` a picture shows, by columns "image" and "label" in our names; others are not scored."""
    labels = same(EMOTIONS) | {str(e): None for e in EMOTIONS if e not in classes}
    return Recognition(framing, (View("image", "label", labels),), classes)
