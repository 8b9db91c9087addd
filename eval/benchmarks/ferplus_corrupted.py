"""FER+ faces that were blurred, darkened, covered, turned, ...: what is left of the accuracy."""

from eval.benchmark import Benchmark, Robustness, View, same
from eval.corruptions import MAGNITUDES
from fer.types import EMOTIONS

BENCHMARK = Benchmark(
    name="ferplus_corrupted",
    title="FER+ test, 500 faces, nine corruptions at five severities",
    version=1,
    dataset="ferplus",
    split="test",
    task=Robustness(
        view=View("image", "label", same(EMOTIONS) | {"unknown": None, "not_face": None, "no_majority": None}),
        faces=500,
        seed=0,
        magnitudes={str(name): tuple(steps) for name, steps in MAGNITUDES.items()},
        classes=EMOTIONS,
    ),
    protocol=(
        "500 of the FER+ test pictures that have a majority label, drawn once by a fixed seed; every expression keeps "
        "its share of the split. Each is read as it is and 45 times damaged: blur, noise, JPEG, low resolution, "
        "darkness, a bar over the eyes or over the mouth, rotation and shifted framing, each at five severities. What "
        "is drawn (noise, direction) depends on the row of the picture alone, so every model sees the same pixels. "
        "Severities were chosen on the validation split with plain, so they are not independent of it. The most "
        "probable of all eight expressions must be right. Damaged accuracy is the mean over all 45; the relative drop "
        "is the share of the clean accuracy of the same faces that is lost. Intervals are over faces."
    ),
    licence="labels MIT; pictures: ICML 2013 challenge, research use",
    source="github.com/microsoft/FERPlus",
    citation=(
        "Hendrycks, Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations"
    ),
    arxiv="1903.12261",
)
