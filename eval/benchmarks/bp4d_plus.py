"""BP4D+: spontaneous expressions in tasks that were meant to bring them about, ten folds without a person in two."""

from eval.benchmark import Annotations, Benchmark, Card, Holds, Recognition, View, same
from eval.classes import FOLDED
from fer.types import EMOTIONS, Framing

PAPER = "Multimodal spontaneous emotion corpus for human behavior analysis"

BENCHMARK = Benchmark(
    name="bp4d_plus",
    title="BP4D+, frames and classes as the user lists them",
    version=1,
    dataset="bp4d_plus",
    split="test",
    train_split="test",
    task=Recognition(Framing.ALIGNED, (View("image", "label", same(EMOTIONS)),), classes=EMOTIONS),
    protocol=(
        "The dataset labels tasks and Action Units, not expressions, and papers choose frames and classes in ways that "
        "could not be found out. So the user lists frames and labels, and neither is checked: results of one revision "
        "are comparable with each other, and with no published score. The largest face is found and aligned; a missed "
        f"face counts as an error. All eight expressions compete. {FOLDED}"
    ),
    licence="research by agreement with Binghamton University, no redistribution",
    source="Binghamton University, 3DFE_Analysis",
    citation=f"Zhang, Girard, Wu, Zhang, Liu, Ciftci and others 2016, {PAPER}",
    doi="10.1109/CVPR.2016.374",
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Sign the agreement with Binghamton University (its page 3DFE_Analysis).",
        layout="List the chosen frames in manifest.csv (path, label, subject, sequence, frame).",
        folds=10,
    ),
    holds=Holds(),
    also_called=("BP4D+",),
)
