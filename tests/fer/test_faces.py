"""Detection on a real, public-domain photograph, and alignment against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from fer import faces as faces_module
from fer.canonical import CANONICAL_POINTS
from fer.errors import ImageError, NoFaceError
from fer.faces import (
    FACE_SIZE_PX,
    PASTE_RADII,
    align,
    detect,
    detect_many,
    largest,
    paste_back,
    similarity,
)
from fer.images import to_picture, to_tensor
from fer.regions import FACE_ELLIPSE
from fer.types import Face

ASTRONAUT_EYES = ((205, 102), (247, 104))  # read off the 512 x 512 photograph by eye, px


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    from skimage.data import astronaut as load

    return Image.fromarray(load())


def smooth_picture(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / 23 + k) + np.cos(y / 17 - k) for k in range(3)]
    return Image.fromarray((np.stack(waves, -1) * 60 + 128).clip(0, 255).astype(np.uint8))


def test_similarity_recovers_a_known_transform() -> None:
    angle, scale, shift = 0.4, 1.7, torch.tensor([12.0, -5.0])
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
    source = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)) * 30
    found = similarity(source, source @ turn.T + shift)
    assert torch.allclose(found[:, :2], turn, atol=1e-4)
    assert torch.allclose(found[:, 2], shift, atol=1e-3)


def test_astronaut_is_found_where_she_is(astronaut: Image.Image) -> None:
    (face,) = detect(astronaut)
    assert face.confidence > 0.99
    assert torch.allclose(face.landmarks[:2], torch.tensor(ASTRONAUT_EYES, dtype=torch.float32), atol=5)
    x0, y0, x1, y1 = face.box
    assert 165 < x0 < 195
    assert 45 < y0 < 80
    assert 250 < x1 < 285
    assert 155 < y1 < 190
    assert face.pixels.shape == (3, FACE_SIZE_PX, FACE_SIZE_PX)


def test_to_source_takes_canonical_points_to_the_landmarks(astronaut: Image.Image) -> None:
    (face,) = detect(astronaut)
    canonical = torch.cat([torch.tensor(CANONICAL_POINTS) * FACE_SIZE_PX, torch.ones(5, 1)], 1)
    distance = (canonical @ face.to_source.T - face.landmarks).norm(dim=1)
    assert float(distance.max()) < 8  # px; a smile is wider than the canonical mouth, a similarity cannot meet it


def test_aligned_pixels_are_the_photograph_seen_through_to_source(astronaut: Image.Image) -> None:
    (face,) = detect(astronaut)
    place = face.to_source @ torch.tensor([64.5, 70.5, 1.0])
    x, y = (int(v) for v in place)
    around = to_tensor(astronaut)[:, y - 1 : y + 2, x - 1 : x + 2].flatten(1)
    centre = face.pixels[:, 70, 64]
    assert (centre >= around.min(1).values - 0.02).all()
    assert (centre <= around.max(1).values + 0.02).all()


def test_align_with_the_identity_returns_the_picture() -> None:
    picture = smooth_picture(FACE_SIZE_PX, FACE_SIZE_PX)
    pixels, to_source = align(picture, torch.tensor(CANONICAL_POINTS) * FACE_SIZE_PX)
    assert torch.allclose(to_source, torch.eye(2, 3), atol=1e-4)
    assert float((pixels - to_tensor(picture)).abs().max()) < 0.02


def test_align_undoes_a_turn_and_a_zoom() -> None:
    reference = smooth_picture(FACE_SIZE_PX, FACE_SIZE_PX)
    turned = reference.resize((384, 384), Image.Resampling.BICUBIC).transpose(Image.Transpose.ROTATE_90)
    points = torch.tensor(CANONICAL_POINTS) * 384
    landmarks = torch.stack([points[:, 1], 384 - points[:, 0]], 1)  # a quarter turn to the left
    pixels, _ = align(turned, landmarks)
    assert float((pixels - to_tensor(reference))[:, 2:-2, 2:-2].abs().mean()) < 0.02


@pytest.mark.parametrize("size", [(512, 512), (2048, 2048), (300, 300)])
def test_scale_of_the_photograph_does_not_matter(astronaut: Image.Image, size: tuple[int, int]) -> None:
    (reference,) = detect(astronaut)
    (face,) = detect(astronaut.resize(size, Image.Resampling.BICUBIC))
    factor = size[0] / 512
    assert torch.allclose(face.landmarks / factor, reference.landmarks, atol=4)
    assert float((face.pixels - reference.pixels).abs().mean()) < 0.12


def test_a_tight_crop_is_still_a_face(astronaut: Image.Image) -> None:
    crop = astronaut.crop((175, 60, 275, 175)).resize((48, 55), Image.Resampling.BICUBIC)
    (face,) = detect(crop)
    assert 10 < float(face.landmarks[0, 0]) < 20


def test_grey_photograph_gives_a_grey_face(astronaut: Image.Image) -> None:
    (face,) = detect(astronaut.convert("L"))
    assert torch.equal(face.pixels[0], face.pixels[2])


def test_many_photographs_of_mixed_sizes_keep_their_order(astronaut: Image.Image) -> None:
    empty = Image.new("RGB", (512, 512), (90, 120, 90))
    found = detect_many([astronaut, empty, astronaut.resize((400, 400)), astronaut])
    assert [len(faces) for faces in found] == [1, 0, 1, 1]
    assert torch.allclose(found[0][0].landmarks, found[3][0].landmarks, atol=0.1)


def test_fifty_faces(astronaut: Image.Image) -> None:
    head = astronaut.crop((150, 20, 310, 200)).resize((128, 144))
    crowd = Image.new("RGB", (1280, 720), (200, 200, 200))
    for i in range(50):
        crowd.paste(head, (i % 10 * 128, i // 10 * 144))
    faces = detect(crowd)
    assert len(faces) == 50
    assert len({(round(f.box[0] / 128), round(f.box[1] / 144)) for f in faces}) == 50


def test_faces_of_twelve_pixels_are_not_reported(astronaut: Image.Image) -> None:
    tiny = astronaut.crop((150, 20, 310, 200)).resize((21, 24), Image.Resampling.LANCZOS)  # the face is 12 px wide
    scene = Image.new("RGB", (400, 300), (150, 150, 150))
    scene.paste(tiny, (200, 150))
    assert detect(scene) == []


def test_no_face_is_a_sentence_with_what_to_do() -> None:
    with pytest.raises(NoFaceError, match=r"No face was found\. Use a photograph"):
        largest(smooth_picture(320, 240))


def test_face_cut_by_the_frame_is_finite(astronaut: Image.Image) -> None:
    faces = detect(astronaut.crop((190, 50, 400, 300)))
    assert len(faces) == 1
    assert all(bool(face.pixels.isfinite().all()) for face in faces)


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (1000, 16), (129, 128)])
def test_noise_of_odd_sizes_has_no_face(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    assert detect(noise) == []


@pytest.mark.parametrize("shift", [(-400, 0), (400, 0), (0, -400), (0, 400), (-400, -400)])
def test_align_beyond_the_frame_repeats_the_border(shift: tuple[int, int]) -> None:
    landmarks = torch.tensor(CANONICAL_POINTS) * FACE_SIZE_PX + torch.tensor(shift)
    pixels, _ = align(Image.new("RGB", (200, 200), (255, 0, 0)), landmarks)
    assert torch.allclose(pixels[0], torch.ones(FACE_SIZE_PX, FACE_SIZE_PX), atol=1e-4)


def test_a_picture_that_breaks_the_detector_does_not_harm_its_batch(
    astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fragile:
        """MTCNN that fails, as it does on boxes without pixels, where a picture is all black."""

        def __init__(self, detector: object) -> None:
            self.detector = detector

        def detect(self, stack: np.ndarray, landmarks: bool) -> object:
            if (stack.reshape(len(stack), -1).max(1) == 0).any():
                raise IndexError("index 5 is out of bounds")
            return self.detector.detect(stack, landmarks=landmarks)  # type: ignore[attr-defined]

    fragile = Fragile(faces_module._detector())
    monkeypatch.setattr(faces_module, "_detector", lambda: fragile)
    black = Image.new("RGB", astronaut.size)
    assert len(detect_many([astronaut, astronaut])[1]) == 1
    with pytest.raises(ImageError, match="detector failed on this picture"):
        detect_many([astronaut, black])


def test_faces_that_are_tiny_for_a_large_photograph_are_named_in_the_sentence(astronaut: Image.Image) -> None:
    head = astronaut.crop((150, 20, 310, 200))  # the face is 86 px wide
    scene = Image.new("RGB", (4300, 400), (150, 150, 150))  # a fiftieth of it is 86 px
    scene.paste(head, (2000, 100))
    assert len(detect(scene)) == 1
    scene = Image.new("RGB", (12_000, 400), (150, 150, 150))
    scene.paste(head, (2000, 100))
    with pytest.raises(NoFaceError, match="a fiftieth of the photograph's longer side"):
        largest(scene)


def test_bad_picture_raises_its_own_error() -> None:
    with pytest.raises(ImageError, match="empty"):
        detect(b"")


def test_aligned_face_looks_like_the_photograph(astronaut: Image.Image) -> None:
    (face,) = detect(astronaut)
    found = detect(to_picture(face.pixels).resize((256, 256), Image.Resampling.BICUBIC))
    points = found[0].landmarks / 256
    assert float((points - torch.tensor(CANONICAL_POINTS)).abs().max()) < 0.06


def turned_face(picture: Image.Image, size_px: int, side: float = 170.0) -> Face:
    """A face at (300, 200) whose aligned square is ``side`` px of the picture wide and turned by 20 degrees."""
    turn = math.radians(20)
    rows = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) * side
    landmarks = (torch.tensor(CANONICAL_POINTS) - 0.5) @ rows.T + torch.tensor([300.0, 200.0])
    pixels, to_source = align(picture, landmarks, size_px)
    return Face(pixels, (200, 100, 400, 300), landmarks, 1.0, to_source)


def radii(face: Face, width: int, height: int) -> np.ndarray:
    """Distance of every pixel from the face's centre, 1 on its ellipse."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    places = torch.tensor(np.stack([x, y], -1)).float() - face.to_source[:, 2]
    unit = (places @ torch.linalg.inv(face.to_source[:, :2]).T / face.pixels.shape[-1]).numpy()
    x0, y0, half_x, half_y = FACE_ELLIPSE
    return np.asarray(np.hypot((unit[..., 0] - x0) / half_x, (unit[..., 1] - y0) / half_y))


@pytest.mark.parametrize(("size_px", "side"), [(128, 170.0), (256, 300.0), (128, 40.0)])
def test_paste_back_of_a_constant_change_is_whole_inside_and_nothing_outside(size_px: int, side: float) -> None:
    picture = smooth_picture(600, 400)
    face = turned_face(picture, size_px, side)
    pasted = paste_back(picture, [face], [face.pixels + 10 / 127.5])
    change = np.asarray(pasted, np.int64) - np.asarray(picture, np.int64)
    distance = radii(face, 600, 400)
    room = np.asarray(picture).max(-1) < 245
    assert (change[(distance < PASTE_RADII[0] - 0.01) & room] == 10).all()
    assert (change[distance > PASTE_RADII[1] + 0.01] == 0).all()
    between = (distance > PASTE_RADII[0] + 0.1) & (distance < PASTE_RADII[1] - 0.1) & room
    assert ((change[between] > 0) & (change[between] < 10)).all()


def test_paste_back_of_unchanged_faces_is_the_photograph() -> None:
    picture = smooth_picture(600, 400)
    face = turned_face(picture, 128)
    assert paste_back(picture, [face, face], [face.pixels, face.pixels]).tobytes() == picture.tobytes()


def test_paste_back_puts_a_change_where_it_was_made() -> None:
    picture = Image.new("RGB", (600, 400), (100, 100, 100))
    face = turned_face(picture, 256)
    edited = face.pixels.clone()
    edited[:, 120:136, 160:176] = 1.0
    changed = np.asarray(paste_back(picture, [face], [edited]), np.float64)[..., 0] - 100
    y, x = np.mgrid[0:400, 0:600] + 0.5
    centre = torch.tensor([(changed * x).sum(), (changed * y).sum()]).float() / changed.sum()
    assert torch.allclose(centre, face.to_source @ torch.tensor([168.0, 128.0, 1.0]), atol=0.1)
    recut = align(Image.fromarray((changed + 100).astype(np.uint8)), face.landmarks, 256)[0]
    assert float((recut[:, 124:132, 164:172] - 1).abs().max()) < 0.1


def test_paste_back_at_and_beyond_the_frame() -> None:
    picture = smooth_picture(330, 210)  # the face's centre lies close to the lower right corner
    face = turned_face(picture, 128)
    pasted = paste_back(picture, [face], [face.pixels - 0.5])
    assert pasted.size == picture.size
    assert pasted.tobytes() != picture.tobytes()
    away = smooth_picture(100, 60)
    beyond = turned_face(away, 128, 100.0)
    assert paste_back(away, [beyond], [beyond.pixels - 0.5]).tobytes() == away.tobytes()


def test_paste_back_refuses_another_size() -> None:
    picture = smooth_picture(600, 400)
    with pytest.raises(ValueError, match="sizes that they were cut at"):
        paste_back(picture, [turned_face(picture, 128)], [torch.zeros(3, 64, 64)])
