"""News photographs: is it the same person, once neutral and once smiling?"""

from eval.benchmark import Benchmark, Negatives, Verification, View
from fer.types import EMOTIONS, Emotion

LABELS = {str(e): e if e in (Emotion.NEUTRAL, Emotion.HAPPINESS) else None for e in EMOTIONS}

BENCHMARK = Benchmark(
    name="lfw_verification",
    title="LFW smiles, same person neutral and smiling",
    version=1,
    dataset="lfw_smiles",
    split="test",
    task=Verification(
        view=View("image", "label", LABELS),
        person="subject",
        detect=True,
        negatives=Negatives.OTHER_LABEL,
    ),
    protocol=(
        "Grey news photographs of people who are in no training picture. Positive: one person, one neutral and one "
        "smiling photograph. Negative: two people, one neutral and one smiling. The largest face is found and aligned; "
        "a picture without a found face is counted and enters no pair. Intervals are over people. The embedder of "
        "facenet-pytorch (InceptionResnetV1) is not entered: its weights need a download of their own."
    ),
    licence="labels Apache-2.0 (muxspace/facial_expressions); pictures: Labeled Faces in the Wild, research use",
    source="github.com/muxspace/facial_expressions",
    citation="Learned-Miller, Huang, RoyChowdhury, Li, Hua 2016, Labeled Faces in the Wild: A Survey",
    doi="10.1007/978-3-319-25958-1_8",
)
