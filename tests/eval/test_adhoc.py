"""Any dataset as a benchmark: what is guessed, what is refused, and that its results stay apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from eval import adhoc, cli, contestants, label_names, verbs
from eval.adhoc import Asked
from eval.contestants import Contestant
from eval.runner import Options, run
from eval.store import read_results
from fer.errors import DataError
from fer.types import Emotion, Framing

NAMES = ["0-Angry", "happy", "Sad", "not_face"]
SHADES = [4, 1, 3, 0]  # what ``Shades`` must see to be right


@pytest.fixture
def write(tmp_path: Path, picture) -> Callable[..., str]:
    """Write pictures (shades) and labels as a dataset repository; returns its folder."""

    def write(
        shades: list[int | None],
        columns: dict[str, tuple[object, list[object]]],
        split: str = "test",
        under: str = "faces",
        images: tuple[str, ...] = ("picture",),
    ) -> str:
        cells = [None if s is None else {"bytes": picture(s), "path": None} for s in shades]
        features = Features({image: Image() for image in images} | {k: f for k, (f, _) in columns.items()})
        rows = dict.fromkeys(images, cells) | {key: values for key, (_, values) in columns.items()}
        (tmp_path / under).mkdir(exist_ok=True)
        Dataset.from_dict(rows, features).to_parquet(tmp_path / under / f"{split}.parquet")
        return str(tmp_path / under)

    return write


@pytest.fixture
def faces(write) -> str:
    """Nine rows, one not a face; two of the eight others are seen wrongly."""
    labels = [0, 1, 2, 3, 0, 1, 2, 1, 2]
    return write([SHADES[k] for k in labels[:-2]] + [3, 1], {"emotion": (ClassLabel(names=NAMES), labels)})


def declared(folder: str, streaming: bool = False, **asked: object):
    source = adhoc.explore(folder, None, streaming)
    return adhoc.declare(source, Asked(framing=Framing.TIGHT, **asked)), source


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("happy", "happiness"),
        ("JOY", "happiness"),
        ("0-angry", "anger"),
        ("3. Fearful", "fear"),
        ("scared_2", "fear"),
        ("Surprised", "surprise"),
        ("sad", "sadness"),
        ("disgusted", "disgust"),
        ("contempt", "contempt"),
        ("neutral", "neutral"),
        ("NF", None),
        ("not-face", None),
        ("unknown", None),
        ("Other", None),
    ],
)
def test_usual_names_are_known(name, expression):
    assert label_names.label_map([name], {}, True, "label") == {name: expression}


def test_a_written_map_wins_by_name_or_number():
    given = label_names.written("0=anger, happy=-,2=Sad,none=none")
    assert given == {"0": Emotion.ANGER, "happy": None, "2": Emotion.SADNESS, "none": None}
    told = label_names.label_map(["fear", "happy", "x", "none"], given, True, "label")
    assert told == {"fear": Emotion.ANGER, "happy": None, "x": Emotion.SADNESS, "none": None}
    assert label_names.label_map(["1", "0"], {"1": Emotion.FEAR, "0": None}, True, "y") == {"1": "fear", "0": None}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0", '"0" is no part of a label map. Write LABEL=EXPRESSION, or LABEL=- to leave it out.'),
        ("a=fear,a=fear", 'The label map names "a" twice.'),
        ("a=glee", '"glee" is no expression. Choose one of: neutral, happiness, surprise, sadness, anger, disgust, '),
        ("a=unknown", '"unknown" is no expression.'),
    ],
)
def test_a_map_that_cannot_be_read(text, sentence):
    with pytest.raises(DataError) as error:
        label_names.written(text)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("names", "given", "sentence"),
    [
        (
            ["happy", "happily surprised"],
            "",
            'It is not clear what the label "happily surprised" of the column "y" stands for. Say so with --label-map '
            '"happily surprised=EXPRESSION", where EXPRESSION is one of neutral, happiness, surprise, sadness, anger, '
            "disgust, fear, contempt, or - to leave the label out.",
        ),
        (["happy", "sad"], "2=fear", 'The column "y" has no label "2"; it has "happy", "sad".'),
        (["happy"], "0=fear,happy=fear", 'The label map names one label of "happy" by its name and by its number.'),
    ],
)
def test_labels_that_are_not_clear_are_refused(names, given, sentence):
    with pytest.raises(DataError) as error:
        label_names.label_map(names, label_names.written(given), True, "y")
    assert str(error.value) == sentence


def test_columns_and_labels_are_guessed_and_shown(faces):
    benchmark, source = declared(faces)
    (view,) = benchmark.task.views
    assert (view.image, view.label) == ("picture", "emotion")
    assert view.labels == {"0-Angry": "anger", "happy": "happiness", "Sad": "sadness", "not_face": None}
    assert benchmark.task.classes == ("happiness", "sadness", "anger")
    assert adhoc.shown(benchmark, source) == (
        f"folder:faces:test: split test of {faces}\n"
        '  pictures: column "picture"\n'
        "  framing: tight. Pictures go to the model as they are. The other way: --framing aligned\n"
        '  labels: column "emotion"\n'
        '    "0-Angry" -> anger\n'
        '    "happy" -> happiness\n'
        '    "Sad" -> sadness\n'
        '    "not_face" -> left out\n'
        "  classes that compete: happiness, sadness, anger"
    )


def test_words_and_numbers_as_labels(write):
    text, number = Value("string"), Value("int64")
    columns = {"file": (text, ["a", "b", "c"]), "label": (text, ["joy", None, "Fear"]), "age": (number, [1, 2, 3])}
    folder = write([0, 0, 0], columns)
    assert declared(folder)[0].task.views[0].labels == {"joy": "happiness", "Fear": "fear"}
    chosen, _ = declared(folder, label="age", label_map="1=fear,2=-,3=joy")
    assert chosen.task.views[0].labels == {"1": "fear", "2": None, "3": "happiness"}
    with pytest.raises(DataError) as error:
        declared(folder, label="age", label_map="2=-")
    assert str(error.value) == (
        'The column "age" holds numbers without names, and their order differs between datasets. Say what they stand '
        'for with --label-map "1=EXPRESSION,3=EXPRESSION".'
    )
    with pytest.raises(DataError, match=r"name 1 expressions; a benchmark of recognition needs two\.$"):
        declared(folder, label_map="joy=fear")


def test_what_is_ambiguous_is_refused_with_the_option_to_give(write):
    text = (Value("string"), ["happy", "sad"])
    two = write([1, 3], {"mood": text, "face": text}, images=("a", "b"))
    with pytest.raises(DataError, match=r"^Several columns may hold pictures: a, b\. Choose one with --image-"):
        declared(two)
    with pytest.raises(DataError, match=r"^Several columns may hold labels: mood, face\. Choose one with --label-col"):
        declared(two, image="b")
    assert declared(two, image="b", label="face")[0].task.views[0].label == "face"
    with pytest.raises(DataError) as error:
        declared(two, image="mood")
    assert str(error.value) == (
        'There is no column "mood" of pictures; there are a, b, among the columns a, b, mood, face.'
    )
    none = write([1, 3], {"age": (Value("int32"), [1, 2])}, "train", under="none")
    with pytest.raises(DataError, match=r"^There is no split called test\. Choose one with --split: train\.$"):
        declared(none)
    with pytest.raises(DataError, match=r'^There is no split "dev"\. Choose one with --split: train\.$'):
        declared(none, split="dev")
    with pytest.raises(DataError, match=r"^No column seems to hold labels\. Give it with --label-column; there are "):
        declared(none, split="train")


def test_many_different_words_are_no_labels(write, monkeypatch):
    monkeypatch.setattr(adhoc, "MOST_LABELS", 1)
    folder = write([1, 3], {"label": (Value("string"), ["happy", "sad"])})
    with pytest.raises(DataError, match='"label" holds more than 1 different values, so they are no labels'):
        declared(folder)


def test_configurations_must_be_chosen(write, tmp_path):
    folder = write([1, 3], {"label": (Value("string"), ["happy", "sad"])})
    listed = "".join(f"- config_name: {c}\n  data_files:\n  - split: test\n    path: test.parquet\n" for c in "ab")
    (tmp_path / "faces" / "README.md").write_text(f"---\nconfigs:\n{listed}---\n")
    with pytest.raises(DataError, match=r"^Say which configuration of faces is meant, with --config: a, b\.$"):
        adhoc.explore(folder, None, False)
    benchmark = adhoc.declare(adhoc.explore(folder, "b", False), Asked())
    assert benchmark.name == "folder:faces:b:test"
    assert benchmark.task.framing is Framing.ALIGNED


def test_a_place_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"^There is no folder .*nowhere\. Give a folder, or ORG/NAME"):
        adhoc.explore(str(tmp_path / "nowhere"), None, False)


@pytest.fixture
def entered(monkeypatch, shades):
    """``plain`` is a fake that reads shades; returns the one that was entered last."""
    fakes = []

    def enter(name, weights, device, benchmark, source):
        fakes.append(shades())
        return Contestant(name, weights, "0" * 64, fakes[-1], "cpu")

    monkeypatch.setattr(contestants, "enter", enter)
    return fakes


def command(folder: str, tmp_path: Path, *more: str) -> list[str]:
    return ["run", "plain", "--dataset", folder, "--framing", "tight", "--cache", str(tmp_path / "cache"), *more]


def test_a_run_is_printed_stored_apart_and_read_by_every_command(faces, tmp_path, entered, capsys):
    assert cli.main(command(faces, tmp_path)) == 0
    printed = capsys.readouterr().out
    results = tmp_path / "cache" / "results"
    assert printed.startswith("folder:faces:test: split test of ")
    assert f"stored in {results}/plain/default/folder_faces_test.json" in printed
    (result,) = read_results(results).values()
    assert result["benchmark"]["adhoc"] is True
    assert result["benchmark"]["views"] == [
        {
            "image": "picture",
            "label": "emotion",
            "labels": {"0-Angry": "anger", "happy": "happiness", "Sad": "sadness", "not_face": None},
            "constant": None,
        }
    ]
    assert result["counts"]["n_scored"] == 8
    assert result["counts"]["n_outside_protocol"] == 1
    assert result["scores"]["accuracy"]["value"] == 0.75
    where = ["--results", str(results)]
    assert cli.main(command(faces, tmp_path, "--weights", "other")) == 0
    assert cli.main(["validate", *where]) == 0
    assert cli.main(["score", *where]) == 0
    assert cli.main(["compare", "plain:default", "plain:other", *where]) == 0
    assert cli.main(["table", *where]) == 0
    assert cli.main(["report", *where, "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr().out
    assert "2 results, nothing wrong." in printed
    assert "difference +0.0000 [+0.0000, +0.0000], McNemar p = 1, 8 pictures: a tie" in printed
    assert "| folder:faces:test | plain | default | 8 | 75.0 [" in printed
    assert cli.main(["export", "plain:other", *where, "--repo", "a/b", "--dry-run"]) == 2
    assert capsys.readouterr().err == (
        "folder:faces:test is no declared benchmark; only results on those are pushed.\n"
    )


def test_results_of_other_declarations_never_mix(faces, tmp_path, entered, capsys):
    assert cli.main(command(faces, tmp_path)) == 0
    changed = command(faces, tmp_path, "--label-map", "Sad=fear")
    capsys.readouterr()
    assert cli.main(changed) == 2
    assert capsys.readouterr().err.endswith(
        "folder_faces_test.json was measured with other columns, labels or framing. Give this run a --name.\n"
    )
    assert cli.main([*changed, "--weights", "other"]) == 0  # another file, but the same name
    where = ["--results", str(tmp_path / "cache" / "results")]
    assert cli.main(["validate", *where]) == 1
    assert "It was measured with other columns, labels or framing than" in capsys.readouterr().out
    assert cli.main(["compare", "plain:default", "plain:other", *where]) == 2
    assert "are of different columns, labels or framings" in capsys.readouterr().err
    assert cli.main([*changed, "--name", "second"]) == 0
    assert "second" in json.dumps([r["benchmark"]["name"] for r in read_results(tmp_path / "cache/results").values()])


def test_the_project_s_own_results_take_none(faces, tmp_path, entered, capsys, monkeypatch):
    monkeypatch.setattr(verbs, "RESULTS", tmp_path / "own")
    assert cli.main(command(faces, tmp_path, "--results", str(tmp_path / "own"))) == 2
    assert "own holds results on declared benchmarks only. Give another folder with --results." in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "own").exists()


def test_options_of_any_dataset_do_not_change_a_declared_benchmark(capsys):
    assert cli.main(["run", "plain", "--benchmarks", "ferplus", "--split", "train", "--streaming"]) == 2
    assert capsys.readouterr().err == (
        "--split, --streaming: only with --dataset and without --benchmarks, which say it themselves.\n"
    )


def test_the_majority_needs_a_train_split(faces, write, tmp_path, capsys):
    plain = [each if each != "plain" else "majority" for each in command(faces, tmp_path, "--streaming")]
    assert cli.main(plain) == 2
    assert capsys.readouterr().err == "The dataset has no train split; it has test.\n"
    write([1, 1, 3, 0], {"emotion": (ClassLabel(names=NAMES), [1, 1, 2, 3])}, "train")
    assert cli.main(plain) == 0
    (result,) = read_results(tmp_path / "cache" / "results").values()
    assert result["scores"]["accuracy"]["value"] == 0.375  # happiness: three of eight


def test_streamed_rows_give_the_same_records_and_scores(faces, tmp_path, shades, contestant):
    found = []
    for streaming in (False, True):
        benchmark, source = declared(faces, streaming)
        found.append(run(benchmark, source, contestant(shades()), Options(tmp_path / str(streaming), batch_size=4)))
    assert found[0].records == found[1].records
    for key in ("scores", "counts", "confusion", "dataset", "benchmark"):
        assert found[0].result[key] == found[1].result[key]


def test_a_streamed_run_goes_on_where_it_stopped(faces, tmp_path, shades, contestant):
    benchmark, source = declared(faces, True)
    options = Options(tmp_path / "cache", batch_size=3)
    with pytest.raises(KeyboardInterrupt):
        run(benchmark, source, contestant(shades(die_after=4)), options)
    bars = []
    resumed = run(benchmark, source, contestant(shades()), options, lambda done, total: bars.append((done, total)))
    assert bars == [(3, 9), (6, 9), (9, 9)]
    whole = run(benchmark, source, contestant(shades()), Options(tmp_path / "other"))
    assert resumed.records == whole.records


def test_rows_of_a_stream_can_be_asked_for_in_any_order(faces):
    _, source = declared(faces, True)
    rows = source.open("test", ["picture"], ["emotion"])
    assert [rows[i]["emotion"] for i in (2, 3, 3, 8, 0, 5)] == [2, 3, 3, 2, 0, 1]
    assert rows.num_rows == len(list(rows)) == 9
    with pytest.raises(DataError, match=r"^The rows ended at 9, before row 9: they changed while being read"):
        rows[9]


def test_a_network_that_fails_while_streaming_is_one_sentence(faces):
    def one_row(start):
        yield {"emotion": start}
        raise ConnectionError("reset by peer")

    _, source = declared(faces, True)
    rows = source.open("test", ["picture"], ["emotion"])
    rows.rows = SimpleNamespace(skip=one_row)
    assert rows[5]["emotion"] == 5
    with pytest.raises(DataError, match=r"^The Hub could not be reached for the dataset .*faces: there is no network"):
        rows[6]


@pytest.mark.parametrize("streaming", [False, True])
def test_folders_of_pictures_are_datasets_too(tmp_path, picture, shades, contestant, streaming):
    for split, name, k in (("train", "sad", 0), ("test", "happy", 1), ("test", "sad", 3), ("test", "sad", 1)):
        folder = tmp_path / "tree" / split / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{k}.png").write_bytes(picture(k))
    benchmark, source = declared(str(tmp_path / "tree"), streaming)
    result = run(benchmark, source, contestant(shades()), Options(tmp_path / "cache")).result
    assert result["counts"]["n_scored"] == 3
    assert result["scores"]["accuracy"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    before = source.revision("test")
    (tmp_path / "tree/test/sad/1.png").rename(tmp_path / "tree/test/happy/0.png")
    assert declared(str(tmp_path / "tree"))[1].revision("test") != before
