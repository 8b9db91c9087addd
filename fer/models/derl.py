"""derl: an expression is read from what a generator of neutral faces had to remove.

Yang, Ciftci, Yin 2018, "Facial Expression Recognition by De-Expression Residue Learning" (CVPR, doi
10.1109/CVPR.2018.00231). A conditional GAN learns to turn any face into the neutral face of the same person; then it is
frozen. Layers of equal size in its encoder and decoder are put side by side, a local network reads each of the four
pairs, and a fusion of all, with the last encoding layer, names the expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.framing import canonical, mirrored, resized
from fer.layers import EncoderDecoder, LocalReader, check_widths, fusion_head, silenced, to_device_of
from fer.models.base import TOGETHER, Neutralizer, PartRecognizer
from fer.registry import Citation, Spec
from fer.types import EMOTIONS, Edit, Framing, Prediction
from fer.warping import Composed, compose

DIFFERENCES = ("features", "pixels", "flow", "all")  # standardised before they are read: they are small numbers
RESIDUES = ("pairs", "encoder", *DIFFERENCES)


@dataclass(frozen=True)
class DerlConfig:
    """Shape of the generator, of the local networks and of the fusion."""

    size_px: int = 128  # side of the picture that the generator sees
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # its channels at 64, 32, 16, 8 and 4 px
    skips: bool = True  # the decoder also sees the encoder's layers
    residue: str = "pairs"  # what the local networks read; the others are ablations
    local_width: int = 40  # channels in the first layer of a local network
    local_features: int = 80  # what a local network hands to the fusion
    dropout: float = 0.4  # before the last layers, training only
    temperature: float = 1.0  # logits are divided by it; fitted on the validation split

    def __post_init__(self) -> None:
        if self.residue not in RESIDUES:
            raise ValueError(f'DerlConfig.residue must be one of {", ".join(RESIDUES)}, not "{self.residue}".')
        check_widths("DerlConfig.widths", self.widths, 5)
        if self.temperature <= 0:
            raise ValueError("DerlConfig.temperature must be positive.")


@dataclass(frozen=True, eq=False)
class Generated:
    """What the generator makes of faces (B, 3, 128, 128).

    raw: (B, 6, 128, 128) paint, mask and flow, of which ``compose`` made the neutral faces, ``composed``.
    encoded: layers of 64, 32, 16, 8 and 4 px; decoded: of 8, 16, 32 and 64 px.
    """

    raw: Tensor
    composed: Composed
    encoded: Sequence[Tensor]
    decoded: Sequence[Tensor]

    @property
    def neutral(self) -> Tensor:
        """The neutral faces (B, 3, 128, 128)."""
        return self.composed.image

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        """Encoder and decoder layer of 64, 32, 16 and 8 px."""
        return list(zip(self.encoded[:4], self.decoded[::-1], strict=True))


class Generator(nn.Module):
    """The neutral-face generator: (B, 3, 128, 128) -> ``Generated``. Starts as the identity."""

    def __init__(self, config: DerlConfig) -> None:
        super().__init__()
        self.trunk = EncoderDecoder(3, config.widths, config.skips)
        self.out = silenced(nn.Conv2d(config.widths[0], 6 * 4, 3, 1, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, faces: Tensor) -> Generated:
        encoded = self.trunk.encode(faces.contiguous(memory_format=torch.channels_last))
        decoded = self.trunk.decode(encoded)
        raw = F.pixel_shuffle(self.out(decoded[-1]).float(), 2)
        return Generated(raw, compose(faces.float(), raw), encoded, decoded)


class Derl(nn.Module, PartRecognizer, Neutralizer):
    """Generator, four local networks and their fusion."""

    SIDES = (64, 32, 16, 8)
    PARTS = (*map(str, SIDES), TOGETHER)
    LAYERS = "encoder and decoder layers"

    def __init__(self, config: DerlConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        features = config.local_features
        self.scales = nn.ModuleList(
            nn.BatchNorm2d(self._channels(width), affine=False) if config.residue in DIFFERENCES else nn.Identity()
            for width in config.widths[:4]
        )
        self.locals = nn.ModuleList(
            LocalReader(self._channels(width), side, config.local_width, features, config.dropout, len(EMOTIONS))
            for width, side in zip(config.widths[:4], self.SIDES, strict=True)
        )
        self.fusion = nn.ModuleDict(  # a dictionary of one keeps the names in the bundled weights
            {"head": fusion_head(4 * features + config.widths[-1], len(EMOTIONS), config.dropout)}
        )

    def _channels(self, width: int) -> int:
        channels = {"pairs": 2 * width, "encoder": width, "features": width, "pixels": 3, "flow": 2}
        return channels.get(self.config.residue) or channels["pairs"] + channels["pixels"] + channels["flow"]

    def residues(self, faces: Tensor, made: Generated) -> list[Tensor]:
        """What the local networks read, of 64, 32, 16 and 8 px."""
        pairs = [torch.cat(pair, 1) for pair in made.pairs()]
        if self.config.residue == "pairs":  # the paper: equal-size layers, concatenated
            return pairs
        if self.config.residue == "encoder":
            return list(made.encoded[:4])
        if self.config.residue == "features":
            neutral = self.generator.trunk.encode(made.neutral.to(faces.dtype))
            return [a - b for a, b in zip(made.encoded[:4], neutral[:4], strict=True)]
        pixels, flow = ([resized(x, side) for side in self.SIDES] for x in (faces - made.neutral, made.composed.flow))
        if self.config.residue == "all":
            return [torch.cat(each, 1) for each in zip(pairs, pixels, flow, strict=True)]
        return pixels if self.config.residue == "pixels" else flow  # where the landmarks go, read at every place

    def votes(self, faces: Tensor, made: Generated | None = None) -> tuple[list[Tensor], Tensor]:
        """Canonical faces (B, 3, 128, 128) -> the logits (B, 8) of each local network and of the fusion.

        made: what the generator made of them, where it is known. No gradient reaches the generator.
        """
        with torch.no_grad():
            made = made or self.generator(faces)
            read = [layers.detach() for layers in self.residues(faces, made)]
            last = made.encoded[-1].detach().mean((2, 3))
        answers = [local(scale(layers)) for local, scale, layers in zip(self.locals, self.scales, read, strict=True)]
        parts = [*(features for features, _ in answers), last]
        fused: Tensor = self.fusion["head"](torch.cat(parts, 1))
        return [logits for _, logits in answers], fused

    @torch.inference_mode()
    def recognize_by_part(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> dict[str, Prediction]:
        """See ``PartRecognizer.recognize_by_part``. The mean of a face and its mirror picture."""
        faces = canonical(to_device_of(self, faces), framing, self.config.size_px)
        return Prediction.of_each(self.PARTS, mirrored(self._every_vote, faces), self.config.temperature)

    @torch.inference_mode()
    def neutralize(self, faces: Tensor) -> Edit:
        """See ``Neutralizer.neutralize``. Faces of any size; the network sees them at 128 px."""
        faces = to_device_of(self, faces)
        small = resized(faces, self.config.size_px)
        made = self.generator(small)
        neutral, flow, mask = compose(faces, made.raw)
        neutral = neutral.clamp(-1, 1)
        removed = self.generator(made.neutral)
        parts = {"residue.pixel": faces - neutral, "flow": flow, "mask": mask}
        parts |= self._layer_residues(made, removed) | self._part_votes(small, made)
        return Edit(neutral.cpu(), {name: part.float().cpu() for name, part in parts.items()})

    def _layer_residues(self, made: Generated, removed: Generated) -> dict[str, Tensor]:
        """How far each pair of layers moves when the face is replaced by its neutral face, per position."""
        return {
            f"residue.{side}": (torch.cat(a, 1) - torch.cat(b, 1)).square().mean(1, keepdim=True).sqrt()
            for side, a, b in zip(self.SIDES, made.pairs(), removed.pairs(), strict=True)
        }

    def _part_votes(self, faces: Tensor, made: Generated) -> dict[str, Tensor]:
        named = Prediction.of_each(self.PARTS, self._every_vote(faces, made), self.config.temperature)
        return {f"votes.{name}": found.probs for name, found in named.items()}

    def _every_vote(self, faces: Tensor, made: Generated | None = None) -> Tensor:
        """The logits of all parts, the fusion last: (5, B, 8)."""
        each, fused = self.votes(faces, made)
        return torch.stack([*each, fused])


SPEC = Spec(
    name="derl",
    title="De-expression residue learning",
    summary="A frozen generator of neutral faces; the expression is read from the residue in its layers.",
    citations=(
        Citation(
            "Facial Expression Recognition by De-Expression Residue Learning",
            "Yang, Ciftci, Yin",
            2018,
            doi="10.1109/CVPR.2018.00231",
        ),
    ),
    config=DerlConfig,
    build=Derl,
    training="fer.models.derl_training",
    departures=(
        "The generator moves pixels by a flow and paints through a mask, at 128 px colour, instead of drawing the "
        "whole picture: faces stay sharp and work at any resolution. Its decoder has skips.",
        "Hinge loss with spectral normalisation instead of the logarithmic GAN loss; group instead of batch "
        "normalisation in the generator, so that nothing in it depends on the batch once it is frozen.",
        "Trained on rendered pairs, London Set pairs and neutral FER+ faces: BU-4DFE and BP4D demand an agreement.",
        "An identity loss keeps the person; on rendered pairs the flow is told where the landmarks go.",
    ),
)
