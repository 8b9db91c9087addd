"""AffectNet without contempt: the balanced validation set, seven expressions."""

from dataclasses import replace

from eval.benchmark import Holds
from eval.benchmarks.affectnet_8 import BENCHMARK as EIGHT
from eval.benchmarks.affectnet_8 import PER_CLASS
from eval.classes import SEVEN, SEVEN_ALONE, naming

BENCHMARK = replace(
    EIGHT,
    name="affectnet_7",
    title="AffectNet validation, 7 classes",
    task=naming(SEVEN),
    protocol=(
        f"The validation set without contempt, 500 pictures of each of seven expressions. {SEVEN_ALONE} The largest "
        "face is found and aligned; a missed face counts as an error. Most published scores were selected on these "
        "very pictures."
    ),
    holds=Holds(by_label={e: PER_CLASS for e in SEVEN}),
)
