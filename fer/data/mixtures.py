"""What the trainings of generators and of recognisers at 128 px draw their batches from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fer.action_units import ACTION_UNITS, POSED_SMILE, units_of
from fer.augmentation import erase, moved, moved_landmarks, photograph, similarities, soften
from fer.data import ferplus, photographs
from fer.data.pairs import Pairs, load_london, load_puppets
from fer.data.streams import Shuffled, softened
from fer.errors import TrainingError
from fer.faces import FACE_SIZE_PX
from fer.framing import canonical, mirrored, tight_luminance
from fer.images import from_bytes
from fer.types import EMOTIONS, Emotion, Framing

CLEARLY_NEUTRAL = 0.8  # share of the votes
FERPLUS_PX = 48  # side of its pictures
PAIRS_TOLD = "Pairs: puppets train, London Set train"  # for cards
SHOWN_NOT_FELT = "It labels what a face shows, not what a person feels."
STILL_TOLD = "FER+ train, clearly neutral faces: not to be changed"
FEW_PEOPLE = (
    "Trained on few people, mostly light-skinned and roughly frontal. Large turns, glasses, beards and hands are "
    "seldom seen in training."
)
LABELS_TOLD = (
    "Labels: FER+ train by votes (rows whose picture also stands in validation or test left out), lfw_smiles train, "
    "London Set train, puppets train"
)


@dataclass(frozen=True, eq=False)
class PairBatch:
    """face, neutral: (B, 3, 128, 128) in [-1, 1]. emotion: (B,) in 0..7; intensity: (B,) in [0, 1], 0 where neutral.

    points: (B, 2, 68, 2), landmarks of the face and of the neutral face in the unit square, nan where not known.
    action_units: (B, 23) in [0, 1], strengths in the face; of photographs, whose are not known, a posed smile's.
    """

    face: Tensor
    neutral: Tensor
    emotion: Tensor
    intensity: Tensor
    points: Tensor
    action_units: Tensor


@dataclass(frozen=True, eq=False)
class PairSource:
    """Pairs for a generator: rendered ones, photographed ones, and neutral FER+ faces that are to stay as they are.

    still: uint8 (N, 48, 48), tight. expressive: uint8 (M, 48, 48), tight, clearly not neutral.
    """

    puppets: Pairs
    london: Pairs
    still: Tensor
    expressive: Tensor

    @classmethod
    def load(cls, root: Path, rendered: Pairs | None = None) -> PairSource:
        """The train splits. rendered: further pairs, drawn as the stored rendered ones are."""
        pixels, target = ferplus.load_train(root)
        neutral = target[:, EMOTIONS.index(Emotion.NEUTRAL)]
        stored = load_puppets(root, "train")
        return cls(
            stored.followed_by(rendered) if rendered else stored,
            load_london(root, "train"),
            pixels[neutral >= CLEARLY_NEUTRAL],
            pixels[neutral <= 1 - CLEARLY_NEUTRAL],
        )

    def draw_unpaired(self, count: int) -> tuple[Tensor, Tensor]:
        """FER+ faces that show an expression, and as many neutral ones of other people: twice (count, 3, 128, 128)."""
        drawn = [tight[torch.randint(len(tight), (count,))] for tight in (self.expressive, self.still)]
        faces = as_colour(from_bytes(torch.cat(drawn)), FACE_SIZE_PX)
        changed, _, _ = varied(faces, faces, torch.full((2 * count, 2, 68, 2), torch.nan))
        return changed[:count], changed[count:]

    def draw(self, puppets: int, london: int, still: int, as_neutral: float = 0.08, coarse: float = 0.0) -> PairBatch:
        """Pairs of each source, in this order, in a light, place and resolution of their own.

        as_neutral: share of rendered faces that are replaced by their neutral face: nothing is to be removed there.
        coarse: share of the rendered and photographed pairs that look as FER+ does, see ``coarsened``.
        """
        faces, neutrals, emotions, intensities, points, units = [], [], [], [], [], []
        for pairs, count in ((self.puppets, puppets), (self.london, london)):
            rows = torch.randint(len(pairs), (count,))
            faces.append(from_bytes(pairs.face[rows]))
            neutrals.append(from_bytes(pairs.neutral[rows]))
            emotions.append(pairs.emotion[rows])
            intensities.append(torch.where(pairs.emotion[rows] == 0, 0.0, pairs.intensity[rows]))
            points.append(torch.stack([pairs.landmarks[rows], pairs.neutral_landmarks[rows]], 1))
            known = pairs.action_units[rows]
            units.append(torch.where(known.isnan(), units_of(POSED_SMILE), known))
        calm = torch.rand(puppets) < as_neutral
        faces[0] = torch.where(calm[:, None, None, None], neutrals[0], faces[0])
        points[0] = torch.where(calm[:, None, None, None], points[0][:, 1:].expand(-1, 2, -1, -1), points[0])
        emotions[0], intensities[0] = torch.where(calm, 0, emotions[0]), torch.where(calm, 0.0, intensities[0])
        units[0] = torch.where(calm[:, None], 0.0, units[0])
        if still:
            rows = torch.randint(len(self.still), (still,))
            faces.append(as_colour(from_bytes(self.still[rows]), FACE_SIZE_PX))
            neutrals.append(faces[-1])
            emotions.append(torch.zeros(still, dtype=torch.long))
            intensities.append(torch.zeros(still))
            units.append(torch.zeros(still, len(ACTION_UNITS)))
            points.append(torch.full((still, 2, 68, 2), torch.nan))
        face, neutral, places = varied(torch.cat(faces), torch.cat(neutrals), torch.cat(points))
        if coarse:
            rows = torch.nonzero(torch.rand(puppets + london) < coarse)[:, 0]
            face, neutral = (each.index_copy(0, rows, coarsened(each[rows])) for each in (face, neutral))
        return PairBatch(face, neutral, torch.cat(emotions), torch.cat(intensities), places, torch.cat(units))


def check_size(config: Any) -> None:
    """Raises TrainingError for the configuration of a network that sees faces of another size than is drawn here."""
    if config.size_px != FACE_SIZE_PX:
        raise TrainingError(
            f"The batches hold faces of {FACE_SIZE_PX} px, from which a network of {config.size_px} px cannot learn. "
            f"Leave size_px at {FACE_SIZE_PX}."
        )


def as_colour(tight: Tensor, size_px: int) -> Tensor:
    """Tight grey faces (B, 48, 48) -> (B, 3, size_px, size_px) in the canonical square."""
    return canonical(tight[:, None], Framing.TIGHT, size_px).expand(-1, 3, -1, -1)


@torch.inference_mode()
def tight_logits(read: Callable[[Tensor], Tensor], pixels: Tensor, size_px: int | None, mirror: bool) -> Tensor:
    """Logits (N, 8) that ``read`` gives for tight faces uint8 (N, 48, 48), brought into the canonical square.

    size_px: of that square; None leaves them as tight crops. mirror: the mean of each face and its mirror picture.
    """
    parts = []
    for part in torch.split(pixels, 100):
        crops = from_bytes(part)
        faces = as_colour(crops, size_px) if size_px else crops[:, None].expand(-1, 3, -1, -1)
        parts.append((mirrored(read, faces) if mirror else read(faces)).float())
    return torch.cat(parts)


def coarsened(faces: Tensor) -> Tensor:
    """Faces (B, 3, S, S) as FER+ would show them: grey, cut tight, 48 px, brought back into the canonical square."""
    grey = tight_luminance(faces, Framing.ALIGNED, FERPLUS_PX) * 2 - 1
    return as_colour(grey[:, 0], faces.shape[-1])


def varied(faces: Tensor, neutrals: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One change of light, place and resolution for both faces of a pair, with their landmarks."""
    both = photograph(torch.cat([faces, neutrals], 1), 0.6)
    theta = similarities(len(faces), 0.1, 0.05)
    both = soften(moved(both, theta), 0.25, lowest=0.2).clamp(-1, 1)
    points = torch.stack([moved_landmarks(points[:, k], theta) for k in range(2)], 1)
    return both[:, :3], both[:, 3:], points


class LabelledFaces:
    """FER+ and aligned photographs as canonical faces with distributions, for recognisers that see 128 px."""

    def __init__(self, root: Path, counts: tuple[int, int, int, int], seed: int) -> None:
        """counts: FER+, LFW, London and rendered faces in a batch."""
        self.tight = Shuffled(*ferplus.load_train(root), counts[0], seed * 31)
        loaders = (photographs.load_lfw, photographs.load_london, photographs.load_puppets)
        self.aligned = [
            Shuffled(pixels, softened(labels), n, seed * 31 + k)
            for k, (n, (pixels, labels)) in enumerate(zip(counts[1:], (load(root) for load in loaders), strict=True), 1)
        ]

    @classmethod
    def of(cls, root: Path, recipe: Any) -> LabelledFaces:
        """As many as the recipe of a training says by ferplus, lfw, london_faces and puppet_faces."""
        counts = (recipe.ferplus, recipe.lfw, recipe.london_faces, recipe.puppet_faces)
        return cls(root, counts, recipe.seed)

    def batch(self, step: int, strength: float = 0.7) -> tuple[Tensor, Tensor]:
        """Faces (B, 3, 128, 128) in [-1, 1] and distributions (B, 8). strength: how far faces are changed, up to 1."""
        pixels, target = self.tight.batch(step)
        tight = moved(
            soften(from_bytes(pixels)[:, None], 0.2 * strength),
            similarities(len(pixels), 0.3 * strength, 0.15 * strength),
        )
        parts = [as_colour(tight[:, 0], FACE_SIZE_PX)]
        targets = [target]
        for stream in self.aligned:
            pixels, target = stream.batch(step)
            parts.append(moved(from_bytes(pixels), similarities(len(pixels), 0.2 * strength, 0.1 * strength)))
            targets.append(target)
        faces = photograph(torch.cat(parts), strength)
        return erase(soften(faces, 0.1 * strength, lowest=0.2), 0.4 * strength), torch.cat(targets)
