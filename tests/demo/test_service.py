"""Reading pictures without the page: answers, sentences, and every bad input."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from demo import service
from demo.service import FaceReading
from fer.errors import ImageError, NoFaceError
from fer.types import Face
from tests.demo.fakes import Deadpanning, Rising, astronaut, crowd, encoded, group, loaded

NB = "\N{NO-BREAK SPACE}"
ASTRONAUT_FACE = (177, 61, 268, 177)  # measured by eye in the 512 px photograph


def shares(**given: float) -> dict[str, float]:
    rest = (1 - sum(given.values())) / (8 - len(given))
    return {name: given.get(name, rest) for name in map(str, service.fer.EMOTIONS)}


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        (shares(happiness=0.934), f"This face shows happiness (93{NB}%)."),
        (shares(neutral=0.6), f"This face shows no expression: neutral (60{NB}%)."),
        (shares(happiness=0.5), f"This face shows happiness (50{NB}%)."),
        (
            shares(sadness=0.38, neutral=0.3),
            f"No clear expression: closest is sadness (38{NB}%), then neutral (30{NB}%).",
        ),
        (shares(fear=0.9996), f"This face shows fear (99{NB}%)."),
    ],
)
def test_sentence(probabilities: dict[str, float], expected: str) -> None:
    assert service.sentence(probabilities) == expected


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0"), (0.004, "under 1"), (0.0151, "2"), (0.996, "99"), (1, "100"), (0.734, "73")]
)
def test_percent(share: float, text: str) -> None:
    assert service.percent(share) == f"{text}{NB}%"


def test_reading_of_one_face() -> None:
    reading = service.read(encoded(astronaut(), quality=95), loaded())
    answer = service.as_json(reading)
    assert (answer["width"], answer["height"], len(answer["faces"])) == (512, 512, 1)
    face = answer["faces"][0]
    assert np.abs(np.array(face["box"]) - ASTRONAUT_FACE).max() < 12
    assert face["label"] == "happiness"
    assert face["probabilities"]["happiness"] == pytest.approx(0.65)
    assert list(face["probabilities"]) == [str(e) for e in service.fer.EMOTIONS]
    assert reading.faces[0].crop.size == (192, 192)  # 133 px wide in the photograph


def test_the_astronauts_crop_holds_the_face_upright() -> None:
    sharp = service.read(encoded(astronaut()), loaded()).faces[0].crop
    crop = np.asarray(sharp.resize((128, 128)), np.float64)
    mouth, forehead = crop[88:98, 50:78].mean((0, 1)), crop[28:36, 56:72].mean((0, 1))
    assert mouth[0] - mouth[2] > 20  # lips are red
    assert forehead[0] > 180  # skin is light


def test_faces_are_read_in_the_order_of_their_size() -> None:
    faces = service.read(encoded(group()), loaded()).faces
    assert [face.label for face in faces] == ["happiness", "surprise", "sadness", "anger"]
    sizes = [max(f.box[2] - f.box[0], f.box[3] - f.box[1]) for f in faces]
    assert sizes == sorted(sizes, reverse=True)


def test_fifty_faces() -> None:
    assert len(service.read(encoded(crowd(10, 5, 128)), loaded()).faces) == 50


def test_rotation_in_exif_is_undone() -> None:
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise by 90 degrees
    sent = encoded(astronaut().transpose(Image.Transpose.ROTATE_90).crop((0, 0, 500, 512)), exif=exif)
    reading = service.read(sent, loaded())
    assert (reading.width, reading.height) == (512, 500)
    assert np.abs(np.array(reading.faces[0].box)[[0, 2]] - np.array(ASTRONAUT_FACE)[[0, 2]]).max() < 12


def test_cmyk_is_read() -> None:
    assert service.read(encoded(astronaut().convert("CMYK")), loaded()).faces[0].label == "happiness"


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels: all that a reader of a decompression bomb should look at."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", body), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def animation() -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


BAD = {
    "not an image": (b"%PDF-1.7 this is no picture", ImageError, "not a picture"),
    "truncated": (encoded(astronaut())[:9000], ImageError, "damaged or incomplete"),
    "empty": (b"", ImageError, "0 bytes"),
    "bomb": (png_header(60_000, 60_000), ImageError, "pixels"),
    "1 x 1": (encoded(Image.new("RGB", (1, 1)), "PNG"), ImageError, "at least 16 px"),
    "20,000 wide": (encoded(Image.new("1", (20_000, 20)), "PNG"), ImageError, "12,000 px"),
    "animation": (animation(), ImageError, "animation"),
    "no face": (encoded(Image.new("RGB", (300, 200), "grey")), NoFaceError, "No face was found. Use a photograph"),
    "12 px faces": (encoded(crowd(4, 2, 30).resize((120, 60))), NoFaceError, "at least 20 pixels wide"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_with_one_sentence(name: str) -> None:
    sent, kind, words = BAD[name]
    with pytest.raises(kind) as caught:
        service.read(sent, loaded())
    text = str(caught.value)
    assert words in text
    assert text.endswith(".")
    assert "\n" not in text
    assert "Traceback" not in text


def test_small_faces_carry_a_caution() -> None:
    faces = service.read(encoded(crowd(3, 1, 90)), loaded()).faces
    assert 20 <= faces[0].width_px < 48
    assert f"only {faces[0].width_px} px wide" in service.caution(faces[0])
    assert service.caution(service.read(encoded(astronaut()), loaded()).faces[0]) == ""
    answers = service.as_json(service.read(encoded(crowd(3, 1, 90)), loaded()))["faces"]
    assert answers[0]["caution"] == service.caution(faces[0])


def test_examples_are_all_read() -> None:
    counts = {e.caption: len(service.read(e.picture(), loaded()).faces) for e in service.examples()}
    assert list(counts.values()) == [1, 1, 1, 1, 1, 4]


def turned(
    aside: float, tilt_degrees: float, confidence: float = 1.0, width: float = 100.0, height: float = 0.5
) -> FaceReading:
    """A face whose nose tip lies ``aside`` eye distances from the midline, at ``height`` from the eyes to the mouth."""
    points = torch.tensor([[-20.0, 0], [20, 0], [40 * aside, 46 * height], [-15, 46], [15, 46]])
    angle = math.radians(tilt_degrees)
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    face = Face(torch.zeros(3, 128, 128), (0, 0, width, 120), points @ turn + 200, confidence, torch.eye(2, 3))
    return FaceReading(face, shares(happiness=0.9), Image.new("RGB", (128, 128)))


@pytest.mark.parametrize("tilt", [0.0, 25.0, -70.0])
def test_pose_is_that_of_the_landmarks(tilt: float) -> None:
    assert service.pose(turned(0.3, tilt, height=0.7).face) == pytest.approx((0.3, tilt, 0.7), abs=1e-4)


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (turned(service.TURNED - 0.01, service.TILTED_DEGREES - 1, service.SURE_FACE, service.SMALL_FACE_PX), []),
        (turned(-service.TURNED - 0.01, 0), ["turned far to the side"]),
        (turned(0, -31), ["tilted by 31 degrees"]),
        (turned(0, 0, height=0.34), []),
        (turned(0, 0, height=0.32), ["thrown back"]),
        (turned(0, 0, height=0.76), ["bent far down"]),
        (turned(0, 0, 0.941), [f"only 94{NB}% sure"]),
        (turned(0, 0, width=47), ["only 47 px wide"]),
        (turned(0.3, 31, 0.9, 40), ["40 px", f"90{NB}% sure", "turned", "tilted"]),
    ],
)
def test_caution_names_each_reason_in_a_sentence(face: FaceReading, words: list[str]) -> None:
    text = service.caution(face)
    assert all(word in text for word in words)
    assert bool(text) == bool(words)
    assert text == "" or text.endswith(".")


def test_another_model_reads_the_same_faces() -> None:
    reading = service.read(encoded(astronaut()), loaded())
    again = service.read_again(reading, loaded("derl", Deadpanning()))
    assert [face.label for face in again.faces] == ["surprise"]
    assert (again.model, again.weights, again.width) == ("derl", "derl-fake", 512)
    assert again.faces[0].crop is reading.faces[0].crop


def test_action_units_are_read_beside_and_stay_when_another_model_names_the_expression() -> None:
    reading = service.read(encoded(group()), loaded(), loaded("au", Rising()))
    assert reading.faces[0].units["AU12"] == pytest.approx(8 / 22)
    assert reading.faces[1].units["AU12"] == pytest.approx(4 / 22)
    assert service.read_again(reading, loaded("derl", Deadpanning())).faces[1].units == reading.faces[1].units
    assert service.as_json(reading)["faces"][1]["action_units"]["AU43"] == 0.5
    nobody = service.read(encoded(group()), loaded())
    assert [face.units for face in nobody.faces] == [{}] * 4
    assert service.as_json(nobody)["faces"][0]["action_units"] == {}


def test_sharp_crops_show_what_the_aligned_face_shows() -> None:
    (face,) = service.read(encoded(astronaut().resize((1536, 1536), Image.Resampling.BICUBIC)), loaded()).faces
    assert face.crop.size == (512, 512)
    small = np.asarray(face.crop.resize((128, 128), Image.Resampling.BOX), np.float64)
    aligned = (face.face.pixels.permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(small - aligned).mean() < 3
