"""The baseline recogniser: framing, views, batches, its recipe and its bundled weights."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import fer
from fer.data import ferplus
from fer.errors import TrainingError
from fer.framing import standardise, tight_luminance
from fer.models import plain_training
from fer.models.deform import DeformConfig
from fer.models.plain import Plain, PlainConfig, zoomed
from fer.models.plain_training import PlainRecipe, Shuffled, augment, tight_faces
from fer.temperature import HeldOut, fit_temperature
from fer.train import with_settings
from fer.training import train
from fer.types import Emotion, Framing
from fer.weights import find

TINY = PlainConfig(widths=(4, 8, 8, 8), blocks=(1, 1, 1))


@pytest.fixture(scope="module")
def astronaut() -> Tensor:
    from skimage.data import astronaut as load

    return fer.stack(fer.detect(load()))


def test_tight_framing_reads_grey_pixels_as_they_are() -> None:
    grey = torch.arange(48 * 48).reshape(1, 1, 48, 48) / (48 * 48 - 1)
    faces = (grey * 2 - 1).repeat(1, 3, 1, 1)
    assert torch.allclose(tight_luminance(faces, Framing.TIGHT, 48), grey, atol=1e-5)


def test_aligned_framing_cuts_the_tight_window() -> None:
    faces = -torch.ones(1, 3, 128, 128)
    faces[:, :, 8:116, 9:117] = 1.0  # rows and columns of the window: 0.065, 0.073 and 0.8425 of 128
    assert float(tight_luminance(faces, Framing.ALIGNED, 48).min()) == pytest.approx(1.0)
    assert float(tight_luminance(faces, Framing.TIGHT, 48).min()) == 0.0


def test_luminance_weighs_the_colours() -> None:
    red = torch.tensor([1.0, -1.0, -1.0])[None, :, None, None].expand(1, 3, 48, 48)
    assert torch.allclose(tight_luminance(red, Framing.TIGHT, 48), torch.full((1, 1, 48, 48), 0.299), atol=1e-4)


def test_standardise_ignores_brightness_and_contrast() -> None:
    x = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 100
    y = standardise(3 * x + 7)
    assert torch.allclose(y, standardise(x), atol=1e-2)
    assert float(y.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(y.std()) == pytest.approx(1.0, abs=1e-2)
    assert float(standardise(torch.full((1, 1, 8, 8), 0.4)).abs().max()) < 1e-5


def test_zoom_enlarges_about_the_centre() -> None:
    x = torch.zeros(1, 1, 48, 48)
    x[:, :, 20:28, 20:28] = 1
    assert torch.equal(zoomed(x, 1.0), x)
    assert float(zoomed(x, 1.5).sum()) == pytest.approx(64 * 1.5**2, rel=0.05)
    shrunk = zoomed(x, 0.5)[:, :, 12:36, 12:36]  # around it lie its reflections
    assert float(shrunk.sum()) == pytest.approx(64 * 0.5**2, rel=0.1)


def test_mirrored_face_reads_the_same(astronaut: Tensor) -> None:
    torch.manual_seed(0)
    model = Plain(TINY).eval()
    probs = model.recognize(astronaut, Framing.TIGHT).probs
    assert torch.allclose(probs, model.recognize(astronaut.flip(3), Framing.TIGHT).probs, atol=1e-4)


def test_batch_reads_as_one_by_one(astronaut: Tensor) -> None:
    model = fer.load("plain", device="cpu")
    batch = torch.cat([astronaut, astronaut.flip(2), -astronaut])
    together = model.recognize(batch).probs
    alone = torch.cat([model.recognize(face[None]).probs for face in batch])
    assert torch.allclose(together, alone, atol=1e-4)


def test_no_faces_give_no_rows() -> None:
    assert fer.load("plain", device="cpu").recognize(torch.zeros(0, 3, 128, 128)).probs.shape == (0, 8)


def test_bundled_weights_read_the_astronaut_as_happy(astronaut: Tensor) -> None:
    label, probability = fer.load("plain", device="cpu").recognize(astronaut).top()
    assert label is Emotion.HAPPINESS
    assert probability > 0.8


def test_bundled_weights_hold_on_what_users_send(astronaut: Tensor) -> None:
    model = fer.load("plain", device="cpu")
    grey = astronaut.mean(1, keepdim=True).expand_as(astronaut)
    small = torch.nn.functional.interpolate(astronaut, (32, 32), mode="area")
    dark = (astronaut + 1) * 0.25 - 1
    for name, variant in {"grey": grey, "small": small, "dark": dark}.items():
        assert model.recognize(variant).top()[0] is Emotion.HAPPINESS, name


def test_card_of_the_bundled_weights() -> None:
    card = find("plain").card
    assert card["parameters"] <= 5_000_000
    assert card["bytes"] < 10_000_000
    assert card["metrics"]["validation_accuracy"] > 0.86
    assert {"command", "seed", "steps", "hours", "hardware", "data", "licence", "limits", "recipe"} <= set(card)


@pytest.mark.parametrize("changes", [{"blocks": (1, 1)}, {"temperature": 0.0}, {"zooms": ()}, {"zooms": (-1.0,)}])
def test_config_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"PlainConfig\."):
        PlainConfig(**changes)  # type: ignore[arg-type]


def test_votes_of_one_are_dropped() -> None:
    votes = np.array([[5, 4, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1, 9, 0], [0, 2, 0, 0, 0, 0, 0, 6, 2, 0]])
    target, usable = ferplus.vote_distribution(votes)
    assert usable.tolist() == [True, False, True]
    assert target[0, :3] == pytest.approx([5 / 9, 4 / 9, 0])
    assert target[2, [1, 7]] == pytest.approx([0.25, 0.75])


def test_duplicates_are_found_shifted_in_brightness_and_mirrored() -> None:
    faces = torch.nn.functional.interpolate(torch.rand(6, 1, 8, 8), (48, 48), mode="bicubic")[:, 0].clamp(0, 1)
    pixels = (faces * 255).to(torch.uint8)
    held_out = torch.stack([pixels[1].flip(1), (pixels[4].float() * 0.6 + 40).to(torch.uint8)])
    assert ferplus.duplicates(pixels, held_out).tolist() == [False, True, False, False, True, False]


def test_shuffled_visits_every_row_once_an_epoch_and_does_not_depend_on_the_past() -> None:
    target = torch.eye(8)[torch.arange(10) % 8]
    pixels = torch.arange(10, dtype=torch.uint8)[:, None, None].expand(10, 2, 2)
    stream = Shuffled(pixels, target, per_batch=3, seed=1)
    seen = torch.cat([stream.batch(step)[0][:, 0, 0] for step in range(10)])
    for epoch in seen.split(10):  # type: ignore[no-untyped-call]
        assert sorted(epoch.tolist()) == list(range(10))
    fresh = Shuffled(pixels, target, per_batch=3, seed=1)
    assert torch.equal(fresh.batch(7)[0], stream.batch(7)[0])


def test_a_source_may_give_no_faces_but_not_fewer() -> None:
    pixels, target = torch.zeros(4, 2, 2, dtype=torch.uint8), torch.eye(8)[:4]
    none = Shuffled(pixels, target, per_batch=0, seed=1).batch(5)
    assert [(part.shape, part.dtype) for part in none] == [((0, 2, 2), torch.uint8), ((0, 8), torch.float32)]
    with pytest.raises(TrainingError, match="cannot hold -1 faces"):
        Shuffled(pixels, target, per_batch=-1, seed=1)


def test_labels_of_photographs_are_softened() -> None:
    pixels, target = tight_faces((torch.zeros(2, 3, 128, 128, dtype=torch.uint8), torch.tensor([1, 7])), 48)
    assert pixels.shape == (2, 48, 48)
    assert target.sum(1).tolist() == pytest.approx([1.0, 1.0])
    assert target[0, 1] == pytest.approx(0.9)


def test_augmentation_keeps_shape_and_scale() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (64, 48, 48), dtype=torch.uint8)
    x = augment(pixels, 40)
    assert x.shape == (64, 1, 40, 40)
    assert bool(x.isfinite().all())
    assert 0.5 < float(x.std()) < 1.5


def test_temperature_recovers_a_known_one() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4_000, 8, generator=generator) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits * 1.7, labels) == pytest.approx(1.7, rel=0.08)


def test_a_trained_model_is_shipped_with_its_temperature() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4_000, 8, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    known, trained = HeldOut(logits, labels), Plain(TINY)
    model, numbers = known.calibrate(Plain, TINY, trained, lambda given: given * 0.6)
    assert model.config == replace(TINY, temperature=model.config.temperature)
    assert model.config.temperature == pytest.approx(0.6, rel=0.08)
    assert not model.training
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in model.state_dict().items())
    least = float(torch.nn.functional.cross_entropy(logits, labels))
    assert numbers["validation_nll"] == pytest.approx(least, abs=2e-3)
    rough = known.scores(lambda given: given @ torch.eye(8))["validation_nll"]
    assert rough == float(torch.nn.functional.cross_entropy(logits.bfloat16().float(), labels))


def test_settings_change_the_recipe() -> None:
    assert with_settings(PlainRecipe(), ["seed=4", "learning_rate=0.05"]) == PlainRecipe(seed=4, learning_rate=0.05)
    with pytest.raises(TrainingError, match='has no "sed"'):
        with_settings(PlainRecipe(), ["sed=4"])
    with pytest.raises(TrainingError, match='"many" is no int'):
        with_settings(PlainRecipe(), ["seed=many"])


def test_a_switch_is_true_or_false_and_nothing_else() -> None:
    assert with_settings(DeformConfig(), ["motion=false"]) == DeformConfig(motion=False)
    assert with_settings(DeformConfig(motion=False), ["motion=true"]) == DeformConfig()
    for text in ("False", "0", "no", ""):
        with pytest.raises(TrainingError, match=f'motion is either true or false, not "{text}"'):
            with_settings(DeformConfig(), [f"motion={text}"])


def test_a_start_is_the_bundled_network_and_only_that() -> None:
    known = fer.load("plain", device="cpu")
    faces = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    network = plain_training.started(PlainConfig(), "default").eval()
    assert torch.equal(network(faces), known.network(faces))
    with pytest.raises(TrainingError, match='The weights "default" belong to a network of another shape'):
        plain_training.started(TINY, "default")
    with pytest.raises(TrainingError, match="names weights of derl"):
        plain_training.started(PlainConfig(), "derl:default")


def test_eight_faces_can_be_learnt_by_heart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole recipe on eight faces, end to end: it learns them and a model that can be shipped comes out."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.nn.functional.interpolate(torch.rand(8, 1, 6, 6, generator=generator), (48, 48), mode="bilinear")
    faces = (pixels[:, 0] * 255).to(torch.uint8)
    monkeypatch.setattr(ferplus, "load_train", lambda root: (faces, torch.eye(8)))
    monkeypatch.setattr(ferplus, "load_validation", lambda root: (faces, torch.arange(8)))
    for loader in ("load_lfw", "load_london", "load_puppets"):
        monkeypatch.setattr(
            plain_training.photographs, loader, lambda root: (torch.zeros(1, 3, 128, 128).byte(), torch.zeros(1).long())
        )
    recipe = PlainRecipe(
        steps_small=30,
        steps_full=30,
        steps_settle=10,
        ferplus=16,
        lfw=0,
        london=0,
        puppets=0,
        learning_rate=0.05,
        ema_decay=0.8,
    )
    config = PlainConfig(widths=(8, 16, 32, 32), blocks=(1, 1, 1), dropout=0.0)
    plan = plain_training.plan(config, recipe, Path("unused"), torch.device("cpu"))
    network = train(plan, tmp_path, tick=30, log=lambda line: None)
    model, metrics = plain_training.finish(network, config, Path("unused"))
    assert metrics["validation_accuracy"] >= 0.75
    assert metrics["validation_nll"] < math.log(8) / 2
    assert model.config.zooms in plain_training.ZOOM_CHOICES
