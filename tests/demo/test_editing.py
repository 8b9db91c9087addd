"""Targets, edits with a closed form, transfers, films, people, and every request that is refused in words."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from demo import editing, full_size, pictures, service
from demo.editing import Studio
from demo.service import FaceReading
from fer.errors import FerError, ImageError, NoFaceError, RegistryError
from fer.images import to_tensor
from fer.models.base import Editor, Recognizer
from fer.types import EMOTIONS, Edit, Framing, Prediction, TargetSpace
from tests.demo.fakes import (
    Brightness,
    Muscular,
    Shapeshifting,
    Tinting,
    astronaut,
    bump,
    encoded,
    group,
    loaded,
    shelf,
    tinted,
)

SPACE = Tinting().target_space
HAPPY = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class Redness(Recognizer):
    """Surprise is how much redder than green the mouth is, of 1; the rest is neutral."""

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        spot = bump(faces.shape[-1], 0.5, 0.72)
        share = (((faces[:, 0] - faces[:, 1]) * spot).sum((1, 2)) / spot.sum()).clamp(0, 1)
        probs = torch.zeros(len(faces), len(EMOTIONS))
        probs[:, 2], probs[:, 0] = share, 1 - share
        return Prediction(probs)


class Lighter(Editor):
    """Answers with a flat face of 0.1, whatever is asked for."""

    target_space = SPACE

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return Edit(torch.full_like(faces, 0.1), {})


def room(editor: Any = None, judge: Recognizer | None = None) -> Studio:
    return Studio(
        loaded("tint", editor or Tinting()), loaded("plain", judge or Redness()), loaded("identity", Brightness())
    )


@pytest.fixture(scope="module")
def one() -> FaceReading:
    return service.read(encoded(astronaut(), "PNG"), loaded()).faces[0]


def grey(one: FaceReading, level: int = 128) -> FaceReading:
    """The same place in the photograph, but a face of one grey."""
    return replace(one, crop=Image.new("RGB", one.crop.size, (level,) * 3))


def mouth(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float64)[round(0.72 * picture.height), round(0.5 * picture.width)]


def test_a_preset_asks_for_a_share_of_the_highest_value() -> None:
    space = TargetSpace(("fear", "AU4", "anger"), (-1.0, 0.0, 0.0), (2.0, 5.0, 1.0))
    assert editing.presets(space) == ["neutral", "anger", "fear"]
    assert editing.target_of(space, "fear", 0.25) == (0.5, 0.0, 0.0)
    assert editing.target_of(space, "anger", 1) == (0.0, 0.0, 1.0)
    assert editing.target_of(space, "neutral", 1.0) == (0.0, 0.0, 0.0)


def test_neutral_asks_for_nothing_even_where_it_has_a_name() -> None:
    space = TargetSpace(tuple(map(str, EMOTIONS)), (0.0,) * 8, (1.0,) * 8)
    assert editing.presets(space) == [str(e) for e in EMOTIONS]
    assert editing.target_of(space, "neutral", 1.0) == (0.0,) * 8


@pytest.mark.parametrize(
    ("emotion", "intensity", "words"),
    [
        ("hapiness", 0.5, 'Did you mean "happiness"'),
        ("joy", 0.5, "Choose one of: anger, contempt, disgust, fear, happiness, neutral, sadness, surprise"),
        ("Happiness", 0.5, "Did you mean"),
        ("fear", 1.01, "intensity must be a number from 0 to 1, not 1.01"),
        ("fear", -0.1, "not -0.1"),
        ("fear", math.nan, "not nan"),
        ("fear", math.inf, "not inf"),
        ("neutral", 2, "not 2"),
        ("fear", "0.5", "not '0.5'"),
        ("fear", True, "not True"),
        ("fear", None, "not None"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_in_words(emotion: str, intensity: object, words: str) -> None:
    with pytest.raises(FerError) as caught:
        editing.target_of(SPACE, emotion, intensity)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5,) * 6, "takes 7 values"),
        ((0.5,) * 6 + (1.5,), "contempt must be a number from 0 to 1, not 1.5"),
        ((math.nan,) + (0.0,) * 6, "happiness must be a number from 0 to 1, not nan"),
    ],
)
def test_sliders_beyond_their_range_are_refused_in_words(values: tuple[float, ...], words: str) -> None:
    with pytest.raises(FerError, match=words):
        editing.checked(SPACE, values)
    assert editing.checked(SPACE, (1, 0.5, 0, 0, 0, 0, 0)) == (1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_what_a_target_asks_for_most() -> None:
    assert editing.aim(SPACE, (0.2, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0)) == "sadness"
    assert editing.aim(SPACE, (0.0,) * 7) == "neutral"
    assert editing.aim(Muscular().target_space, (0.0,) * 23) == "neutral"
    assert editing.aim(Muscular().target_space, (3.0,) * 23) is None


def test_an_edit_is_what_the_editor_makes_and_its_numbers_are_those_of_the_judges(one: FaceReading) -> None:
    face = grey(one)
    done = editing.edit(room(), face, (0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert np.abs(mouth(done.image) - (128 + np.array([0.25, -0.125, -0.125]) * 127.5)).max() <= 1.5
    assert (done.image.size, done.label, done.target) == (face.crop.size, "surprise", (0.0, 0.5, 0, 0, 0, 0, 0))
    assert done.before == pytest.approx(0, abs=0.01)
    spot = bump(128, 0.5, 0.72)
    assert done.after == pytest.approx(float(0.375 * (spot * spot).sum() / spot.sum()), abs=0.01)
    assert (done.model, done.weights, done.sha256) == ("tint", "tint-fake", "0" * 64)


def test_identity_is_the_cosine_of_both_embeddings(one: FaceReading) -> None:
    """Brightness embeds a face of mean m as (1, 10 m): tinting a grey face leaves the mean, an unchanged face all."""
    assert editing.edit(room(), one, (0.0,) * 7).identity == pytest.approx(1, abs=1e-6)

    done = editing.edit(room(Lighter()), grey(one, 128), HAPPY)
    before, after = np.array([1, 10 * (128 / 127.5 - 1)]), np.array([1, 10 * (140 / 127.5 - 1)])
    cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    assert done.identity == pytest.approx(cosine, abs=0.002)


def test_an_editor_without_names_is_judged_by_what_the_judge_sees(one: FaceReading) -> None:
    done = editing.edit(room(Muscular()), grey(one), (5.0,) + (0.0,) * 22)
    assert done.label == "neutral"
    assert done.after < done.before


def test_a_transfer_is_what_the_model_makes_of_both(one: FaceReading) -> None:
    source = replace(
        grey(one, 255), crop=Image.new("RGB", (384, 384), "white"), probabilities={"fear": 0.9, "anger": 0.1}
    )
    done = editing.transfer(room(Shapeshifting()), grey(one), source)
    expected = tinted(to_tensor(grey(one).crop)[None], torch.ones(1))[0]
    assert (to_tensor(done.image) - expected).abs().max() <= 1.01 / 127.5
    assert (done.label, done.target) == ("fear", None)


def test_the_source_of_a_transfer_shows_one_person() -> None:
    assert editing.source_face(encoded(astronaut()), loaded()).label == "happiness"
    with pytest.raises(ImageError, match=r"4 faces were found in the second picture.*Crop it to one face"):
        editing.source_face(encoded(group(), "PNG"), loaded())
    with pytest.raises(NoFaceError, match="No face was found"):
        editing.source_face(encoded(Image.new("RGB", (300, 200), "grey")), loaded())
    with pytest.raises(ImageError, match="not a picture"):
        editing.source_face(b"no picture at all", loaded())


def test_a_film_goes_from_neutral_to_the_target_and_back(one: FaceReading) -> None:
    film = editing.film(room(), grey(one), HAPPY)
    red = [mouth(frame)[0] - mouth(frame)[1] for frame in film.strip]
    assert red == pytest.approx([0.75 * 127.5 * share for share in (0, 0.25, 0.5, 0.75, 1)], abs=3)
    assert {frame.size for frame in film.strip} == {(editing.FILM_PX,) * 2}
    plain = Image.new("RGB", (editing.FILM_PX,) * 2, (128,) * 3)
    corner = np.s_[-12:, -20:]
    marked = np.asarray(pictures.marked(plain))[corner]
    assert all((np.asarray(frame)[corner] == marked).all() for frame in film.strip)
    with Image.open(io.BytesIO(film.gif)) as gif:
        assert gif.n_frames == 2 * editing.STEPS
        level = []
        for place in range(gif.n_frames):
            gif.seek(place)
            level.append(mouth(gif.convert("RGB"))[0])
        assert np.argmax(level) == editing.STEPS
        assert level[1:] == pytest.approx(level[:0:-1], abs=1)  # back as there


def test_people_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    drawn = editing.people(room(Shapeshifting()), (0.0, 1.0, 0, 0, 0, 0, 0), 3)
    assert (len(drawn.faces), drawn.label, drawn.seed, drawn.model) == (6, "surprise", 3, "tint")
    assert drawn.agreed == 0  # the mouth is 0.375 redder at most: neutral to the judge
    again, other = (editing.people(room(Shapeshifting()), (0.0,) * 7, seed) for seed in (3, 4))
    assert again.agreed == 6
    assert len({face.tobytes() for face in (*again.faces, *other.faces)}) == 12
    assert [f.tobytes() for f in editing.people(room(Shapeshifting()), (0.0,) * 7, 3).faces] == [
        f.tobytes() for f in again.faces
    ]


@pytest.mark.parametrize("seed", [-1, 1.5, 2**31, None, "3", True, math.nan])
def test_a_seed_that_is_none_is_refused_in_words(seed: object) -> None:
    with pytest.raises(FerError, match="The seed must be a whole number from 0 to 2,147,483,647"):
        editing.checked_seed(seed)
    assert (editing.checked_seed(7), editing.checked_seed(7.0)) == (7, 7)


def returned(photo: Image.Image) -> str:
    return "data:image/png;base64," + base64.b64encode(encoded(photo, "PNG")).decode()


def test_the_face_is_pasted_where_it_is_also_into_a_smaller_photograph() -> None:
    photo = group()
    reading = service.read(photo, loaded())
    done = editing.edit(room(), reading.faces[2], HAPPY)
    for size in (photo.size, (photo.width // 2, photo.height // 2)):
        small = full_size.returned_photo(returned(photo.resize(size)), reading)
        change = np.asarray(full_size.pasted(room(), small, reading, done), int) - np.asarray(small, int)
        scale = size[0] / photo.width
        x, y = (scale * done.one.face.landmarks[3:].mean(0)).round().int().tolist()
        assert change[y, x, 0] > 25
        x0, y0, x1, y1 = (round(v * scale) for v in done.one.box)
        away = np.ones(change.shape[:2], bool)
        away[max(0, y0 - 40) : y1 + 60, max(0, x0 - 60) : x1 + 60] = False
        assert (change[away] == 0).all()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "no longer on the page"),
        (None, "no longer on the page"),
        ("https://example.org/face.jpg", "no longer on the page"),
        ("data:image/png;base64,%%%", "no longer on the page"),
        ("data:image/png;base64,bm8gcGljdHVyZQ==", "not a picture"),
        (returned(Image.new("RGB", (300, 100))), "no longer on the page"),  # another picture's proportions
    ],
)
def test_a_photograph_that_does_not_come_back_is_asked_for_again(address: object, words: str) -> None:
    reading = service.read(encoded(astronaut()), loaded())
    with pytest.raises(FerError, match=words):
        full_size.returned_photo(address, reading)


def test_the_studio_is_the_editor_with_its_judges() -> None:
    found = editing.studio(shelf(editors={"tint": Tinting()}), "tint")
    assert (found.editor.name, found.judge.name, found.embedder.name) == ("tint", "plain", "identity")
    with pytest.raises(RegistryError, match=r'no model called "plain"\. Choose one of: tint\.'):
        editing.studio(shelf(editors={"tint": Tinting()}), "plain")


def test_the_answer_of_the_api(one: FaceReading) -> None:
    turned = replace(one.face, landmarks=one.face.landmarks + torch.tensor([[0.0, 0], [0, 0], [40, 0], [0, 0], [0, 0]]))
    faces = [
        editing.face_json(editing.edit(room(), replace(one, face=face), HAPPY), "data:...")
        for face in (one.face, turned)
    ]
    answer: Mapping[str, Any] = editing.as_json(
        room(), service.read(encoded(astronaut()), loaded()), "happiness", 1.0, faces
    )
    assert {key: answer[key] for key in ("model", "weights", "emotion", "intensity", "width")} == {
        "model": "tint",
        "weights": "tint-fake",
        "emotion": "happiness",
        "intensity": 1.0,
        "width": 512,
    }
    assert [face["size"] for face in answer["faces"]] == [192, 192]
    assert answer["faces"][0]["caution"] == ""
    assert "turned far to the side" in answer["faces"][1]["caution"]
