"""SFEW 2.0: frames of films, seven classes, validation set."""

from eval.benchmark import Benchmark, Card, Holds, Reported
from eval.classes import SEVEN, SEVEN_ALONE, naming

PAPER = "Static facial expression analysis in tough conditions: Data, evaluation protocol and benchmark"

BENCHMARK = Benchmark(
    name="sfew",
    title="SFEW 2.0 validation, 7 classes",
    version=1,
    dataset="sfew",
    split="test",
    task=naming(SEVEN),
    protocol=(
        f"The 436 pictures of the validation set; the labels of the test set are withheld. {SEVEN_ALONE} The "
        "largest face is found and aligned; a missed face counts as an error."
    ),
    licence="research by signed agreement, no redistribution",
    source="Emotion Recognition in the Wild challenge (EmotiW)",
    citation=f"Dhall, Goecke, Lucey, Gedeon 2011, {PAPER}",
    doi="10.1109/ICCVW.2011.6130508",
    reported=(
        Reported(
            "FN2EN",
            55.15,
            "SFEW validation, 7 classes",
            "FaceNet2ExpNet: Regularizing a Deep Face Recognition Net for Expression Recognition",
            arxiv="1609.06591",
        ),
        Reported(
            "AUE-CRL",
            52.8,
            "SFEW, 7 classes, mean class accuracy",
            "AU-Expression Knowledge Constrained Representation Learning for Facial Expression Recognition",
            arxiv="2012.14587",
        ),
    ),
    card=Card(
        obtain="Sign the agreement of the EmotiW challenge.",
        layout="Read are folders Train|Val/LABEL/*.png; Val_Aligned_Faces, the same pictures again, is left aside.",
        splits={"Train": "train", "Val": "test"},
        path=r"^(?!.*_Aligned_Faces)(?:.*/)?(?:Train|Val)/",
    ),
    holds=Holds(pictures=436),
    also_called=("SFEW",),
)
