"""FER+ test faces: do the mean strengths of the expressions follow what is known of them?"""

from eval.benchmark import ActionUnitReading, Against, Benchmark, View, same
from fer.types import EMOTIONS, Emotion, Framing

NOT_SCORED = ("unknown", "not_face", "no_majority", str(Emotion.CONTEMPT))

BENCHMARK = Benchmark(
    name="au_ferplus",
    title="FER+ test, Action Units against what is known of expressions",
    version=1,
    dataset="ferplus",
    split="test",
    task=ActionUnitReading(
        views=(View("image", "label", {**same(EMOTIONS), **dict.fromkeys(NOT_SCORED, None)}),),
        against=Against.KNOWLEDGE,
        framing=Framing.TIGHT,
    ),
    protocol=(
        "FER+ test pictures with a majority label among the eight expressions, but contempt, of which the table says "
        "nothing: 3,137 grey faces of 48 px, given to the model as they are. Spearman's rank correlation between the "
        "mean strength of each of 17 Action Units in each of seven expressions and its part there by the table of "
        "AUE-CRL (primary 2, secondary 1, absent 0), 119 entries together. No strengths were labelled, and the reader "
        "may have been trained with the same table on the train split: this shows whether it follows the table on "
        "other faces, not whether it is right. Intervals are over pictures."
    ),
    licence="labels MIT; pictures: ICML 2013 challenge, research use",
    source="github.com/microsoft/FERPlus; table of Action Units: arXiv 2012.14587",
    citation=(
        "Pu, Chen, Xie, Wu, Lin 2021, AU-Expression Knowledge Constrained Representation Learning for Facial "
        "Expression Recognition"
    ),
    arxiv="2012.14587",
)
