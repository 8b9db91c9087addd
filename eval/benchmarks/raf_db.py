"""RAF-DB: seven basic expressions in photographs from the web, official split."""

from eval.benchmark import Benchmark, Card, Holds, Reported
from eval.classes import SEVEN, SEVEN_ALONE, naming
from fer.types import Emotion

PAPER = "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild"

BENCHMARK = Benchmark(
    name="raf_db",
    title="RAF-DB basic, official test split, 7 classes",
    version=1,
    dataset="raf_db",
    split="test",
    task=naming(SEVEN),
    protocol=(
        "The 3,068 aligned pictures of the official test split of the basic expressions. The largest face is found "
        f"and aligned; a missed face counts as an error. {SEVEN_ALONE} UAR is what some papers call mean class "
        "accuracy."
    ),
    licence="non-commercial research, by request, no redistribution",
    source="whdeng.cn/RAF/model1.html",
    citation=f"Li, Deng, Du 2017, {PAPER}",
    doi="10.1109/CVPR.2017.277",
    reported=(
        Reported(
            "AUE-CRL",
            81.0,
            "RAF-DB test, 7 classes, mean class accuracy",
            "AU-Expression Knowledge Constrained Representation Learning for Facial Expression Recognition",
            arxiv="2012.14587",
        ),
    ),
    card=Card(
        obtain="Ask the owners at whdeng.cn/RAF/model1.html, with an address of a university or institute.",
        layout=(
            "Read are its own files (the folder `basic`: Image/aligned and EmoLabel/list_patition_label.txt), or "
            "folders train|test/LABEL/*.jpg."
        ),
        labels={
            "1": Emotion.SURPRISE,
            "2": Emotion.FEAR,
            "3": Emotion.DISGUST,
            "4": Emotion.HAPPINESS,
            "5": Emotion.SADNESS,
            "6": Emotion.ANGER,
            "7": Emotion.NEUTRAL,
        },
        splits={"train": "train", "test": "test"},
        # of its own files those that are aligned; Image/original holds the same pictures again
        path=r"^(?!(?:.*/)?original/)(?:.*/)?(?:(?P<name>(?P<split>train|test)_\d+)[^/]*|(?:train|test)/[^/]+/[^/]+)$",
        label_list="EmoLabel/list_patition_label.txt",
        hub=("deanngkl/raf-db-7emotions", "Mat303/raf-db-tcc"),
    ),
    holds=Holds(
        pictures=3068,
        by_label={
            Emotion.NEUTRAL: 680,
            Emotion.HAPPINESS: 1185,
            Emotion.SURPRISE: 329,
            Emotion.SADNESS: 478,
            Emotion.ANGER: 162,
            Emotion.DISGUST: 160,
            Emotion.FEAR: 74,
        },
    ),
    also_called=("RAF-DB",),
)
