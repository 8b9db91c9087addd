"""flow_vae: the way from one expression to another as a point of a small latent space, decoded to a flow.

Yeh, Liu, Goldman, Agarwala 2016, "Semantic Facial Expression Editing using Autoencoded Flow" (arXiv 1611.09961). A
variational autoencoder holds changes of expression in a few numbers. Editing is arithmetic on these numbers, and their
flow moves the pixels of the photograph; nothing is painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fer.action_units import ACTION_UNITS
from fer.framing import canonical, resized
from fer.layers import Moves, check_widths, conditioned_blocks, doubled, halved, halving_blocks, to_device_of
from fer.models.base import ActionUnitReader, NeutralEditor
from fer.registry import Citation, Spec
from fer.targets import UNIT_TARGETS
from fer.types import ActionUnits, Edit, Framing, TargetSpace
from fer.warping import resized_field, warped

COUNT = len(ACTION_UNITS)
FIRST_SPREAD = -3.0  # of every face, half the log variance of a change: noise does not drown what is to be learnt


@dataclass(frozen=True)
class FlowVaeConfig:
    """Shape of the autoencoder."""

    size_px: int = 128  # side of the pictures that the encoder sees; the flow has a quarter of it
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # channels at 64, 32, 16, 8 and 4 px
    latent: int = 32  # numbers of a change
    largest_flow: float = 0.3  # of half the picture's side

    def __post_init__(self) -> None:
        check_widths("FlowVaeConfig.widths", self.widths, 5)
        if self.size_px < 32 or self.size_px % 32 or self.latent < 1:
            raise ValueError("FlowVaeConfig needs a size_px that is a multiple of 32, and one latent number or more.")
        if not 0 < self.largest_flow <= 1:
            raise ValueError("FlowVaeConfig.largest_flow must lie in (0, 1].")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the encoder makes of faces: its layers from 64 to 4 px; codes and spreads (B, latent); logits (B, 23).

    The latent mean of a change is the difference of its faces' codes, its log variance the sum of their spreads.
    """

    layers: Sequence[Tensor]
    code: Tensor
    spread: Tensor
    logits: Tensor

    @property
    def strengths(self) -> Tensor:
        """Strengths (B, 23) in [0, 1] that the faces show."""
        return self.logits.sigmoid()

    def split(self) -> tuple[Seen, Seen]:
        """The first half of the faces, and the second."""
        layers = [layer.chunk(2) for layer in self.layers]
        values = zip(self.code.chunk(2), self.spread.chunk(2), self.logits.chunk(2), strict=True)
        first, second = (Seen([layer[k] for layer in layers], *each) for k, each in enumerate(values))
        return first, second


def change_between(first: Seen, second: Seen) -> tuple[Tensor, Tensor]:
    """Mean and log variance (B, latent) of the change from the first faces to the second ones.

    No change is the origin; the way back has the opposite mean; ways that follow each other add up.
    """
    return second.code - first.code, first.spread + second.spread


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence (B,) in nats of normal distributions (B, D) from the standard one (Kingma & Welling, 1312.6114)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)  # Appendix B


class FlowVae(nn.Module, NeutralEditor, ActionUnitReader):
    """Encoder of faces, and decoder of changes at 32 px; flows are applied at the faces' own resolution.

    directions: (23, latent), what a full Action Unit adds to the latent numbers; fitted after the networks.
    """

    directions: Tensor

    def __init__(self, config: FlowVaeConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        bottom = widths[-1] * (config.size_px // 32) ** 2
        self.stem = nn.Conv2d(3, widths[0], 4, 2, 1)
        self.encoder = halving_blocks(widths)
        self.heads = nn.Linear(bottom, 2 * config.latent + COUNT)
        nn.init.constant_(self.heads.bias[config.latent : 2 * config.latent], FIRST_SPREAD)
        self.decoder = conditioned_blocks(widths[1:], config.latent)
        self.moves = Moves(widths[1], config.latent)
        self.register_buffer("directions", torch.zeros(COUNT, config.latent))
        self.to(memory_format=torch.channels_last)

    @property
    def target_space(self) -> TargetSpace:
        """See ``Editor.target_space``. Strengths of the 23 Action Units; zeros are neutral."""
        return UNIT_TARGETS

    def encode(self, small: Tensor) -> Seen:
        """Faces (B, 3, 128, 128)."""
        layers = halved(self.stem(small.contiguous(memory_format=torch.channels_last)), self.encoder)
        latent = self.config.latent
        with torch.autocast(small.device.type, enabled=False):  # half precision would round away codes' differences
            values = self.heads(layers[-1].flatten(1).float())
        return Seen(layers, *values.split([latent, latent, COUNT], 1))

    @torch.no_grad()
    def scale_codes(self, first: Tensor, second: Tensor) -> None:
        """Give the changes between faces (B, 3, 128, 128) a deviation of 1, before the training.

        Initialisation by data, after Salimans & Kingma 2016 (arXiv 1602.07868). A fresh encoder's codes of one person's
        expressions lie so close together that nothing could be learnt from their difference. Only weights are divided:
        in a difference the bias of a code falls away.
        """
        mean, _ = change_between(self.encode(first), self.encode(second))
        self.heads.weight[: self.config.latent] /= mean.std().clamp(min=1e-6)

    def flow(self, seen: Seen, change: Tensor) -> Tensor:
        """The flow (B, 2, 32, 32), in halves of the side, that makes a change (B, latent) to faces.

        A sum of fields, each as strong as its latent number: the origin moves nothing.
        """
        lowest = seen.layers[-1]
        x = doubled(lowest, self.decoder, seen.layers[-2:0:-1], change.to(lowest.dtype))[-1]
        return torch.tanh(self.moves.flow(x, change, x.shape[-1])) * self.config.largest_flow

    def moved(self, faces: Tensor, seen: Seen, change: Tensor) -> tuple[Tensor, Tensor]:
        """Faces (B, 3, S, S) with a change, and the flow (B, 2, S, S) px. What does not move stays to the bit."""
        field = resized_field(self.flow(seen, change), faces.shape[-1])
        moves = field.abs().amax(1, keepdim=True) > 0
        return torch.where(moves, warped(faces.float(), field), faces.float()), field * faces.shape[-1] / 2

    def asked(self, seen: Seen, target: Tensor) -> Tensor:
        """The change (B, latent) from what faces show to strengths (B, 23)."""
        return (target - seen.strengths) @ self.directions

    def edited(self, faces: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Seen]:
        """Faces (B, 3, S, S) moved to strengths (B, 23), the flow as by ``moved``, and what was seen of them."""
        seen = self._seen(faces)
        return *self.moved(faces, seen, self.asked(seen, target)), seen

    @torch.inference_mode()
    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """See ``ActionUnitReader.action_units``. Asked for what a face shows, ``edit`` changes nothing."""
        small = canonical(to_device_of(self, faces), framing, self.config.size_px)
        return ActionUnits(self.encode(small).strengths.cpu(), ACTION_UNITS)

    @torch.inference_mode()
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """See ``Editor.edit``. Faces of any size; the encoder sees them at 128 px."""
        target, faces = to_device_of(self, UNIT_TARGETS.checked(target, len(faces))), to_device_of(self, faces)
        image, flow = (each.cpu() for each in self.edited(faces, target)[:2])
        return Edit(image, {"flow": flow, "mask": torch.zeros_like(image[:, :1]), "moved": image})

    @torch.inference_mode()
    def interpolate(self, first: Tensor, second: Tensor, steps: int) -> Tensor:
        """The way between photographs of the same people (B, 3, S, S): (steps, B, 3, S, S) on the CPU, ends included.

        Both are moved to the expression in between and faded into each other. Raises ValueError.
        """
        if first.shape != second.shape:
            raise ValueError(f"Both faces must have one shape, not {tuple(first.shape)} and {tuple(second.shape)}.")
        if steps < 2:
            raise ValueError(f"A way has its two ends at least; {steps} steps are too few.")
        first, second = to_device_of(self, first), to_device_of(self, second)
        seen, seen_second = self._seen(first), self._seen(second)
        change, _ = change_between(seen, seen_second)
        way = []
        for share in torch.linspace(0, 1, steps).tolist():
            ahead, _ = self.moved(first, seen, share * change)
            back, _ = self.moved(second, seen_second, (share - 1) * change)
            way.append((1 - share) * ahead + share * back)
        return torch.stack(way).cpu()

    def _seen(self, faces: Tensor) -> Seen:
        return self.encode(resized(faces, self.config.size_px))


SPEC = Spec(
    name="flow_vae",
    title="Autoencoded flow",
    summary="Moves the photograph's own pixels by a flow that a few numbers stand for; edits and ways between two "
    "photographs of a person are arithmetic on these numbers.",
    citations=(
        Citation(
            "Semantic Facial Expression Editing using Autoencoded Flow",
            "Yeh, Liu, Goldman, Agarwala",
            2016,
            arxiv="1611.09961",
        ),
    ),
    config=FlowVaeConfig,
    build=FlowVae,
    training="fer.models.flow_vae_training",
    departures=(
        "Written after the paper's abstract and what is known of its method; the networks and numbers are ours.",
        "The encoder sees each face by itself, and a change is the difference of two codes: no change is the origin, "
        "and two photographs of a person need no flow that is estimated beforehand.",
        "The decoder also sees the face that is moved, so that the latent numbers need not describe the person.",
        "The flow is a sum of fields, one per latent number, each as strong as it: no change is exactly the face "
        "itself.",
        "Where the renderer knows the true flow, the decoder is taught it beside the warped picture (``places`` of the "
        "recipe).",
        "The encoder sets out from ``deform``'s motion step and from what that tells of Action Units: from nothing, "
        "the codes of one person's expressions stay too close together for a decoder to learn from.",
        "Directions are fitted to changes of 23 Action Units by least squares, in place of differences of mean "
        "latents; the strengths where an edit starts are read by the same encoder.",
        "Two photographs are both moved to the expression in between and faded into each other, so that the ends are "
        "the photographs themselves.",
    ),
)
