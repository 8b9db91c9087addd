"""Does the residue lie where a recogniser looks? Deletion and insertion on FER+ faces."""

from eval.benchmark import Benchmark, Faithfulness, View, same
from fer.types import EMOTIONS

NOT_SCORED = ("neutral", "unknown", "not_face", "no_majority")
LABELS = {**same(EMOTIONS), **dict.fromkeys(NOT_SCORED, None)}

BENCHMARK = Benchmark(
    name="residue_faithfulness",
    title="Residue against four other maps, 400 FER+ test faces",
    version=1,
    dataset="ferplus",
    split="test",
    task=Faithfulness(
        view=View("image", "label", LABELS),
        faces=400,
        seed=0,
        percents=(0, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
    ),
    protocol=(
        "400 FER+ test faces drawn by a fixed seed among those whose majority label is not neutral and that plain "
        "names rightly, brought into the canonical square. Pixels of the tight crop are ranked by a map: the size of "
        "the removed residue, Grad-CAM or the gradient of plain, contrast (what the blur changes), or chance. Deletion "
        "replaces the first pixels by those of a blurred copy, insertion puts them back into it; the area under the "
        "probability that plain gives to its first answer is low for deletion and high for insertion where the map is "
        "faithful. plain reads every picture, so Grad-CAM and the gradient look into the judge and the residue does "
        "not; contrast knows no expression at all, and a residue that does not beat it shows edges. Intervals are over "
        "faces."
    ),
    licence="labels MIT; pictures: ICML 2013 challenge, research use",
    source="github.com/microsoft/FERPlus",
    citation="Petsiuk, Das, Saenko 2018, RISE: Randomized Input Sampling for Explanation of Black-box Models",
    arxiv="1806.07421",
)
