"""The Action Unit reader: what it may not see, what its losses ask for, and that it learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from fer import weights
from fer.action_units import ACTION_UNITS, AU_INDEX
from fer.data.pairs import load_puppets
from fer.errors import WeightsError
from fer.framing import tight
from fer.load import config_from
from fer.models import au_training
from fer.models.au import SPEC, Au, AuConfig
from fer.models.au_training import AuRecipe, RenderedFaces, knowledge_loss, pair_loss, strength_terms, total_loss
from fer.training import train
from fer.types import EMOTIONS, Emotion, Framing

TINY = AuConfig(size_px=32, widths=(8, 8, 16), blocks=(1, 1), places=4)
RECIPE = AuRecipe(steps=4, by_unit=8, by_unit_validation=8, puppets=3, units=3, ferplus=2)


def smooth(count: int, side: int = 128, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(-1, 1)


def one_vote(emotion: Emotion) -> torch.Tensor:
    return torch.eye(8)[EMOTIONS.index(emotion)][None]


def strengths(**known: float) -> torch.Tensor:
    row = torch.zeros(1, 23)
    for name, value in known.items():
        row[0, AU_INDEX[name]] = value
    return row


def test_the_shipped_network_is_small() -> None:
    model = Au(AuConfig())
    assert sum(p.numel() for p in model.parameters()) < 3_000_000
    assert model.config.last_side == 5


@pytest.mark.parametrize("changes", [{"size_px": 81}, {"blocks": (1,)}, {"widths": (8, 0, 8, 8, 8)}])
def test_config_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(WeightsError):
        config_from(AuConfig, changes)


def test_reading_is_blind_to_colour_mirror_and_brightness_and_takes_both_framings() -> None:
    torch.manual_seed(0)
    model, faces = Au(TINY).eval(), smooth(2)
    read = model.action_units(faces)
    assert read.names == ACTION_UNITS
    assert read.strengths.shape == (2, 23)
    grey = (faces * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    for other in (grey, faces * 0.5 + 0.2):
        assert torch.allclose(model.action_units(other).strengths, read.strengths, atol=0.03)
    crops = tight(faces, Framing.ALIGNED)
    assert torch.allclose(model.action_units(crops, Framing.TIGHT).strengths, read.strengths, atol=1e-5)
    mirrored = model.action_units(crops.flip(3), Framing.TIGHT)
    assert torch.allclose(mirrored.strengths, read.strengths, atol=1e-5)


def test_a_rare_unit_that_is_missed_costs_as_much_as_a_frequent_one() -> None:
    units = torch.zeros(20, 23)
    units[:10, 0], units[:1, 5] = 0.8, 0.8
    near = torch.logit(units.clamp(1e-4, 1 - 1e-4))
    for missed in (0, 5):
        logits = near.clone()
        logits[:, missed] = -9.0
        assert float(strength_terms(near, units)["disagreement"]) == pytest.approx(0.0, abs=1e-4)
        assert float(strength_terms(logits, units)["disagreement"]) == pytest.approx(0.5, abs=1e-3)


def test_units_that_no_face_shows_ask_for_no_agreement() -> None:
    logits = torch.randn(6, 23, requires_grad=True)
    terms = strength_terms(logits, torch.zeros(6, 23))
    assert float(terms["disagreement"].detach()) == 0
    terms["disagreement"].backward()
    assert float(terms["cross_entropy"].detach()) > 0


def test_knowledge_is_kept_by_a_clear_smile_and_broken_by_what_is_missing_or_too_much() -> None:
    smile = strengths(AU6=0.5, AU12=0.9, AU25=1.0, AU7=0.3, AU43=1.0, AU14=1.0)  # nothing is known of 43 and 14
    assert float(knowledge_loss(smile, one_vote(Emotion.HAPPINESS), AuRecipe())) == 0
    weak = strengths(AU6=0.5, AU12=0.1, AU25=0.2, AU7=0.2)
    assert float(knowledge_loss(weak, one_vote(Emotion.HAPPINESS), AuRecipe())) == pytest.approx(3 * 0.3**2 / 23)
    frown = smile + strengths(AU4=0.45)
    assert float(knowledge_loss(frown, one_vote(Emotion.HAPPINESS), AuRecipe())) == pytest.approx(0.2**2 / 23)
    half = (one_vote(Emotion.HAPPINESS) + one_vote(Emotion.CONTEMPT)) / 2  # of contempt nothing is known
    assert float(knowledge_loss(weak, half, AuRecipe())) == pytest.approx(3 * 0.3**2 / 46)


def test_pairs_are_asked_for_the_right_sign_alone() -> None:
    steps = torch.linspace(0, 1, 5)[:, None]
    good = steps * strengths(AU1=1, AU2=1) + (1 - steps) * strengths(AU6=1, AU12=1)
    assert float(pair_loss(good)) == 0
    variance = 0.125
    bad = steps * strengths(AU1=1) + (1 - steps) * strengths(AU2=1)
    assert float(pair_loss(bad)) == pytest.approx(variance / 14)


def test_photographs_teach_no_strength_and_rendered_faces_no_knowledge() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 23)
    units, votes = torch.rand(3, 23), one_vote(Emotion.FEAR).repeat(2, 1)
    loss = total_loss(logits, units, votes, AuRecipe(knowledge=0.0))
    alone = total_loss(logits[:3], units, votes[:0], AuRecipe())
    assert float(loss.total) == pytest.approx(float(alone.total))
    assert set(loss.terms) == {"cross_entropy", "disagreement", "bands", "pairs"}
    assert set(alone.terms) == {"cross_entropy", "disagreement"}


def test_rendered_faces_are_drawn_with_their_strengths_or_neutral_with_none() -> None:
    torch.manual_seed(0)
    face = torch.arange(1, 5, dtype=torch.uint8)[:, None, None].expand(4, 2, 2)
    faces = RenderedFaces(face, torch.zeros_like(face), torch.arange(1.0, 5)[:, None].expand(4, 23) / 8)
    pixels, units = faces.draw(200, as_neutral=0.25)
    assert torch.equal(units[:, 0] * 8, pixels[:, 0, 0].float())
    assert 30 < int((units.sum(1) == 0).sum()) < 70


def test_eight_faces_are_learnt() -> None:
    torch.manual_seed(0)
    model = Au(TINY)
    units = (torch.rand(8, 23) < 0.3) * torch.rand(8, 23)
    pictures = au_training.augment(torch.randint(0, 256, (8, 48, 48), dtype=torch.uint8), Framing.TIGHT, 32)
    assert pictures.shape == (8, 1, 32, 32)
    assert au_training.augment(torch.zeros(0, 48, 48, dtype=torch.uint8), Framing.TIGHT, 32).shape == (0, 1, 32, 32)
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        total_loss(model(pictures), units, torch.zeros(0, 8), RECIPE).total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float((model(pictures).sigmoid() - units).detach().abs().mean()) < 0.03


def test_a_training_is_repeatable_and_its_weights_can_be_stored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer.puppets import pool

    asked = []

    def render(root: Path, count: int, seed: int, workers: int, split: str, by_unit: bool) -> object:
        asked.append((count, split, by_unit))
        return load_puppets(root, split)

    monkeypatch.setattr(pool, "render_pairs", render)
    networks = []
    for name in ("once", "again"):
        plan = au_training.plan(TINY, RECIPE, data, torch.device("cpu"))
        networks.append(train(plan, tmp_path / name, tick=4, log=lambda line: None))
    assert asked[:2] == [(8, "train", True), (8, "validation", True)]
    records = [json.loads((tmp_path / name / "log.jsonl").read_text()) for name in ("once", "again")]
    assert records[0]["validation_icc"] == records[1]["validation_icc"]
    assert -1 <= records[0]["validation_by_unit_icc_AU18"] <= 1
    assert 0 <= records[0]["validation_mae"] <= 1
    model, metrics = au_training.finish(networks[0], TINY, data)
    assert set(metrics) == {f"puppets_validation_{n}" for n in ("icc", "mae", *(f"icc_{u}" for u in ACTION_UNITS))}
    card = {
        "model": "au",
        "id": "au-tiny",
        "config": {"size_px": 32, "widths": [8, 8, 16], "blocks": [1, 1], "places": 4},
    }
    written = weights.save(model, card, tmp_path / "weights")
    again = SPEC.build(config_from(AuConfig, written.card["config"]))
    weights.load_into(again, written)
    faces = smooth(2)
    assert torch.equal(again.eval().action_units(faces).strengths, model.action_units(faces).strengths)
