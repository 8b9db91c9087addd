"""How well a generator removes or gives an expression: what its loss weighs, and the numbers watched in training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fer.data.changes import Changes
from fer.data.pairs import Pairs
from fer.images import from_bytes
from fer.losses import flow_roughness, gradient_l1, landmark_flow_loss, weighted_l1
from fer.regions import face_ellipse
from fer.types import EMOTIONS
from fer.warping import Composed, determinant


def pixel_weights(faces: Tensor, neutrals: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (B, 1, S, S) of pixels and (B, 1, 1, 1) of pictures for pairs (B, 3, S, S) in [-1, 1].

    Pixels that the expression changes count five times, the background a third. A picture counts the more the less is
    to be removed from it: what is measured is the share of the difference that is left.
    """
    off = (faces - neutrals).abs().mean(1, keepdim=True)
    inside = face_ellipse(faces.shape[-1]).to(faces.device)
    amount = (off * inside).sum((1, 2, 3), keepdim=True) / inside.sum()
    picture = (0.07 / (amount + 0.03)).clamp(max=2.0)
    return picture * (1 + 4 * (off > 0.06).float()) * (0.33 + 0.67 * inside), picture


def paired_terms(made: Tensor, source: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Losses of pictures (B, 3, S, S) that were made of ``source`` and should be ``truth``."""
    pixels, pictures = pixel_weights(source, truth)
    return {"l1": weighted_l1(made, truth, pixels), "gradient": 0.5 * gradient_l1(made, truth, pictures)}


def composed_terms(
    made: Composed, source: Tensor, truth: Tensor, points: Tensor, landmarks: float
) -> dict[str, Tensor]:
    """Losses of composed faces, of which as many as ``truth`` has (B, 3, S, S), the first ones, have a truth.

    points: see ``landmark_flow_loss``; landmarks: the weight of that.
    """
    count = len(truth)
    return paired_terms(made.image[:count], source, truth) | {
        "mask": 0.01 * made.mask.mean(),
        "flow": 50 * flow_roughness(made.flow),
        "landmarks": landmarks * landmark_flow_loss(made.flow[:count], points),
    }


def flow_terms(flow: Tensor, points: Tensor, places: float, rough: float, fold: float) -> dict[str, Tensor]:
    """Losses of a flow (B, 2, S, S) px by their weights: off known places, rough, folded. points: (B, 2, K, 2)."""
    return {
        "places": places * landmark_flow_loss(flow, points),
        "rough": rough * flow_roughness(flow),
        "fold": fold * F.relu(-determinant(flow)).mean(),
    }


@torch.inference_mode()
def edits_left(
    edit: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]], pairs: Pairs, batch: int = 100
) -> dict[str, float]:
    """L1 inside the face to the truth as a share of the unedited face's: into an expression, and out of it.

    edit: faces, neutral faces (B, 3, S, S), Action Units (B, 23) of the faces -> the neutral faces with the expression,
    the faces without; called in bfloat16 where it can.
    """
    inside = face_ellipse(pairs.face.shape[-1])
    sums: dict[str, list[Tensor]] = {"into": [], "out_of": [], "before": []}
    for rows in torch.split(torch.nonzero(pairs.emotion)[:, 0], batch):
        face, neutral = from_bytes(pairs.face[rows]), from_bytes(pairs.neutral[rows])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            into, out_of = edit(face, neutral, pairs.action_units[rows])
        for name, made, truth in (("into", into, face), ("out_of", out_of, neutral), ("before", face, neutral)):
            sums[name].append(((made - truth).abs() * inside).sum())
    totals = {name: float(torch.stack(values).sum()) for name, values in sums.items()}
    return {f"left_{name}": totals[name] / totals["before"] for name in ("into", "out_of")}


@torch.inference_mode()
def moves_left(
    change: Callable[[Tensor, Tensor, Tensor], tuple[Mapping[str, Tensor], Tensor]], held_out: Changes, batch: int = 100
) -> dict[str, float]:
    """How well an editor makes changes, each from its first face to its second.

    change: faces, true faces (B, 3, S, S) and the truth's strengths (B, 23) -> pictures by name, the flow (B, 2, S, S)
    px. A picture's name: L1 to the truth inside the face as a share of the unedited face's. epe_px: mean error of the
    flow where it is known; epe_px_still: of no flow. folded: share of pixels where the picture turns over.
    """
    inside = face_ellipse(held_out.faces.shape[-1])
    off_truth: defaultdict[str, float] = defaultdict(float)
    sums: defaultdict[str, float] = defaultdict(float)
    for rows in torch.split(torch.arange(len(held_out)), batch):
        source, truth = (from_bytes(held_out.faces[rows, k]) for k in range(2))
        pictures, flow = change(source, truth, held_out.units[rows, 1])
        for name, picture in {**pictures, "unedited": source}.items():
            off_truth[name] += float(((picture - truth).abs() * inside).sum())
        known = held_out.flow[rows, 1].float() * source.shape[-1]
        places = ~known.isnan().any(1)
        off = F.interpolate(flow, known.shape[-1], mode="area") - known
        for name, vectors in (("epe_px", off), ("epe_px_still", known)):
            sums[name] += float(vectors.norm(dim=1)[places].sum())
        turned = determinant(flow) < 0
        sums["places"] += int(places.sum())
        sums["folded"], sums["all"] = sums["folded"] + int(turned.sum()), sums["all"] + turned.numel()
    unedited = off_truth.pop("unedited")
    return {
        **{name: off / unedited for name, off in off_truth.items()},
        **{name: sums[name] / sums["places"] for name in ("epe_px", "epe_px_still")},
        "folded": sums["folded"] / sums["all"],
    }


def unit_edits_left(changed: Callable[[Tensor, Tensor], Tensor], pairs: Pairs) -> dict[str, float]:
    """See ``edits_left``. changed: faces (B, 3, S, S) and the Action Units (B, 23) asked for -> edited faces."""

    def both_ways(face: Tensor, neutral: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
        return changed(neutral, units), changed(face, torch.zeros_like(units))

    return edits_left(both_ways, pairs)


@torch.inference_mode()
def left_over(neutralize: Callable[[Tensor], Tensor], pairs: Pairs, batch: int = 100) -> Mapping[str, float]:
    """L1 inside the face as a share of the input's, per expression and their mean ("left"), in bfloat16 where it can.

    "neutral_l1": the L1 itself, in [0, 2], for faces that are neutral already.
    """
    inside = face_ellipse(pairs.face.shape[-1])
    made, given = [], []
    for face, neutral in zip(torch.split(pairs.face, batch), torch.split(pairs.neutral, batch), strict=True):
        faces, neutrals = from_bytes(face), from_bytes(neutral)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result = neutralize(faces).float()
        made.append(((result - neutrals).abs() * inside).sum((1, 2, 3)) / (3 * inside.sum()))
        given.append(((faces - neutrals).abs() * inside).sum((1, 2, 3)) / (3 * inside.sum()))
    after, before = torch.cat(made), torch.cat(given)
    shares = {
        str(name): float(after[pairs.emotion == k].sum() / before[pairs.emotion == k].sum())
        for k, name in enumerate(EMOTIONS)
        if k and (pairs.emotion == k).any()
    }
    return {
        "left": sum(shares.values()) / len(shares),
        **{f"left_{name}": share for name, share in shares.items()},
        "neutral_l1": float(after[pairs.emotion == 0].mean()),
    }


@torch.inference_mode()
def removal_rows(neutralize: Callable[[Tensor], Tensor], pairs: Pairs) -> list[Tensor]:
    """Rows to look at, two of each expression: faces, what is made of them, their neutral faces."""
    rows = torch.cat([torch.nonzero(pairs.emotion == k)[:2, 0] for k in range(1, len(EMOTIONS))])
    faces = from_bytes(pairs.face[rows])
    return [faces, neutralize(faces), from_bytes(pairs.neutral[rows])]


def for_card(left: Mapping[str, float]) -> dict[str, float]:
    """Shares that are left on the puppets' validation people, named and rounded for a card."""
    return {f"puppets_validation_{name}": round(value, 5) for name, value in left.items()}
