"""What the benchmark files declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import benchmarks
from fer.errors import RegistryError
from fer.types import EMOTIONS, Emotion, Framing

FER2013_NAMES = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "unmatched"}


def test_every_file_is_one_benchmark_of_its_own_name():
    files = {p.stem for p in Path(benchmarks.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(benchmarks.names()) == files >= {"ferplus", "fer2013", "lfw_smiles", "london_recognition"}
    assert all(benchmarks.benchmark(name).name == name for name in files)


def test_an_unknown_benchmark_is_refused_with_a_hint():
    with pytest.raises(RegistryError, match='Did you mean "ferplus"'):
        benchmarks.benchmark("fer-plus")


def test_fer2013_states_its_map_and_its_missing_images():
    b = benchmarks.benchmark("fer2013")
    labels = b.task.views[0].labels
    assert set(labels) == FER2013_NAMES
    assert labels["unmatched"] is None
    assert (
        {labels[n] for n in FER2013_NAMES - {"unmatched"}} == set(b.task.classes) == set(EMOTIONS) - {Emotion.CONTEMPT}
    )
    assert labels["angry"] is Emotion.ANGER
    assert labels["happy"] is Emotion.HAPPINESS
    assert labels["sad"] is Emotion.SADNESS
    assert "3,554 of 3,589 images" in b.title
    assert "3,554 of 3,589 images" in b.protocol


def test_ferplus_scores_the_eight_expressions_only():
    b = benchmarks.benchmark("ferplus")
    outside = {name for name, label in b.task.views[0].labels.items() if label is None}
    assert b.task.classes == EMOTIONS
    assert outside == {"unknown", "not_face", "no_majority"}


def test_lfw_smiles_scores_two_labels_against_eight_classes():
    b = benchmarks.benchmark("lfw_smiles")
    scored = {label for label in b.task.views[0].labels.values() if label}
    assert scored == {Emotion.NEUTRAL, Emotion.HAPPINESS}
    assert b.task.classes == EMOTIONS
    assert b.task.framing is Framing.ALIGNED


def test_london_has_two_pictures_per_person():
    views = benchmarks.benchmark("london_recognition").task.views
    expected = [("neutral", Emotion.NEUTRAL), ("smiling", Emotion.HAPPINESS)]
    assert [(view.image, view.constant) for view in views] == expected


def test_corrupted_faces_are_drawn_from_what_ferplus_scores():
    b, clean = benchmarks.benchmark("ferplus_corrupted"), benchmarks.benchmark("ferplus")
    assert b.task.view == clean.task.views[0]
    assert (b.task.faces, len(b.task.magnitudes)) == (500, 9)
    assert "45 times" in b.protocol


def test_votes_and_attributes_are_declared_where_rows_have_them():
    assert benchmarks.benchmark("ferplus").annotations.votes == "votes"
    london = benchmarks.benchmark("london_recognition")
    assert [a.column for a in london.annotations.attributes] == ["age", "gender", "ethnicity"]
    assert london.declaration()["annotations"]["attributes"][0] == {"column": "age", "limits": (24, 29)}
    assert "annotations" not in benchmarks.benchmark("fer2013").declaration()
