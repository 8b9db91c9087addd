"""deform: an expression edited as a face is moved: first its pixels by a field, then, where that cannot do, by paint.

Athar, Shu, Samaras 2020, "Self-supervised Deformation Modeling for Facial Expression Editing" (IEEE FG 2020, arXiv
1911.00735). The motion step predicts a deformation from the face and the change of its Action Units and warps the face;
the texture step then adds what no deformation can: teeth, wrinkles, shading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.action_units import ACTION_UNITS
from fer.framing import canonical, resized
from fer.layers import Moves, check_widths, conditioned_blocks, doubled, halved, halving_blocks, silenced, to_device_of
from fer.models.base import ActionUnitReader, NeutralEditor
from fer.registry import Citation, Spec
from fer.targets import UNIT_TARGETS
from fer.types import ActionUnits, Edit, Framing, TargetSpace
from fer.warping import resized_field, warped

COUNT = len(ACTION_UNITS)
FADED_IN = 0.1  # largest change of an Action Unit from which on paint is at full strength; none at no change


@dataclass(frozen=True)
class DeformConfig:
    """Shape of the two steps."""

    size_px: int = 128  # side of the pictures that both steps see
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # channels of the motion step at 64, 32, 16, 8 and 4 px
    texture_widths: tuple[int, ...] = (24, 48, 96)  # channels of the texture step at 64, 32 and 16 px
    largest_flow: float = 0.3  # of half the picture's side
    motion: bool = True  # without it nothing moves: every change is painted
    texture: bool = True  # without it nothing is painted

    def __post_init__(self) -> None:
        check_widths("DeformConfig.widths", self.widths, 5)
        check_widths("DeformConfig.texture_widths", self.texture_widths)
        if len(self.texture_widths) < 2 or self.size_px < 32 or self.size_px % 32:
            raise ValueError("DeformConfig needs two texture_widths or more, and a size_px that is a multiple of 32.")
        if not 0 < self.largest_flow <= 1 or not (self.motion or self.texture):
            raise ValueError("DeformConfig.largest_flow must lie in (0, 1], and one of the steps must be there.")


@dataclass(frozen=True, eq=False)
class Deformed:
    """An edited face (B, 3, S, S); moved: before it was painted. flow (B, 2, S, S) in px."""

    image: Tensor
    moved: Tensor
    flow: Tensor

    @property
    def mask(self) -> Tensor:
        """How much each pixel was painted, of the range from black to white: (B, 1, S, S) in [0, 1]."""
        return ((self.image - self.moved).abs().amax(1, keepdim=True) / 2).clamp(max=1)


class Motion(nn.Module):
    """Faces (B, 3, 128, 128) and a condition (B, 46) -> layers; they say what the face does, and where it goes."""

    def __init__(self, config: DeformConfig) -> None:
        super().__init__()
        widths = config.widths
        self.size_px, self.largest = config.size_px, config.largest_flow
        self.stem = nn.Conv2d(3, widths[0], 4, 2, 1)
        self.encoder = halving_blocks(widths)
        self.shows = nn.Linear(widths[-1] * (config.size_px // 32) ** 2, COUNT)
        self.decoder = conditioned_blocks(widths, 2 * COUNT)
        self.moves = Moves(widths[0], COUNT)
        self.to(memory_format=torch.channels_last)

    def encode(self, faces: Tensor) -> list[Tensor]:
        """The encoder's layers from 64 to 4 px."""
        return halved(self.stem(faces.contiguous(memory_format=torch.channels_last)), self.encoder)

    def strengths(self, layers: Sequence[Tensor]) -> Tensor:
        """Logits (B, 23) of the strengths that a face shows."""
        logits: Tensor = self.shows(layers[-1].flatten(1))
        return logits.float()

    def flow(self, layers: Sequence[Tensor], change: Tensor, condition: Tensor) -> Tensor:
        """(B, 2, 128, 128) in halves of the side; a sum over Action Units, each as strong as it changes."""
        x = doubled(layers[-1], self.decoder, layers[-2::-1], condition)[-1]
        return torch.tanh(self.moves.flow(x, change, self.size_px)) * self.largest


class Texture(nn.Module):
    """What was moved, the face and a condition -> paint and, last, the mask's logit (B, 4, 128, 128).

    Departs from the usual blend of two pictures: paint is added, and a fresh network adds none. A blend with a picture
    that is not learnt yet does harm, and its mask closes for good.
    """

    def __init__(self, config: DeformConfig) -> None:
        super().__init__()
        widths = config.texture_widths
        self.stem = nn.Conv2d(6, widths[0], 4, 2, 1)
        self.encoder = halving_blocks(widths)
        self.decoder = conditioned_blocks(widths, 2 * COUNT)
        self.out = silenced(nn.Conv2d(widths[0], 4 * 4, 3, 1, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, moved: Tensor, faces: Tensor, condition: Tensor) -> Tensor:
        pictures = torch.cat([moved, faces], 1).contiguous(memory_format=torch.channels_last)
        layers = halved(self.stem(pictures), self.encoder)
        x = doubled(layers[-1], self.decoder, layers[-2::-1], condition)[-1]
        return F.pixel_shuffle(self.out(x).float(), 2)


class Deform(nn.Module, NeutralEditor, ActionUnitReader):
    """Both steps. Fields and paint are predicted at 128 px and applied at the faces' own resolution."""

    def __init__(self, config: DeformConfig) -> None:
        super().__init__()
        self.config = config
        self.motion = Motion(config)
        self.texture = Texture(config)

    @property
    def target_space(self) -> TargetSpace:
        """See ``Editor.target_space``. Strengths of the 23 Action Units; zeros are neutral."""
        return UNIT_TARGETS

    def change(
        self, layers: Sequence[Tensor], small: Tensor, own: Tensor, asked: Tensor, faces: Tensor, paint: bool = True
    ) -> Deformed:
        """Edit faces (B, 3, S, S) from strengths ``own`` to ``asked``, (B, 23).

        small: the faces at 128 px; layers: the motion step's of them. paint: whether the texture step takes part.
        """
        change = asked - own
        condition = torch.cat([change, asked], 1).to(layers[-1].dtype)
        flow = self.motion.flow(layers, change, condition) if self.config.motion else torch.zeros_like(small[:, :2])
        large = resized_field(flow, faces.shape[-1])
        moved = warped(faces.float(), large)
        image = moved
        if self.config.texture and paint:
            at_small = moved if faces.shape[-1] == self.config.size_px else warped(small.float(), flow)
            raw = resized_field(self.texture(at_small, small, condition), faces.shape[-1])
            faded = (change.abs().amax(1) / FADED_IN).clamp(max=1)[:, None, None, None]
            image = moved + 2 * torch.tanh(raw[:, :3]) * torch.sigmoid(raw[:, 3:]) * faded
        return Deformed(image, moved, large * faces.shape[-1] / 2)

    def shown(self, small: Tensor) -> Tensor:
        """Strengths (B, 23) that faces (B, 3, 128, 128) show."""
        return self.motion.strengths(self.motion.encode(small)).sigmoid()

    def edited(self, faces: Tensor, asked: Tensor) -> tuple[Deformed, Tensor]:
        """Edit faces (B, 3, S, S) from the strengths that they show, which come second, to ``asked``, (B, 23)."""
        small = resized(faces, self.config.size_px)
        layers = self.motion.encode(small)
        own = self.motion.strengths(layers).sigmoid()
        return self.change(layers, small, own, asked, faces), own

    @torch.inference_mode()
    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """See ``ActionUnitReader.action_units``. Asked for what a face shows, ``edit`` changes nothing."""
        small = canonical(to_device_of(self, faces), framing, self.config.size_px)
        return ActionUnits(self.shown(small).cpu(), ACTION_UNITS)

    @torch.inference_mode()
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """See ``Editor.edit``. Faces of any size; the networks see them at 128 px."""
        asked, faces = to_device_of(self, UNIT_TARGETS.checked(target, len(faces))), to_device_of(self, faces)
        made, _ = self.edited(faces, asked)
        parts = {"flow": made.flow, "mask": made.mask, "moved": made.moved.clamp(-1, 1)}
        return Edit(made.image.clamp(-1, 1).cpu(), {name: part.cpu() for name, part in parts.items()})


SPEC = Spec(
    name="deform",
    title="Deformation editor driven by Action Units",
    summary="Edits single facial muscles: a deformation moves the photograph's own pixels, then paint adds what moving "
    "cannot.",
    citations=(
        Citation(
            "Self-supervised Deformation Modeling for Facial Expression Editing",
            "Athar, Shu, Samaras",
            2020,
            arxiv="1911.00735",
        ),
    ),
    config=DeformConfig,
    build=Deform,
    training="fer.models.deform_training",
    departures=(
        "The paper's data flow is not public in full; only its abstract guides the two steps, and both networks are "
        "ours.",
        "The deformation is a sum of fields, one per Action Unit, each as strong as its Action Unit changes: no change "
        "is exactly the face itself.",
        "Pairs of one person with two expressions, rendered with exact truth, teach both steps in place of a critic. "
        "Where the renderer knows which places belong together, the bundled weights were told so (``places`` of the "
        "recipe); at 0 no deformation is annotated, as in the paper.",
        "Paint is added to what was moved, through a mask, in place of a blend of two pictures.",
        "The network reads the strengths that a face shows by itself; the paper takes them from a tool.",
    ),
)
