"""FER+ faces: what does each part of a network name by itself?"""

from dataclasses import replace

from eval.benchmark import Parts, Recognition
from eval.benchmarks import ferplus

BENCHMARK = replace(
    ferplus.BENCHMARK,
    name="ferplus_parts",
    title="FER+ test, 8 classes, by each part of a network",
    task=Parts(ferplus.BENCHMARK.asked(Recognition).views[0]),
    protocol=(
        "The pictures of ferplus, named by each part of a network that has a vote of its own, and by all of them "
        "together, which is what ferplus scores. The most probable of the eight expressions must be right. Short: how "
        "much more often all together are right. The parts were trained together, each with a loss of its own, so a "
        "part alone is not what a network of this part only would reach. Intervals are over pictures."
    ),
    reported=(),
    annotations=None,
)
