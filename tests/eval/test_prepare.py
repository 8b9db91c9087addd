"""Copies of datasets that a user brings: read from synthetic folders, checked against cards, refused or written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from eval import benchmarks, cli, prepare
from eval.benchmark import Annotations, Card, Holds
from eval.runner import Options, run
from eval.source import Source, locate
from eval.verify import check
from fer.errors import DataError, RegistryError
from fer.types import EMOTIONS, Emotion
from tests.eval.brought import PEOPLE, picture

BROUGHT = [b for b in map(benchmarks.benchmark, benchmarks.names()) if b.card]


@pytest.fixture
def one(monkeypatch, tiny):
    """The only benchmark, on a dataset with folds: two pictures of each of three people."""

    def declare(card, holds):
        told = Annotations(person="subject", fold="fold") if card.folds else None
        made = replace(tiny, train_split="test", card=card, holds=holds, annotations=told)
        monkeypatch.setattr(prepare.benchmarks, "names", lambda: ["tiny"])
        monkeypatch.setattr(prepare.benchmarks, "benchmark", lambda name: made)
        return made

    return declare


def people(write):
    for number, who in enumerate("cab"):
        write(f"Happy/{who}_0.png", picture(30 + number))
        write(f"sad/{who}_1.png", picture(90 + number))


def test_a_folder_per_label_becomes_a_split_with_people_apart(folder, one, tmp_path):
    place, write = folder
    people(write)
    one(PEOPLE, Holds(by_label={Emotion.HAPPINESS: 3, Emotion.SADNESS: 3}, subjects=3))
    done = prepare.prepare("tiny", str(place), tmp_path / "root")
    assert done.counts == {"test": {"happiness": 3, "sadness": 3}}
    assert done.fit == ["tiny"]
    rows = pq.read_table(tmp_path / "root/tiny/data/test-00000-of-00001.parquet").to_pylist()
    by_fold = {fold: {row["subject"] for row in rows if row["fold"] == fold} for fold in (1, 2)}
    assert by_fold == {1: {"a", "c"}, 2: {"b"}}
    first = (tmp_path / "root/tiny/folds.json").read_bytes()
    assert {s["subject"]: s["fold"] for s in json.loads(first)["subjects"]} == {"a": 1, "b": 2, "c": 1}
    prepare.prepare("tiny", str(place), tmp_path / "again")
    assert (tmp_path / "again/tiny/folds.json").read_bytes() == first
    assert Source("tiny", str(tmp_path / "root/tiny")).revision("test") == Source(
        "tiny", str(tmp_path / "again/tiny")
    ).revision("test")
    with pytest.raises(DataError, match="is there already"):
        prepare.prepare("tiny", str(place), tmp_path / "root")


def test_a_split_that_no_benchmark_reads_is_named(folder, one, tmp_path):
    place, write = folder
    write("a.png", picture(1))
    write("manifest.csv", b"path,label,split\na.png,joy,test\na.png,joy,train\n")
    one(replace(PEOPLE, folds=0, labels={"joy": Emotion.HAPPINESS}), Holds(pictures=1))
    done = prepare.prepare("tiny", str(place), tmp_path / "root")
    assert done.counts == {"test": {"happiness": 1}}
    assert done.skipped == ["train"]
    assert "Not written: the split train, which no benchmark reads." in prepare.shown(done)


def test_a_prepared_copy_is_measured_over_its_folds(folder, one, tmp_path, shades, contestant):
    place, write = folder
    people(write)
    made = one(PEOPLE, Holds(pictures=6))
    prepare.prepare("tiny", str(place), tmp_path / "root")
    source = locate(made, tmp_path / "root", None)
    result = run(made, source, contestant(shades()), Options(tmp_path / "cache")).result
    assert result["scores"]["accuracy"]["value"] == 1  # shades of about 30 and 90 are happiness and sadness
    assert [(f["people"], f["n"]) for f in result["folds"]["by_fold"]] == [(2, 4), (1, 2)]
    assert result["folds"]["accuracy"] == {"mean": 1.0, "deviation": 0.0}


@pytest.mark.parametrize(
    ("holds", "reason"),
    [
        (Holds(pictures=7), "6 of its pictures are scored and should be 7"),
        (Holds(by_label={Emotion.HAPPINESS: 4, Emotion.SADNESS: 2}), "has 3 pictures of happiness and should have 4"),
        (Holds(by_label={Emotion.SADNESS: 3}), "has 3 pictures of happiness and should have 0"),
        (Holds(subjects=4), "it shows 3 people and should show 4"),
    ],
)
def test_a_copy_that_does_not_match_is_refused_with_the_reason(folder, one, tmp_path, holds, reason):
    place, write = folder
    people(write)
    one(PEOPLE, holds)
    with pytest.raises(DataError, match=reason):
        prepare.prepare("tiny", str(place), tmp_path / "root")
    assert not any((tmp_path / "root").iterdir())


def test_a_run_refuses_a_split_that_shrank(make_dataset, picture, tiny, shades, contestant, tmp_path):
    declared = replace(tiny, holds=Holds(pictures=3))
    source = locate(declared, make_dataset([("neutral", picture(0))] * 2), None)
    with pytest.raises(DataError, match="2 of its pictures are scored and should be 3"):
        run(declared, source, contestant(shades()), Options(tmp_path / "cache"))
    with pytest.raises(DataError, match="labels that are not declared: surprised"):
        check(declared, locate(declared, make_dataset([("surprised?", picture(0))] * 3), None))


def test_counts_tell_labels_apart_or_not():
    told = {b.name: b.holds.tells_apart(b.card.numbered) for b in BROUGHT if b.card.numbered}
    assert told == {
        "affectnet_7": False,
        "affectnet_8": False,
        "ck_plus_7": True,
        "ck_plus_8": True,
        "fer2013_merged": True,
        "fer2013_private": True,
        "raf_db": True,
    }
    three = (Emotion.FEAR, Emotion.ANGER, None)
    assert Holds(by_label={Emotion.FEAR: 1, Emotion.ANGER: 2}).tells_apart(three)
    assert not Holds(by_label={Emotion.FEAR: 1}).tells_apart(three)
    assert not Holds().tells_apart(three)


@pytest.mark.parametrize("counts", [(1, 2), (2, 2)])
def test_bare_numbers_are_read_only_where_the_counts_would_betray_another_order(folder, one, tmp_path, counts):
    place, write = folder
    for label, n in enumerate(counts):
        for number in range(n):
            write(f"{label}/{number}.png", picture(10 * label + number))
    card = Card("Ask.", "Read are LABEL/*.png.", labels={"0": Emotion.FEAR, "1": Emotion.ANGER})
    one(card, Holds(by_label=dict(zip((Emotion.FEAR, Emotion.ANGER), counts, strict=True))))
    if counts == (1, 2):
        assert prepare.prepare("tiny", str(place), tmp_path / "root").counts == {"test": {"fear": 1, "anger": 2}}
        return
    with pytest.raises(DataError, match='The label "0" is a bare number'):
        prepare.prepare("tiny", str(place), tmp_path / "root")
    write("manifest.csv", b"path,label\n0/0.png,0\n")
    with pytest.raises(DataError, match='The label "0" is a bare number'):
        prepare.prepare("tiny", str(place), tmp_path / "root")


def test_a_picture_that_cannot_be_read_is_named(folder, one, tmp_path, monkeypatch):
    place, write = folder
    people(write)
    one(PEOPLE, Holds(pictures=6))
    read = Path.read_bytes

    def refuse(path):
        if path.name == "a_1.png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"^The picture .*sad/a_1\.png cannot be read \(Permission denied\)\.$"):
        prepare.prepare("tiny", str(place), tmp_path / "root")


def test_every_card_says_how_to_get_it_and_tells_the_sizes_that_are_known():
    sizes = {b.name: sum(b.holds.by_label.values()) or b.holds.pictures for b in BROUGHT}
    assert sizes == {
        "affectnet_7": 3500,
        "affectnet_8": 4000,
        "bp4d_plus": None,
        "bu_3dfe": 1200,
        "ck_plus_7": 981,
        "ck_plus_8": 1308,
        "fer2013_merged": 7178,
        "fer2013_private": 3589,
        "jaffe": 213,
        "mmi": None,
        "oulu_casia": 1440,
        "raf_db": 3068,
        "sfew": 436,
    }
    for b in BROUGHT:
        assert set(b.holds.by_label) <= set(b.task.classes)
        assert b.card.obtain.endswith(".")
        assert b.card.layout.endswith(".")
        assert bool(b.card.folds) == (b.annotations is not None)
        assert b.declaration()["name"] == b.name
        assert "card" not in b.declaration()


def test_prepare_knows_the_datasets_with_cards(tmp_path):
    assert {b.name for b in prepare.on_dataset("affectnet")} == {"affectnet_7", "affectnet_8"}
    with pytest.raises(RegistryError, match='Did you mean "raf_db"'):
        prepare.on_dataset("raf-db")
    with pytest.raises(DataError, match="There is no folder"):
        prepare.prepare("raf_db", str(tmp_path / "none"), tmp_path)


def test_list_marks_what_is_at_hand_and_says_how_to_get_the_rest(tmp_path, capsys):
    (tmp_path / "ferplus").mkdir()
    assert cli.main(["list", "--data-root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "data: ferplus/test, at hand" in shown
    assert "data: raf_db/test, NOT at hand" in shown
    assert "There is no data for raf_db. Ask the owners at whdeng.cn" in shown
    assert "none of them checked: clip-benchmark/wds_fer2013" in shown
    assert cli.main(["list", "--json", "--data-root", str(tmp_path)]) == 0
    listed = {b["name"]: b["data"] for b in json.loads(capsys.readouterr().out)["benchmarks"]}
    assert (listed["fer2013"], listed["raf_db"]) == (True, False)


def test_a_run_of_everything_skips_what_is_not_there(make_dataset, picture, tmp_path, capsys):
    root = make_dataset([(str(e), picture(k)) for k, e in enumerate(EMOTIONS)], name="lfw_smiles", split="train")
    places = ["--data-root", str(root), "--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c")]
    assert cli.main(["run", "majority", *places]) == 2  # lfw_smiles has no test split
    said = capsys.readouterr()
    assert "skipped: There is no data for raf_db. Ask the owners" in said.out
    assert "skipped: There is no data for lfw_smiles" not in said.out
    assert said.err.startswith("There are no files data/test-*.parquet")
    assert cli.main(["run", "majority", "--data-root", str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.startswith("There is no data for any of the benchmarks.")
    assert cli.main(["run", "majority", "--benchmarks", "sfew", "--data-root", str(root)]) == 2
    assert capsys.readouterr().err.startswith("There is no data for sfew. Sign the agreement of the EmotiW challenge.")
