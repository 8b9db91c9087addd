"""What was removed, whether it mattered, and the photograph in which everyone is deadpan."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from demo import removal, service
from demo.removal import Faithfulness
from fer.models.base import Recognizer
from fer.regions import face_ellipse
from fer.types import EMOTIONS, Framing, Prediction
from tests.demo.fakes import Deadpanning, astronaut, encoded, group, loaded

NB = "\N{NO-BREAK SPACE}"


class Brightness(Recognizer):
    """Happiness is the mean of the face's ellipse, 0 for black and 1 for white; the rest is neutral."""

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        share = ((faces[:, 0] + 1) / 2)[:, face_ellipse(faces.shape[-1]) > 0].mean(1)
        probs = torch.zeros(len(faces), len(EMOTIONS))
        probs[:, 1], probs[:, 0] = share, 1 - share
        return Prediction(probs)


def test_faithfulness_of_a_judge_with_a_closed_form() -> None:
    """The face is white in the fifth with the residue, grey elsewhere: only hiding the white changes the answer."""
    side = 128
    inside = face_ellipse(side) > 0
    rows = torch.arange(side)[:, None].expand(side, side)
    order = rows[inside].argsort(descending=True, stable=True)
    count = round(removal.HIDDEN_SHARE * int(inside.sum()))
    white = torch.zeros(side * side, dtype=torch.bool)
    white[inside.flatten().nonzero()[:, 0][order[:count]]] = True
    level = 0.2
    face = torch.where(white.view(1, side, side), 1.0, level).repeat(3, 1, 1)
    found = removal.faithfulness(Brightness(), face, white.view(1, side, side).float().repeat(3, 1, 1))
    share, base = count / int(inside.sum()), (level + 1) / 2
    assert found.label == "happiness"
    assert found.whole == pytest.approx(share + (1 - share) * base, abs=0.005)
    assert base <= found.without_residue < found.whole - 0.02  # the blurred white is greyer than white
    assert abs(found.without_chance - found.whole) < abs(found.without_residue - found.whole)


def test_hiding_a_flat_face_changes_nothing_and_is_repeatable() -> None:
    face = torch.full((3, 128, 128), 0.6)
    residue = torch.rand(3, 256, 256)
    found = removal.faithfulness(Brightness(), face, residue)
    assert found.whole == pytest.approx(0.8, abs=1e-6)
    assert found.without_residue == pytest.approx(0.8, abs=0.005)
    assert found == removal.faithfulness(Brightness(), face, residue)


def test_the_sentence_of_faithfulness() -> None:
    assert Faithfulness("happiness", 0.97, 0.31, 0.8).sentence() == (
        f"Hiding the fifth of the face with the most residue lowers happiness from 97{NB}% to 31{NB}%; hiding a random "
        f"fifth lowers it to 80{NB}%."
    )
    assert Faithfulness("fear", 0.993, 0.991, 0.9).sentence() == (
        f"Hiding the fifth of the face with the most residue leaves fear at 99{NB}%; hiding a random fifth lowers "
        f"it to 90{NB}%."
    )
    assert "raises neutral from" in Faithfulness("neutral", 0.6, 0.9, 0.5).sentence()


def test_a_removal_gives_the_parts_by_their_meaning() -> None:
    reading = service.read(encoded(astronaut()), loaded())
    (one,) = removal.remove(Deadpanning(), reading.faces)
    assert one.neutral.shape == (3, 192, 192)
    assert float(one.residue[138, 96]) == pytest.approx(0.2, abs=0.01)  # 0.4 of a range of 2
    assert [side for side, _ in one.layers] == [64, 32, 16, 8]
    assert [tuple(values.shape) for _, values in one.layers] == [(64, 64), (32, 32), (16, 16), (8, 8)]
    assert set(one.votes) == {"64", "fusion"}
    assert one.votes["fusion"]["happiness"] == pytest.approx(0.65)
    assert one.landmarks is not None
    assert torch.allclose(one.landmarks[1] - one.landmarks[0], torch.tensor([0.02, 0.01]))


def test_parts_that_a_model_lacks_are_absent() -> None:
    bare = removal.Removal(torch.zeros(3, 128, 128), torch.full((3, 128, 128), 0.5), {})
    assert (bare.layers, bare.votes, bare.landmarks) == ([], {}, None)
    assert float(bare.residue.mean()) == pytest.approx(-0.25)


def test_faces_of_several_sizes_come_back_in_their_order() -> None:
    reading = service.read(encoded(group(), "PNG"), loaded())
    assert {face.crop.width for face in reading.faces} == {384}
    mixed = [reading.faces[0], service.read(encoded(astronaut()), loaded()).faces[0], *reading.faces[1:]]
    sizes = [one.face.shape[-1] for one in removal.remove(Deadpanning(), mixed)]
    assert sizes == [384, 192, 384, 384, 384]


def test_everyone_changes_where_the_faces_are_and_nowhere_else() -> None:
    photo = group()
    reading = service.read(photo, loaded())
    removals = removal.remove(Deadpanning(), reading.faces)
    pasted = removal.everyone(photo, reading.faces, removals)
    change = np.asarray(pasted, np.int64).mean(-1) - np.asarray(photo, np.int64).mean(-1)
    away = np.ones(change.shape, bool)
    for one in reading.faces:
        mouth = one.face.landmarks[3:].mean(0).round().int().tolist()
        assert change[mouth[1], mouth[0]] < -25  # darker by about 0.4 of 2 at the middle of the mouth
        x0, y0, x1, y1 = (int(v) for v in one.box)
        away[max(0, y0 - 40) : y1 + 60, max(0, x0 - 60) : x1 + 60] = False
    assert pasted.size == photo.size
    assert (change[away] == 0).all()


def test_the_answer_of_the_api() -> None:
    reading = service.read(encoded(astronaut()), loaded())
    remover = loaded("derl", Deadpanning())
    answer = removal.as_json(reading, remover, removal.remove(remover.model, reading.faces), ["data:..."])
    assert (answer["model"], answer["weights"], answer["width"]) == ("derl", "derl-fake", 512)
    (face,) = answer["faces"]
    assert face["parts"]["residue.8"]["shape"] == [1, 8, 8]
    assert face["parts"]["residue.pixel"]["largest"] == pytest.approx(0.4, abs=0.01)
    assert face["votes"]["64"]["happiness"] == pytest.approx(0.65)
