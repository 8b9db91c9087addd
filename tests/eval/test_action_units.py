"""Action Units on squares: what is read from their grey value, and how it is scored."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from eval import benchmarks, contestants, metrics, table
from eval.baselines import Zeros
from eval.benchmark import ActionUnitReading, Against, View, same
from eval.contestants import Contestant, check
from eval.families import FAMILIES
from eval.families.action_units import against_knowledge
from eval.records import Record, Status
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.action_units import ACTION_UNITS, AU_INDEX, knowledge_table
from fer.errors import DataError, FerError, RegistryError
from fer.models.base import ActionUnitReader
from fer.types import EMOTIONS, ActionUnits, Emotion, Framing

SIDE = 32
TRUTH = ActionUnitReading(
    (View("image", "label", same(EMOTIONS)),), Against.TRUTH, Framing.ALIGNED, person="person", truth="au"
)
CALM = ActionUnitReading(
    (View("neutral", constant=Emotion.NEUTRAL), View("smiling", constant=Emotion.HAPPINESS)),
    Against.CALM,
    Framing.ALIGNED,
    person="person",
    raised="AU12",
)
KNOWLEDGE = ActionUnitReading((View("image", "label", same(EMOTIONS)),), Against.KNOWLEDGE, Framing.TIGHT)


def square(share: float) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), round(255 * share), np.uint8)


class Grey(ActionUnitReader):
    """Reads the brightness of a square, in [0, 1], as the strength of AU12; all others are still. In another order."""

    NAMES = ACTION_UNITS[::-1]

    def action_units(self, faces, framing=Framing.ALIGNED):
        strengths = torch.zeros(len(faces), 23)
        strengths[:, self.NAMES.index("AU12")] = (faces.mean((1, 2, 3)) + 1) / 2
        return ActionUnits(strengths.clamp(0, 1), self.NAMES)


class Few(ActionUnitReader):
    """Knows one Action Unit only."""

    def action_units(self, faces, framing=Framing.ALIGNED):
        return ActionUnits(torch.zeros(len(faces), 1), ("AU12",))


@pytest.fixture
def measure(write_split, declare, tmp_path):
    def measure(task, columns, model, **options):
        benchmark = declare(task)
        source = locate(benchmark, write_split(columns), None)
        entrant = Contestant(type(model).__name__, "fake-1", "0" * 64, model, "cpu")
        return run(benchmark, source, entrant, Options(tmp_path, **options))

    return measure


def unit_row(**known):
    row = np.zeros(23)
    for name, value in known.items():
        row[AU_INDEX[name]] = value
    return row.tolist()


def truth_columns(read, true, people):
    return {
        "image": [square(v) for v in read],
        "label": [1] * len(read),
        "person": people,
        "au": [unit_row(AU12=v) for v in true],
    }


def test_agreement_with_the_truth_is_the_example_worked_out_by_hand(measure, tmp_path):
    """A tenth of the example of tests/fer/test_action_units.py: ICC 14 / 19; the read values come in 255 steps."""
    columns = truth_columns([0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.3, 0.7], ["a", "a", "b", "c"])
    done = measure(TRUTH, columns, Grey())
    scores, counts = done.result["scores"], done.result["counts"]
    assert scores["icc"]["value"] == pytest.approx(14 / 19, abs=0.01)
    assert scores["mae"]["value"] == pytest.approx(0.6 / 4 / 23, abs=1e-4)
    assert scores["icc_shown"] == scores["raised"] == {"value": None, "low": None, "high": None}
    assert (counts["n_people"], counts["n_icc_units"], counts["n_icc_shown_units"]) == (3, 1, 0)
    assert done.result["by_unit"]["AU12"] == {
        "n_shown": 4,
        "icc": scores["icc"]["value"],
        "mae": pytest.approx(0.15, abs=0.002),
    }
    assert done.result["by_unit"]["AU1"] == {"n_shown": 0, "icc": None, "mae": 0}
    assert done.result["bootstrap"]["over"] == "people"
    family = FAMILIES[done.result["benchmark"]["family"]]
    assert family.headline(done.result).startswith("ICC 0.73")
    path = write_result(tmp_path / "results", done.result, done.records)
    stored = json.loads(path.read_text())
    kept = read_predictions(path, stored)
    assert {r.person for r in kept} == {"0", "1", "2"}  # names are not kept
    again = family.score(kept, stored["benchmark"], stored["seed"])
    assert {key: stored[key] for key in again} == json.loads(json.dumps(again))
    assert "ICC(3,1)" in table.render([stored])
    mae = family.measures(kept, stored["benchmark"])["mae"]
    assert mae.values.tolist() == pytest.approx([0.1 / 23, 0.2 / 23, 0, 0.3 / 23], abs=2e-4)
    assert not mae.higher_is_better


def test_intervals_draw_people_and_units_that_many_show_stand_beside(measure):
    true = [k / 12 for k in range(12)]
    result = measure(TRUTH, truth_columns(true, true, ["a"] * 6 + ["b"] * 6), Grey()).result
    assert result["scores"]["icc_shown"]["value"] is None  # nine faces show AU12 at 0.2 or more
    result = measure(TRUTH, truth_columns([*true, 0.9], [*true, 0.9], ["a"] * 13), Grey(), seed=1).result
    icc = result["scores"]["icc_shown"]
    assert icc["value"] == pytest.approx(1, abs=1e-3)
    assert icc["low"] == icc["high"] == icc["value"]  # one person, always drawn


def test_who_sees_nothing_agrees_in_nothing_and_errs_by_what_is_there(measure):
    columns = truth_columns([0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.3, 0.7], ["a", "a", "b", "c"])
    scores = measure(TRUTH, columns, Zeros()).result["scores"]
    assert scores["icc"]["value"] == 0
    assert scores["mae"]["value"] == pytest.approx(0.4 / 23, abs=1e-6)


def test_a_smile_is_held_against_the_same_persons_neutral_face(measure):
    columns = {
        "neutral": [square(v) for v in (0.2, 0.4, 0.6)],
        "smiling": [square(v) for v in (0.6, 0.2, 0.8)],
        "person": ["a", "b", "c"],
    }
    done = measure(CALM, columns, Grey())
    scores, counts = done.result["scores"], done.result["counts"]
    assert scores["raised"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert scores["rise"]["value"] == pytest.approx((0.4 - 0.2 + 0.2) / 3, abs=0.003)
    assert (counts["n_people"], counts["n_raised"], counts["n_scored"]) == (3, 2, 6)
    assert FAMILIES[done.result["benchmark"]["family"]].headline(done.result).startswith("AU12 raised for 66.7 [")
    nothing = measure(CALM, columns, Zeros()).result
    assert (nothing["scores"]["raised"]["value"], nothing["scores"]["rise"]["value"]) == (0, 0)


def record(row, emotion, strengths):
    return Record(
        row, "image", b"", emotion, Status.PREDICTED, values=dict(zip(ACTION_UNITS, strengths.tolist(), strict=True))
    )


def test_means_that_follow_the_table_correlate_wholly_and_reversed_ones_not():
    parts = knowledge_table().numpy()
    seen = [
        record(2 * k + i, e, parts[k] / 4 + 0.3 + 0.1 * (i - 0.5)) for k, e in enumerate(EMOTIONS[:7]) for i in (0, 1)
    ]
    found = against_knowledge(seen, 0)
    assert found["scores"]["rank_correlation"]["value"] == pytest.approx(1)
    assert found["counts"]["n_expressions"] == 7
    assert found["by_expression"]["happiness"]["rank_correlation"] == pytest.approx(1)
    assert found["by_expression"]["happiness"]["means"]["AU12"] == pytest.approx(0.8)
    assert found["by_expression"]["neutral"]["rank_correlation"] is None  # all parts are alike there
    turned = [record(r.row, r.label, 1 - np.array([*r.values.values()])) for r in seen]
    assert against_knowledge(turned, 0)["scores"]["rank_correlation"]["value"] == pytest.approx(-1)


def test_knowledge_is_undefined_for_who_sees_nothing(measure):
    columns = {"image": [square(0.5)] * 4, "label": [0, 1, 2, 7]}
    result = measure(KNOWLEDGE, columns, Zeros()).result
    assert result["scores"]["rank_correlation"] == {"value": None, "low": None, "high": None}
    assert result["by_expression"]["contempt"]["rank_correlation"] is None
    assert result["counts"]["n_scored"] == 4


def test_rank_correlation_of_ties_worked_out_by_hand():
    """Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: sum of products about 2.5 is 4.5; of squares 4.5 and 5."""
    values = np.array([0.1, 0.5, 0.5, 0.9]), np.array([1.0, 2.0, 3.0, 4.0])
    assert metrics.ranks(values[0]).tolist() == [1, 2.5, 2.5, 4]
    assert metrics.rank_correlation(*values) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_a_reader_that_lacks_action_units_is_refused_and_so_are_others(measure, declare):
    with pytest.raises(FerError, match="lacks: AU1, AU2"):
        measure(KNOWLEDGE, {"image": [square(0.5)], "label": [1]}, Few())
    short = {"image": [square(0.5)], "label": [1], "person": ["a"], "au": [[0.5] * 17]}
    with pytest.raises(DataError, match="holds 17 strengths"):
        measure(TRUTH, short, Grey())
    with pytest.raises(RegistryError, match="cannot read Action Units"):
        check("plain", declare(KNOWLEDGE))
    assert contestants.kind("zeros") is Zeros


@pytest.mark.parametrize(
    "changes",
    [
        {"against": Against.TRUTH},
        {"against": Against.CALM},
        {"against": Against.CALM, "raised": "AU99", "person": "p"},
        {"against": Against.CALM, "raised": "AU12"},
        {"against": Against.KNOWLEDGE, "truth": "au"},
        {"against": Against.KNOWLEDGE, "detect": True},
    ],
)
def test_a_task_that_does_not_fit_together_is_refused(changes):
    with pytest.raises(ValueError):  # noqa: PT011
        ActionUnitReading((View("image", "label", same(EMOTIONS)),), framing=Framing.TIGHT, **changes)


def test_the_declared_benchmarks_ask_readers_alone():
    for name, against in (
        ("au_puppets", Against.TRUTH),
        ("au_london", Against.CALM),
        ("au_ferplus", Against.KNOWLEDGE),
    ):
        benchmark = benchmarks.benchmark(name)
        assert benchmark.task.against is against
        assert contestants.can_take("au", benchmark)
        assert contestants.can_take("zeros", benchmark)
        assert not contestants.can_take("plain", benchmark)
