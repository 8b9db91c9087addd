"""identity: a small face embedding that does not mind the expression; a loss and a metric for what generators keep.

Trained with the supervised contrastive loss of Khosla et al. 2020 (arXiv 2004.11362): two pictures of one person with
different expressions belong together, pictures of different people apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.framing import LUMINANCE, resized
from fer.layers import residual_layers, spatial_head, to_device_of
from fer.models.base import Embedder
from fer.regions import face_ellipse
from fer.registry import Citation, Spec

ELLIPSE = (0.5, 0.5, 0.33, 0.42)  # of the canonical square: centre x, y and half axes; outside lies background


@dataclass(frozen=True)
class IdentityConfig:
    """Shape of the network."""

    size_px: int = 64  # side of the grey picture that the network sees
    widths: tuple[int, ...] = (24, 48, 96, 160)  # channels of the stem and of the stages
    blocks: tuple[int, ...] = (1, 2, 2)  # residual blocks of each stage; the first of a stage halves the resolution
    dimensions: int = 128  # of the embedding

    def __post_init__(self) -> None:
        counts = (self.size_px, self.dimensions, *self.widths, *self.blocks)
        if not all(isinstance(n, int) and n > 0 for n in counts) or len(self.blocks) != len(self.widths) - 1:
            raise ValueError(f"IdentityConfig needs positive numbers and one block count per stage, not {counts}.")


def masked_luminance(faces: Tensor, size_px: int) -> Tensor:
    """Aligned RGB (B, 3, S, S) -> luminance (B, 1, size_px, size_px), standardised inside the face, 0 outside."""
    weights = torch.tensor(LUMINANCE, device=faces.device)[:, None, None]
    grey = resized((faces.float() * weights).sum(1, keepdim=True), size_px)
    mask = face_ellipse(size_px, ELLIPSE).to(faces.device)
    mean = (grey * mask).sum((2, 3), keepdim=True) / mask.sum()
    centred = (grey - mean) * mask
    deviation = (centred.square().sum((2, 3), keepdim=True) / mask.sum()).sqrt()
    return centred / (deviation + 0.05)


class Identity(nn.Module, Embedder):
    """The embedder. ``forward`` keeps gradients, ``embed`` does not."""

    def __init__(self, config: IdentityConfig) -> None:
        super().__init__()
        self.config = config
        side = config.size_px // 2 ** len(config.blocks)
        head = spatial_head(config.widths[-1], 16, side, config.dimensions)  # the shape of a face is its identity
        self.network = nn.Sequential(*residual_layers(1, config.widths, config.blocks), *head)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, faces: Tensor) -> Tensor:
        """Aligned RGB (B, 3, S, S) in [-1, 1] -> unit vectors (B, dimensions)."""
        pictures = masked_luminance(faces, self.config.size_px).contiguous(memory_format=torch.channels_last)
        return F.normalize(self.network(pictures).float(), eps=1e-6)

    @torch.inference_mode()
    def embed(self, faces: Tensor) -> Tensor:
        """See ``Embedder.embed``."""
        embedded: Tensor = self(to_device_of(self, faces))
        return embedded.cpu()


SPEC = Spec(
    name="identity",
    title="Identity embedding",
    summary="A small embedding of grey 64 px faces that tells people apart and does not mind their expression.",
    citations=(
        Citation(
            "Supervised Contrastive Learning",
            "Khosla, Teterwak, Wang, Sarna, Tian, Isola, Maschinot, Liu, Krishnan",
            2020,
            arxiv="2004.11362",
        ),
    ),
    config=IdentityConfig,
    build=Identity,
    training="fer.models.identity_training",
)
