"""What the report says of the data: duplicates with their price, and folds with their sizes."""

from __future__ import annotations

import json
import re

import pytest

from eval import benchmarks, cli, data_page, data_sections, folds, report, verbs
from eval.families.recognition import recognition
from eval.records import Record, Status
from eval.scoring import Stored
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

HAPPY, FEAR = Emotion.HAPPINESS, Emotion.FEAR
REVISION = "sha256:one"
COUNTED = {"groups": 1, "surplus": 1, "labels_differ": 0}
REPORT = {
    "benchmark": "ferplus",
    "dataset": "ferplus",
    "scored_split": "test",
    "splits": {"train": {"revision": "sha256:other"}, "test": {"revision": REVISION}},
    "rules": {"exact": "same <pixels>", "near": "alike"},
    "duplicates": {
        "exact": {"inside": {"train": COUNTED, "test": COUNTED}, "across": {"train > test": 1}},
        "near": {"inside": {"train": COUNTED, "test": COUNTED | {"surplus": 1234}}, "across": {"train > test": 2}},
    },
    "groups": {
        "exact": ["train:7:image test:0:image"],
        "near": ["train:7:image test:0:image", "test:1:image test:2:image"],
    },
    "scores": [],
}


def stored(tmp_path, revision=REVISION):
    """Rows 0, 1 and 3 are named rightly, 2 is not."""
    seen = [tuple(float(e is (FEAR if row == 2 else HAPPY)) for e in EMOTIONS) for row in range(4)]
    records = [Record(row, "image", bytes([row]), HAPPY, Status.PREDICTED, probs) for row, probs in enumerate(seen)]
    result = {
        "benchmark": json.loads(json.dumps(benchmarks.benchmark("ferplus").declaration())),
        "dataset": {"id": "ferplus", "revision": revision},
        "model": {"name": "plain", "weights": "plain-1"},
        "predictions": {"sha256": "0" * 64},
        "seed": 0,
        **recognition(records, EMOTIONS, 0),
    }
    return Stored(tmp_path / "r.json", result, records)


def cells(section):
    return re.findall(r"<td[^>]*>(.*?)</td>", section)


def test_duplicates_are_counted_and_left_out_of_stored_predictions(tmp_path):
    text = "\n".join(data_sections.duplicates([REPORT], [stored(tmp_path)]))
    assert text.startswith("<h2>ferplus: duplicates</h2>")
    assert "<h3>Duplicates, exact: same &lt;pixels&gt;</h3>" in text
    assert "<p>1 pictures of test also stand in train.</p>" in text
    assert "<p>2 pictures of test have a near duplicate in train.</p>" in text
    found = cells(text)
    assert found[4:8] == ["test", "1", "1", "0"]
    assert found[12:16] == ["test", "1", "1,234", "0"]
    row = found[16:]
    assert row[:3] == ["ferplus", "plain", "plain-1"]
    assert [row[i] for i in (3, 6, 9)] == ["4", "3", "2"]  # without row 0; without rows 0 and 2
    assert [row[i].split(" ")[0] for i in (4, 7, 10)] == ["75.0", "66.7", "100.0"]


def test_predictions_on_another_revision_are_not_scored_again(tmp_path):
    text = "\n".join(data_sections.duplicates([REPORT], [stored(tmp_path, "sha256:two")]))
    assert data_sections.NO_SCORES in text
    assert len(cells(text)) == 16


def test_without_a_report_the_section_says_how_to_make_one():
    (text,) = data_sections.duplicates([], [])
    assert text == f"<h2>Duplicates in the data</h2><p>{data_sections.NO_REPORT}</p>"


def test_folds_are_told_where_a_manifest_is_stored(tmp_path):
    (tmp_path / "jaffe").mkdir()
    (tmp_path / "raf_db").mkdir()
    pictures = [(f"p{person}", bytes([person, i])) for person in range(11) for i in range(person + 1)]
    (tmp_path / "jaffe" / folds.FILE).write_text(folds.text(folds.manifest("jaffe", pictures, 10)))
    found = data_sections.manifests(tmp_path)
    assert set(found) == {"jaffe"}
    text = "\n".join(data_sections.folded_benchmarks(found))
    rows = [cells(text)[i : i + 7] for i in range(0, len(cells(text)), 7)]
    by_name = {row[0]: row[1:] for row in rows}
    assert set(by_name) == {b.name for b in map(benchmarks.benchmark, benchmarks.names()) if b.card and b.card.folds}
    # By their ids as text p0, p1, p10, p2, ...: p10 is the third, and p9, the eleventh, joins p0 in the first fold.
    assert by_name["jaffe"] == [
        *("jaffe", "10", "11", "66"),
        "2, 1, 1, 1, 1, 1, 1, 1, 1, 1",
        "11, 2, 11, 3, 4, 5, 6, 7, 8, 9",
    ]
    assert by_name["ck_plus_7"] == ["ck_plus", "10", "-", "-", "-", "-"]
    assert "No manifest of bp4d_plus, bu_3dfe, ck_plus, mmi, oulu_casia is stored here, because" in text


def test_damaged_files_are_one_sentence(tmp_path):
    (tmp_path / "jaffe").mkdir()
    (tmp_path / "jaffe" / folds.FILE).write_text('{"k": 2}')
    with pytest.raises(DataError, match=r"folds\.json could not be read .* Prepare the dataset again\.$"):
        data_sections.manifests(tmp_path)
    for damaged in ("[]", '{"reports": [{}]}', '{"reports": [[]]}', '{"reports": {"a": 1}}'):
        (tmp_path / "page.json").write_text(damaged)
        with pytest.raises(DataError, match=r"page\.json is no report of data"):
            data_page.read(tmp_path / "page.json")


def test_the_verb_hands_the_report_its_data(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(report, "write", lambda *given: asked.append(given) or [])
    results, out = tmp_path / "r", tmp_path / "o"
    results.mkdir()
    places = ["--results", str(results), "--out", str(out)]
    assert cli.main(["report", *places]) == 0
    assert cli.main(["report", *places, "--data", "mine.json", "--data-root", str(tmp_path)]) == 0
    monkeypatch.setattr(verbs, "DATA_REPORT", tmp_path / "none.json")
    assert cli.main(["report", *places]) == 0
    assert [given[:2] for given in asked] == [(results, out)] * 3
    assert [given[2] and given[2].name for given in asked] == ["data-report.json", "mine.json", None]
    assert [given[3] for given in asked] == [None, tmp_path, None]
