"""au: a small residual network that says how strongly each of 23 Action Units of a face is at work.

It learns from rendered faces, whose strengths are exact, and what it says of photographs is held to what is known of
expressions, after AUE-CRL (Pu et al. 2021, arXiv 2012.14587). No Action Unit of a real face was ever labelled for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from fer.action_units import ACTION_UNITS
from fer.framing import mirrored, standardise, tight_luminance
from fer.layers import residual_layers, spatial_head, to_device_of
from fer.models.base import ActionUnitReader
from fer.registry import Citation, Spec
from fer.types import ActionUnits, Framing


@dataclass(frozen=True)
class AuConfig:
    """Shape of the network."""

    size_px: int = 80  # side of the grey picture that the network sees, cut tightly
    widths: tuple[int, ...] = (24, 32, 64, 128, 192)  # channels of the stem and of the stages
    blocks: tuple[int, ...] = (1, 2, 2, 1)  # residual blocks of each stage; the first of a stage halves the resolution
    places: int = 32  # channels of the last map, which keeps where things are

    def __post_init__(self) -> None:
        counts = (self.size_px, self.places, *self.widths, *self.blocks)
        if not all(isinstance(n, int) and n > 0 for n in counts) or len(self.blocks) != len(self.widths) - 1:
            raise ValueError(f"AuConfig needs positive numbers and one block count per stage, not {counts}.")
        if self.size_px % 2 ** len(self.blocks):
            raise ValueError(f"AuConfig.size_px must be a multiple of {2 ** len(self.blocks)}, not {self.size_px}.")

    @property
    def last_side(self) -> int:
        """Side of the last map."""
        return self.size_px >> len(self.blocks)


class Au(nn.Module, ActionUnitReader):
    """The reader. ``network`` maps standardised luminance (B, 1, size_px, size_px) to logits (B, 23)."""

    def __init__(self, config: AuConfig) -> None:
        super().__init__()
        self.config = config
        head = spatial_head(config.widths[-1], config.places, config.last_side, len(ACTION_UNITS))
        self.network = nn.Sequential(*residual_layers(1, config.widths, config.blocks), *head)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, luminance: Tensor) -> Tensor:
        """Luminance (B, 1, size_px, size_px) of any scale, tight framing -> logits (B, 23), gradients kept."""
        logits: Tensor = self.network(standardise(luminance).contiguous(memory_format=torch.channels_last))
        return logits.float()

    def strengths(self, luminance: Tensor) -> Tensor:
        """As ``forward``, but strengths in [0, 1]: the mean of a face and its mirror picture, which tell the same."""
        return mirrored(lambda each: cast(Tensor, self(each)).sigmoid(), luminance)

    @torch.inference_mode()
    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """See ``ActionUnitReader.action_units``."""
        luminance = tight_luminance(to_device_of(self, faces), framing, self.config.size_px)
        return ActionUnits(self.strengths(luminance).cpu(), ACTION_UNITS)


SPEC = Spec(
    name="au",
    title="Action Unit reader",
    summary="Reads 23 Action Units from grey 80 px faces; learnt from rendered faces and from what is known of "
    "expressions, without any labelled Action Unit of a real face.",
    citations=(
        Citation(
            "AU-Expression Knowledge Constrained Representation Learning for Facial Expression Recognition",
            "Pu, Chen, Xie, Wu, Lin",
            2021,
            arxiv="2012.14587",
        ),
        Citation(
            "Intraclass correlations: Uses in assessing rater reliability",
            "Shrout, Fleiss",
            1979,
            doi="10.1037/0033-2909.86.2.420",
        ),
    ),
    config=AuConfig,
    build=Au,
    training="fer.models.au_training",
    departures=(
        "The paper learns Action Units in order to name expressions better; here they are the answer, and only its "
        "knowledge of them is taken over. Exact strengths of rendered faces teach them; the knowledge only guides.",
        "The paper's table is learnt within its bands, one entry per expression; here every face may lie anywhere "
        "within a band. A strength is no probability: photographs that are labelled with an expression seldom show it "
        "at full strength, so the lower ends of the bands are lowered, and only what is absent has an upper end.",
        "Of the paper's three hinges for a pair of Action Units the one that compares with independence is kept; the "
        "others take strengths for probabilities.",
        "One network for the whole face in place of a ResNet-101 with crops about landmarks.",
    ),
)
