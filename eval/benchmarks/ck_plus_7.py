"""CK+: posed expressions in the laboratory, seven classes, ten folds without a person in two."""

from eval.benchmark import Annotations, Benchmark, Card, Frames, Holds, Recognition, Reported, View, same
from eval.classes import FOLDED
from fer.types import EMOTIONS, Emotion, Framing

PAPER = "The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and emotion-specified expression"
LAST = {  # three pictures of each of 327 labelled sequences
    Emotion.ANGER: 135,
    Emotion.CONTEMPT: 54,
    Emotion.DISGUST: 177,
    Emotion.FEAR: 75,
    Emotion.HAPPINESS: 207,
    Emotion.SADNESS: 84,
    Emotion.SURPRISE: 249,
}

BENCHMARK = Benchmark(
    name="ck_plus_7",
    title="CK+, 7 classes, last three frames",
    version=1,
    dataset="ck_plus",
    split="test",
    train_split="test",
    task=Recognition(
        Framing.ALIGNED,
        (View("image", "label", same(EMOTIONS) | {Emotion.NEUTRAL: None}),),
        classes=tuple(e for e in EMOTIONS if e is not Emotion.NEUTRAL),
    ),
    protocol=(
        "The last three frames of each of the 327 labelled sequences: 981 pictures of anger, contempt, disgust, fear, "
        "happiness, sadness and surprise. The model's probability of neutral is dropped and the other seven are "
        "renormalised. The largest face is found and aligned; a missed face counts as an error. " + FOLDED
    ),
    licence="research by request, no redistribution",
    source="jeffcohn.net/Resources",
    citation=f"Lucey, Cohn, Kanade, Saragih, Ambadar, Matthews 2010, {PAPER}",
    doi="10.1109/CVPRW.2010.5543262",
    reported=(
        Reported(
            "DeRL",
            97.30,
            "CK+, 7 classes, 10 folds by subject, trained on nine of them",
            "Facial Expression Recognition by De-expression Residue Learning",
            doi="10.1109/CVPR.2018.00231",
        ),
    ),
    annotations=Annotations(person="subject", fold="fold"),
    card=Card(
        obtain="Ask the owners at jeffcohn.net/Resources.",
        layout=(
            "Read are its own folders (cohn-kanade-images and Emotion side by side), or folders "
            "LABEL/S010_004_00000017.png."
        ),
        labels={
            "0": Emotion.NEUTRAL,
            "1": Emotion.ANGER,
            "2": Emotion.CONTEMPT,
            "3": Emotion.DISGUST,
            "4": Emotion.FEAR,
            "5": Emotion.HAPPINESS,
            "6": Emotion.SADNESS,
            "7": Emotion.SURPRISE,
        },
        path=r"(?P<subject>S\d{3})_(?P<sequence>\d{3})_(?P<frame>\d{8})",
        label_file="Emotion/{subject}/{sequence}/*_emotion.txt",
        frames=Frames.LAST_THREE,
        folds=10,
        hub=("AlirezaF138/ckplus-dataset",),
    ),
    holds=Holds(by_label=LAST),
    also_called=("CK+",),
)
