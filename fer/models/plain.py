"""plain: a small residual network with squeeze-excite that names the expression of a face; the project's baseline.

Trained from scratch on the vote distributions of FER+ (Barsoum et al. 2016, arXiv 1608.01041, "Training Deep Networks
for Facial Expression Recognition with Crowd-Sourced Label Distribution"). The residual block is that of He et al. 2016
(arXiv 1512.03385) with the channel attention of Hu et al. 2018 (arXiv 1709.01507).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.framing import standardise, tight_luminance
from fer.layers import residual_stages, to_device_of
from fer.models.base import Recognizer
from fer.registry import Citation, Spec
from fer.types import EMOTIONS, Framing, Prediction


@dataclass(frozen=True)
class PlainConfig:
    """Shape of the network and how it is read."""

    size_px: int = 48  # side of the grey picture that the network sees
    widths: tuple[int, ...] = (32, 64, 128, 256)  # channels of the stem and of the three stages
    blocks: tuple[int, ...] = (2, 2, 3)  # residual blocks of each stage; the first of a stage halves the resolution
    dropout: float = 0.3  # before the last layer, training only
    temperature: float = 1.0  # logits are divided by it; fitted on the validation split
    zooms: tuple[float, ...] = (1.0,)  # scales of the picture whose probabilities are averaged, each with its mirror

    def __post_init__(self) -> None:
        counts = (self.size_px, *self.widths, *self.blocks)
        if not all(isinstance(n, int) and n > 0 for n in counts):
            raise ValueError(f"PlainConfig.size_px, widths and blocks must be positive whole numbers, not {counts}.")
        if len(self.blocks) != len(self.widths) - 1:
            raise ValueError("PlainConfig.blocks needs one entry fewer than widths.")
        if self.temperature <= 0 or not self.zooms or min(self.zooms) <= 0:
            raise ValueError("PlainConfig.temperature and zooms must be positive.")


def build_network(config: PlainConfig) -> nn.Sequential:
    """(B, 1, S, S) standardised luminance -> (B, 8) logits, for any S of at least 24."""
    head = [nn.Dropout(config.dropout), nn.Linear(config.widths[-1], len(EMOTIONS))]
    network = nn.Sequential(*residual_stages(1, config.widths, config.blocks), *head)
    return network.to(memory_format=torch.channels_last)


def zoomed(pictures: Tensor, scale: float) -> Tensor:
    """Enlarge (scale > 1) or shrink pictures (B, 1, S, S) about their centre; reflected at the border."""
    if scale == 1.0:
        return pictures
    theta = torch.eye(2, 3, device=pictures.device)[None].repeat(len(pictures), 1, 1) / scale
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def logits_of_views(network: nn.Module, luminance: Tensor, config: PlainConfig) -> Tensor:
    """Mean logits (B, 8) over the zooms of the config and their mirror pictures."""
    views = []
    for zoom in config.zooms:
        view = standardise(zoomed(luminance, zoom)).contiguous(memory_format=torch.channels_last)
        views += [network(view).float(), network(view.flip(3)).float()]
    return torch.stack(views).mean(0)


class Plain(nn.Module, Recognizer):
    """The recogniser. ``network`` maps standardised luminance (B, 1, 48, 48) to logits (B, 8)."""

    def __init__(self, config: PlainConfig) -> None:
        super().__init__()
        self.config = config
        self.network = build_network(config)

    @torch.inference_mode()
    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``."""
        luminance = tight_luminance(to_device_of(self, faces), framing, self.config.size_px)
        logits = logits_of_views(self.network, luminance, self.config)
        return Prediction.of(logits, self.config.temperature)


SPEC = Spec(
    name="plain",
    title="Plain residual network",
    summary="A small squeeze-excite residual network on 48 x 48 grey pictures, trained from scratch; the baseline.",
    citations=(
        Citation(
            "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution",
            "Barsoum, Zhang, Canton Ferrer, Zhang",
            2016,
            arxiv="1608.01041",
        ),
        Citation("Deep Residual Learning for Image Recognition", "He, Zhang, Ren, Sun", 2015, arxiv="1512.03385"),
        Citation("Squeeze-and-Excitation Networks", "Hu, Shen, Albanie, Sun, Wu", 2017, arxiv="1709.01507"),
    ),
    config=PlainConfig,
    build=Plain,
    training="fer.models.plain_training",
    departures=(
        "A residual network instead of the FER+ paper's VGG13: fewer operations for the same accuracy.",
        "Besides FER+, aligned photographs (LFW, London, rendered faces) are an eighth of every batch, so that it "
        "holds on what a face detector gives.",
    ),
)
