"""AffectNet: eight expressions in photographs from the web, the balanced validation set."""

from eval.benchmark import Benchmark, Card, Holds, Recognition, View, same
from fer.types import EMOTIONS, Emotion, Framing

PAPER = "AffectNet: A Database for Facial Expression, Valence, and Arousal Computing in the Wild"
PER_CLASS = 500
CARD = Card(
    obtain="Lab managers and professors ask for it at mohammadmahoor.com/affectnet with a signed licence.",
    layout=(
        "Read are its own files (train_set and val_set, each with images/ID.jpg and annotations/ID_exp.npy), or "
        "folders train|val/LABEL/*.jpg, named by expressions."
    ),
    labels={
        "0": Emotion.NEUTRAL,
        "1": Emotion.HAPPINESS,
        "2": Emotion.SADNESS,
        "3": Emotion.SURPRISE,
        "4": Emotion.FEAR,
        "5": Emotion.DISGUST,
        "6": Emotion.ANGER,
        "7": Emotion.CONTEMPT,
        "8": None,
        "9": None,
        "10": None,
    },
    splits={"train_set": "train", "train": "train", "val_set": "test", "val": "test", "validation": "test"},
    path=r"(?:(?P<split>train_set|val_set)/images/)?(?P<name>[^/]+)\.\w+$",
    label_file="{split}/annotations/{name}_exp.npy",
    hub=("Piro17/affectnethq", "Mauregato/affectnet_short"),
)

BENCHMARK = Benchmark(
    name="affectnet_8",
    title="AffectNet validation, 8 classes",
    version=1,
    dataset="affectnet",
    split="test",
    task=Recognition(Framing.ALIGNED, (View("image", "label", same(EMOTIONS)),), classes=EMOTIONS),
    protocol=(
        "The validation set, 500 pictures of each of the eight expressions; the labels of the test set are not "
        "published. The largest face is found and aligned; a missed face counts as an error. Most published scores "
        "were selected on these very pictures."
    ),
    licence="research by licence agreement, no redistribution",
    source="mohammadmahoor.com/affectnet",
    citation=f"Mollahosseini, Hasani, Mahoor 2017, {PAPER}",
    arxiv="1708.03985",
    doi="10.1109/TAFFC.2017.2740923",
    card=CARD,
    holds=Holds(by_label={e: PER_CLASS for e in EMOTIONS}),
    also_called=("AffectNet",),
)
