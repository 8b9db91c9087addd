"""The layouts of copies: manifests, folders of owners and columns on the Hub, read into labelled pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest

from eval import adhoc, benchmarks, copies, prepare
from eval.benchmark import Card, Frames
from fer.errors import DataError
from fer.types import Emotion
from tests.eval.brought import PEOPLE, picture


def test_a_manifest_names_split_person_and_place(folder):
    place, write = folder
    for frame in range(6):
        write(f"clip/{frame}.png", picture(frame))
    lines = ["path,label,split,subject,sequence,frame", *(f"clip/{i}.png,joy,val,p1,s1,{i}" for i in range(6))]
    write("manifest.csv", "\n".join(lines).encode())
    card = Card("Ask.", "List them.", splits={"val": "test"}, frames=Frames.MIDDLE_THREE, folds=2)
    items = list(prepare.chosen(copies.from_folder(place, card), card.frames))
    assert [item.frame for item in items] == [1, 2, 3]
    assert {(item.label, item.split, item.subject) for item in items} == {(Emotion.HAPPINESS, "test", "p1")}
    write("manifest.csv", b"path,label,subject,sequence,frame\nclip/9.png,joy,p1,s1,9\n")
    with pytest.raises(DataError, match=r"names clip/9\.png, which is not there"):
        list(copies.from_folder(place, card))
    write("manifest.csv", b"file,label\n")
    with pytest.raises(DataError, match="expected path, label"):
        list(copies.from_folder(place, card))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a.png,joy,apex\n", r'^Line 2 of .*manifest\.csv has the frame "apex"; expected a whole number\.$'),
        (b"a.png,joy,1\na.png\n", r"^Line 3 of .*manifest\.csv does not have the 3 values of its head\.$"),
        (b"a.png,joy,1,2\n", r"^Line 2 of .*manifest\.csv does not have the 3 values of its head\.$"),
        (b'a.png,"joy' + b"y" * 131073, r"^Line 2 of .*manifest\.csv is no row of a CSV file \(field larger"),
        ("a.png,frühlich,1\n".encode("latin-1"), r"manifest\.csv is not written in UTF-8 \(byte 25\)\. Save it so\.$"),
    ],
)
def test_a_manifest_that_is_written_wrongly_is_one_sentence(folder, text, reason):
    place, write = folder
    write("a.png", picture(1))
    write("manifest.csv", b"path,label,frame\n" + text)
    with pytest.raises(DataError, match=reason):
        list(copies.from_folder(place, PEOPLE))


NEEDED = (
    r" does not say its {}, and the protocol chooses among the frames of each sequence: every picture needs all of "
    r"subject, sequence, frame, as columns of a manifest\.csv give them\.$"
)


@pytest.mark.parametrize(
    ("head", "row", "lacks"),
    [
        ("path,label", "a.png,joy", "subject and sequence and frame"),
        ("path,label,subject,frame", "a.png,joy,S1,3", "sequence"),
        ("path,label,subject,sequence,frame", "a.png,joy,S1,1,", "frame"),
    ],
)
@pytest.mark.parametrize("name", ["mmi", "ck_plus_8"])
def test_a_manifest_must_say_what_frames_are_chosen_by(folder, name, head, row, lacks):
    place, write = folder
    write("a.png", picture(1))
    write("manifest.csv", f"{head}\n{row}\n".encode())
    with pytest.raises(DataError, match=r"^Line 2 of .*manifest\.csv" + NEEDED.format(lacks)):
        list(copies.from_folder(place, benchmarks.benchmark(name).card))
    (item,) = copies.from_folder(place, benchmarks.benchmark("bp4d_plus").card)  # takes the frames as they are listed
    assert item.label is Emotion.HAPPINESS


@pytest.mark.parametrize("name", ["mmi", "ck_plus_7"])
def test_a_copy_on_the_hub_must_say_what_frames_are_chosen_by(make_dataset, name):
    source = adhoc.explore(str(make_dataset([("fear", picture(1))], "test") / "tiny"), None, True)
    with pytest.raises(DataError, match="^Row 0 of the split test" + NEEDED.format("subject and sequence and frame")):
        list(copies.from_hub(source, benchmarks.benchmark(name).card))
    (item,) = copies.from_hub(source, benchmarks.benchmark("bp4d_plus").card)
    assert item.label is Emotion.FEAR


def test_a_manifest_of_a_spreadsheet_is_read(folder):
    place, write = folder
    write("a.png", picture(1))
    write("manifest.csv", b"\xef\xbb\xbfpath,label,frame\r\na.png,joy,\r\n")
    (item,) = copies.from_folder(place, PEOPLE)
    assert (item.label, item.frame, item.read()) == (Emotion.HAPPINESS, 0, picture(1))


def test_splits_that_no_benchmark_reads_are_not_fetched(folder, make_dataset):
    place, write = folder
    for split in ("Training", "PublicTest", "PrivateTest"):
        write(f"{split}/happy/a.png", picture(1))
    card = benchmarks.benchmark("fer2013_private").card
    assert [i.split for i in copies.from_folder(place, card, reads={"train", "test"}.__contains__)] == ["test", "train"]
    make_dataset([(-1, picture(0))], "valid")
    source = adhoc.explore(str(make_dataset([("fear", picture(1))], "test") / "tiny"), None, True)
    assert [i.label for i in copies.from_hub(source, card, reads={"train", "test"}.__contains__)] == [Emotion.FEAR]
    with pytest.raises(DataError, match="a picture of its split valid has no label"):
        list(copies.from_hub(source, card))


def test_a_copy_of_another_layout_on_the_hub_is_read_by_its_numbers(make_dataset, tmp_path):
    """The fixture's labels are a ClassLabel; the second copy has bare numbers and file names with people."""
    import datasets

    root = make_dataset([("neutral", picture(0)), ("fear", picture(1))], "valid")
    card = Card("Ask.", "Any.", splits={"valid": "validation", "privateTest": "test"})
    items = list(copies.from_hub(adhoc.explore(str(root / "tiny"), None, True), card))
    assert [(i.label, i.split, i.read()) for i in items] == [
        (Emotion.NEUTRAL, "validation", picture(0)),
        (Emotion.FEAR, "validation", picture(1)),
    ]
    cells = {"jpg": [{"bytes": picture(k), "path": None} for k in (2, 3)], "cls": [3, 0], "file": ["S1_2_3", "S2_1_9"]}
    features = {"jpg": datasets.Image(), "cls": datasets.Value("int64"), "file": datasets.Value("string")}
    (tmp_path / "second/data").mkdir(parents=True)
    rows = datasets.Dataset.from_dict(cells, datasets.Features(features))
    rows.to_parquet(tmp_path / "second/data/train-0.parquet")
    card = Card(
        "Ask.",
        "Any.",
        labels=benchmarks.benchmark("fer2013_private").card.labels,
        path=r"(?P<subject>S\d)_(?P<sequence>\d)_(?P<frame>\d)",
        folds=2,
    )
    items = list(copies.from_hub(adhoc.explore(str(tmp_path / "second"), None, True), card, numbers=True))
    assert [(i.label, i.split, i.subject, i.frame) for i in items] == [
        (Emotion.HAPPINESS, "test", "S1", 3),
        (Emotion.ANGER, "test", "S2", 9),
    ]
    with pytest.raises(DataError, match='The label "3" is a bare number'):
        list(copies.from_hub(adhoc.explore(str(tmp_path / "second"), None, True), card))


def test_an_unknown_label_is_named(folder):
    with pytest.raises(DataError, match='has a label "weary"'):
        copies.meaning("weary", PEOPLE)
    card = Card("", "", labels={"3": Emotion.FEAR})
    assert copies.meaning("3", card, numbers=True) is Emotion.FEAR
    with pytest.raises(
        DataError, match=r"^The label \"3\" is a bare number, .* stands for fear as in .*: give names\.$"
    ):
        copies.meaning("3", card)


def test_ck_plus_as_its_owners_deliver_it(folder):
    place, write = folder
    for sequence, frames in (("001", 5), ("002", 4)):
        for frame in range(1, frames + 1):
            name = f"S005/{sequence}/S005_{sequence}_{frame:08d}.png"
            write(f"cohn-kanade-images/{name}", picture(10 * int(sequence) + frame))
    write("Emotion/S005/001/S005_001_00000005_emotion.txt", b"   3.0000000e+00\n")
    card = benchmarks.benchmark("ck_plus_7").card
    items = list(prepare.chosen(copies.from_folder(place, card), card.frames))
    assert [(i.sequence, i.frame, i.label) for i in items if i.label] == [
        ("001", 1, Emotion.NEUTRAL),
        ("001", 3, Emotion.DISGUST),
        ("001", 4, Emotion.DISGUST),
        ("001", 5, Emotion.DISGUST),
    ]
    assert sum(i.label is None for i in items) == 3  # the last three of the sequence without a label


def test_three_frames_by_folder_name_have_no_neutral(folder):
    place, write = folder
    for frame in (15, 16, 17):
        write(f"anger/S010_004_{frame:08d}.png", picture(frame))
    card = benchmarks.benchmark("ck_plus_7").card
    items = list(prepare.chosen(copies.from_folder(place, card), card.frames))
    assert [(i.subject, i.frame, i.label) for i in items] == [("S010", f, Emotion.ANGER) for f in (15, 16, 17)]


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("jaffe", ["KA.AN1.39.tiff", "README.png"], [("KA", "anger", "test")]),
        ("bu_3dfe", ["F0001/F0001_SU04WH_F2D.bmp", "F0001/F0001_SU01WH_F2D.bmp"], [("F0001", "surprise", "test")]),
        ("oulu_casia", ["VL/Strong/P001/Fear/000.jpeg", "NI/Strong/P001/Fear/000.jpeg"], [("P001", "fear", "test")]),
        (
            "sfew",
            ["Val/Disgust/a.png", "Val_Aligned_Faces/Disgust/a.png", "Train/Happy/b.png"],
            [("", "happiness", "train"), ("", "disgust", "test")],
        ),
        ("raf_db", ["test/fear/a.jpg", "x/train/sad/train_0001.jpg"], [("", "fear", "test"), ("", "sadness", "train")]),
        ("fer2013_private", ["PrivateTest/0/a.png"], [("", "anger", "test")]),
        ("fer2013_merged", ["test/neutral/a.jpg"], [("", "neutral", "test")]),
        ("affectnet_8", ["val/contempt/a.jpg"], [("", "contempt", "test")]),
    ],
)
def test_the_layouts_of_owners_are_read(folder, name, files, expected):
    place, write = folder
    for file in files:
        write(file, picture(7))
    items = copies.from_folder(place, benchmarks.benchmark(name).card, numbers=name == "fer2013_private")
    assert [(i.subject, str(i.label), i.split) for i in items] == expected


def test_raf_db_lists_its_labels(folder):
    place, write = folder
    write("EmoLabel/list_patition_label.txt", b"train_00001.jpg 5\ntest_0001.jpg 2\n")
    write("Image/aligned/train_00001_aligned.jpg", picture(1))
    write("Image/aligned/test_0001_aligned.jpg", picture(2))
    write("Image/original/test_0001.jpg", picture(3))
    items = copies.from_folder(place, benchmarks.benchmark("raf_db").card)
    assert [(i.split, i.label) for i in items] == [("test", Emotion.FEAR), ("train", Emotion.SADNESS)]


def test_affectnet_has_a_file_per_label(folder):
    place, write = folder
    for number, label in ((4, "1"), (5, "9")):
        stream = io.BytesIO()
        np.save(stream, np.array(label))
        write(f"val_set/annotations/{number}_exp.npy", stream.getvalue())
        write(f"val_set/images/{number}.jpg", picture(number))
    items = copies.from_folder(place, benchmarks.benchmark("affectnet_8").card)
    assert [(i.split, i.label) for i in items] == [("test", Emotion.HAPPINESS), ("test", None)]


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY\x01", b"joy"])
def test_a_damaged_label_file_is_named(folder, data):
    place, write = folder
    write("val_set/annotations/4_exp.npy", data)
    write("val_set/images/4.jpg", picture(4))
    with pytest.raises(DataError, match=r"^The label .*4_exp\.npy cannot be read"):
        list(copies.from_folder(place, benchmarks.benchmark("affectnet_8").card))


def test_a_label_that_is_no_finite_number_is_unknown(folder):
    place, write = folder
    write("Emotion/S005/001/S005_001_00000001_emotion.txt", b"inf")
    write("cohn-kanade-images/S005/001/S005_001_00000001.png", picture(1))
    with pytest.raises(DataError, match='has a label "inf"'):
        list(copies.from_folder(place, benchmarks.benchmark("ck_plus_7").card))
