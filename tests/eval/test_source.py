"""Finding and opening datasets; the Hub itself is in test_hub.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval import source
from eval.benchmark import View
from eval.source import Source, locate
from fer.errors import DataError, StorageError
from fer.types import Emotion


def test_a_folder_without_the_dataset_is_one_sentence(tiny, tmp_path):
    with pytest.raises(DataError, match=r"There are no files data/test-\*\.parquet in .*tiny\. Check --data-root\.$"):
        locate(tiny, tmp_path, None)


def test_no_place_at_all_says_what_to_give(tiny, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="--data-root, or a dataset repository of the same layout with --dataset"):
        locate(tiny, None, None)


def test_the_default_root_is_used_where_it_exists(tiny, make_dataset, picture, monkeypatch, tmp_path):
    root = make_dataset([("neutral", picture(0))])
    (tmp_path / "shared").mkdir()
    root.rename(tmp_path / "shared" / "data")
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    assert locate(tiny, None, None) == Source("tiny", "../shared/data/tiny")


@pytest.mark.parametrize("given", ["nothing", "a/b/c", "a/b@", "/abs/olute", "a b/c"])
def test_a_hub_id_that_cannot_be_one(tiny, given):
    with pytest.raises(DataError, match="Expected ORG/NAME or ORG/NAME@REVISION"):
        locate(tiny, None, given)


def test_the_revision_of_a_folder_follows_the_bytes_of_the_split(make_dataset, picture):
    root = make_dataset([("neutral", picture(0))])
    place = Source("tiny", str(root / "tiny"))
    first = place.revision("test")
    make_dataset([("neutral", picture(0))], split="train")
    assert place.revision("test") == first
    assert first.startswith("sha256:")
    assert len(first) == 7 + 64
    make_dataset([("neutral", picture(1))])
    assert place.revision("test") != first


def test_a_missing_column_is_named(make_dataset, picture):
    root = make_dataset([("neutral", picture(0))])
    with pytest.raises(DataError, match="has no column mood; it has image, label"):
        Source("tiny", str(root / "tiny")).open("test", ["image"], ["mood"])


def test_a_column_that_holds_no_pictures_is_named(make_dataset, picture):
    root = make_dataset([("neutral", picture(0))])
    with pytest.raises(DataError, match=r'column "label" of tiny holds .* not pictures'):
        Source("tiny", str(root / "tiny")).open("test", ["label"], [])


def test_a_damaged_file_is_one_sentence(make_dataset, picture):
    root = make_dataset([("neutral", picture(0))])
    file = root / "tiny" / "data" / "test-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="could not be read") as error:
        Source("tiny", str(root / "tiny")).open("test", ["image"], ["label"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("raised", [OSError(28, "No space left on device"), OSError("Not enough disk space. Needed")])
def test_a_disk_that_fills_while_unpacking(make_dataset, picture, monkeypatch, raised):
    import datasets
    from datasets.exceptions import DatasetGenerationError

    def full(*args, **kwargs):
        raise DatasetGenerationError("An error occurred while generating the dataset") from raised

    root = make_dataset([("neutral", picture(0))])
    monkeypatch.setattr(datasets, "load_dataset", full)
    with pytest.raises(StorageError, match="disk is full"):
        Source("tiny", str(root / "tiny")).open("test", ["image"], [])


def test_labels_need_names(tmp_path, tiny, picture):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eval.pictures import label_reader

    folder = tmp_path / "tiny" / "data"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"label": [0, 1]}), folder / "test-0.parquet")
    rows = Source("tiny", str(tmp_path / "tiny")).open("test", [], ["label"])
    with pytest.raises(DataError, match="expected a ClassLabel with names, or strings"):
        label_reader(rows, tiny.task.views[0])


def test_a_view_needs_exactly_one_kind_of_label(tiny):
    with pytest.raises(ValueError, match="either label and labels, or constant"):
        View("image", "label", {"x": Emotion.FEAR}, constant=Emotion.FEAR)
    with pytest.raises(ValueError, match="not among its classes"):
        replace(tiny.task, classes=tiny.task.classes[:4])


def test_offline_mode_is_said(tiny, monkeypatch):
    """The fixture of this folder sets HF_HUB_OFFLINE; nothing is asked of the network."""
    with pytest.raises(DataError, match="could not be reached for the dataset a/b"):
        source.locate(tiny, None, "a/b")
