"""MMI: posed expressions that come and go, six classes, ten folds without a person in two."""

from eval.benchmark import Annotations, Benchmark, Card, Frames, Holds, Reported
from eval.classes import FOLDED, SIX, SIX_ALONE, naming

PAPER = "Web-based database for facial expression analysis"

BENCHMARK = Benchmark(
    name="mmi",
    title="MMI, 6 classes, three frames in the middle",
    version=1,
    dataset="mmi",
    split="test",
    train_split="test",
    task=naming(SIX),
    protocol=(
        "The three middle frames of each frontal sequence labelled with one of six expressions. Papers use 205 or 208 "
        "sequences of 30 or 31 people, so the number of pictures is not checked, but told: compare results of one "
        f"revision only. {SIX_ALONE} The largest face is found and aligned; a missed face counts as an error. {FOLDED}"
    ),
    licence="research by signed agreement, no redistribution",
    source="mmifacedb.eu",
    citation=f"Pantic, Valstar, Rademaker, Maat 2005, {PAPER}",
    doi="10.1109/ICME.2005.1521424",
    reported=(
        Reported(
            "DeRL",
            73.23,
            "MMI, 6 classes, 10 folds by subject, trained on nine of them",
            "Facial Expression Recognition by De-expression Residue Learning",
            doi="10.1109/CVPR.2018.00231",
        ),
    ),
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Register at mmifacedb.eu and sign the agreement.",
        layout=(
            "Its labels lie in files beside videos: cut the frontal sequences into frames and list them in "
            "manifest.csv (path, label, subject, sequence, frame)."
        ),
        frames=Frames.MIDDLE_THREE,
        folds=10,
    ),
    holds=Holds(),
    also_called=("MMI",),
)
