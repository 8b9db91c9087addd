"""fesgan: draw and edit expressions, and learn to name them from what was drawn.

Yan, Huang, Chen, Shen, Wang 2020, "Joint Deep Learning of Facial Expression Synthesis and Recognition" (IEEE TMM, doi
10.1109/TMM.2019.2962317, arXiv 2002.02194). A generator encodes a face to a latent g and decodes (g, expression): the
same face, the same person with another expression, or, from a prior on the latent, a person who does not exist. A
recogniser learns with it, from real and drawn faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.action_units import ACTION_UNITS, typical_units
from fer.framing import mirrored, resized, standardise, tight_luminance
from fer.layers import (
    Moves,
    check_widths,
    conditioned_blocks,
    doubled,
    halved,
    halving_blocks,
    residual_stages,
    to_device_of,
)
from fer.models.base import NeutralEditor, Recognizer
from fer.registry import Citation, Spec
from fer.targets import EMOTION_TARGETS
from fer.types import EMOTIONS, Edit, Framing, Prediction, TargetSpace
from fer.warping import CHANNELS, Composed, compose, with_flow


@dataclass(frozen=True)
class FesganConfig:
    """Shape of the generator and of the recogniser."""

    size_px: int = 128  # side of the pictures that the generator sees and draws
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # its channels at 64, 32, 16, 8 and 4 px
    latent: int = 64  # numbers in g
    reader_px: int = 48  # side of the grey picture that the recogniser sees
    reader_widths: tuple[int, ...] = (32, 64, 104, 152)  # its channels, stem first
    reader_blocks: tuple[int, ...] = (1, 2, 2)  # residual blocks of each of its stages
    dropout: float = 0.3  # before the recogniser's last layer, training only
    temperature: float = 1.0  # the recogniser's logits are divided by it; fitted on the validation split

    def __post_init__(self) -> None:
        check_widths("FesganConfig.widths", self.widths, 5)
        if self.size_px % 32 or min(self.size_px, self.latent, self.reader_px) < 1:
            raise ValueError("FesganConfig.size_px must be a multiple of 32; latent and reader_px positive.")
        if len(self.reader_blocks) != len(self.reader_widths) - 1 or self.temperature <= 0:
            raise ValueError("FesganConfig needs one reader block fewer than widths, and a positive temperature.")


class Generator(nn.Module):
    """Encoder to g in (-1, 1), and decoder of (g, expression): Action Units (B, 23) in [0, 1], zeros for neutral."""

    def __init__(self, config: FesganConfig) -> None:
        super().__init__()
        self.config = config
        widths, wide = config.widths, config.widths[-1]
        self.side = config.size_px // 32
        self.stem = nn.Conv2d(3, widths[0], 4, 2, 1)
        self.encoder = halving_blocks(widths)
        self.to_latent = nn.Linear(wide * self.side**2, config.latent)
        self.from_latent = nn.Linear(config.latent + len(ACTION_UNITS), wide * self.side**2)
        self.decoder = conditioned_blocks(widths, config.latent + len(ACTION_UNITS))
        self.moves = Moves(widths[1], len(ACTION_UNITS))
        self.out = nn.Conv2d(widths[0], (CHANNELS + 3) * 4, 3, 1, 1)
        with torch.no_grad():  # an edit starts as the face itself, a drawing does not start flat
            for values in self.out.parameters():
                values[: CHANNELS * 4] = 0
        self.to(memory_format=torch.channels_last)

    def encode(self, faces: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Faces (B, 3, 128, 128) -> g (B, latent) and the encoder's layers from 64 to 4 px."""
        layers = halved(self.stem(faces.contiguous(memory_format=torch.channels_last)), self.encoder)
        return torch.tanh(self.to_latent(layers[-1].flatten(1))), layers

    def decode(self, latent: Tensor, units: Tensor, layers: Sequence[Tensor] | None) -> Tensor:
        """(B, 9, 128, 128): paint, mask and flow for an edit, then the colours of a drawing.

        layers: the encoder's, for an edit; None draws from the latent alone.
        """
        condition = torch.cat([latent, units.to(latent.dtype)], 1)
        x = self.from_latent(condition).view(len(latent), -1, self.side, self.side)
        x = x if layers is None else x + layers[-1]
        besides = [None] * len(self.decoder) if layers is None else list(layers[-2::-1])
        *_, half, last = doubled(x, self.decoder, besides, condition)
        flow = self.moves.flow(half, units, self.config.size_px)
        return with_flow(F.pixel_shuffle(self.out(last).float(), 2), flow)

    def draw(self, latent: Tensor, units: Tensor) -> Tensor:
        """x^rec where the latent is a face's, x^{p,f} where it is from the prior: (B, 3, 128, 128) in (-1, 1)."""
        return torch.tanh(self.decode(latent, units, None)[:, CHANNELS:])

    def edit(self, faces: Tensor, units: Tensor, at: Tensor | None = None) -> Composed:
        """x^: the same people with another expression. at: the faces at another resolution, to be edited there."""
        latent, layers = self.encode(faces)
        return self.compose(faces if at is None else at, self.decode(latent, units, layers))

    def compose(self, faces: Tensor, decoded: Tensor) -> Composed:
        """Apply what ``decode`` gave with the encoder's layers."""
        return compose(faces.float(), decoded[:, :CHANNELS])


class Reader(nn.Module):
    """The recogniser: standardised luminance (B, 1, 48, 48) -> features f(x) (B, F) and logits (B, 8)."""

    def __init__(self, config: FesganConfig) -> None:
        super().__init__()
        self.body = nn.Sequential(*residual_stages(1, config.reader_widths, config.reader_blocks))
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.reader_widths[-1], len(EMOTIONS)))
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(pictures.contiguous(memory_format=torch.channels_last))
        return features, self.head(features)


class Fesgan(nn.Module, Recognizer, NeutralEditor):
    """Generator and recogniser. No ``Sampler`` until bundled weights have learnt the prior."""

    def __init__(self, config: FesganConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.reader = Reader(config)

    @property
    def target_space(self) -> TargetSpace:
        """See ``Editor.target_space``. The seven expressions; zeros are neutral."""
        return EMOTION_TARGETS

    @torch.inference_mode()
    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``. The mean of a face and its mirror picture."""
        pictures = standardise(tight_luminance(to_device_of(self, faces), framing, self.config.reader_px))
        return Prediction.of(mirrored(lambda each: self.reader(each)[1], pictures), self.config.temperature)

    @torch.inference_mode()
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """See ``Editor.edit``. Faces of any size; the network sees them at 128 px.

        In two passes: what a face shows is taken away first, since training never led from one expression to another.
        """
        target = EMOTION_TARGETS.checked(target, len(faces))
        faces = to_device_of(self, faces)
        calm = self._shown(faces, torch.zeros(len(faces), len(ACTION_UNITS)))
        asked = target.any(1)
        if asked.any():
            made = self._shown(calm.image[asked], typical_units(target[asked]))
            for whole, part in zip(calm, made, strict=True):
                whole[asked] = part
        return calm.edit()

    def _shown(self, faces: Tensor, units: Tensor) -> Composed:
        made = self.generator.edit(resized(faces, self.config.size_px), to_device_of(self, units), faces)
        return made._replace(image=made.image.clamp(-1, 1))

    @torch.inference_mode()
    def sample(self, target: Tensor, seed: int) -> Tensor:
        """See ``Sampler.sample``. g is drawn from the prior, uniform in (-1, 1)."""
        target = EMOTION_TARGETS.checked(target, len(target))
        rows = [
            torch.rand(self.config.latent, generator=torch.Generator().manual_seed(seed * 1_000_003 + row)) * 2 - 1
            for row in range(len(target))
        ]
        return self.generator.draw(
            to_device_of(self, torch.stack(rows)), to_device_of(self, typical_units(target))
        ).cpu()


SPEC = Spec(
    name="fesgan",
    title="Facial expression synthesis GAN with a joint recogniser",
    summary="A generator that edits expressions by moving pixels and painting, and a recogniser beside it.",
    citations=(
        Citation(
            "Joint Deep Learning of Facial Expression Synthesis and Recognition",
            "Yan, Huang, Chen, Shen, Wang",
            2020,
            arxiv="2002.02194",
            doi="10.1109/TMM.2019.2962317",
        ),
    ),
    config=FesganConfig,
    build=Fesgan,
    training="fer.models.fesgan_training",
    departures=(
        "An edit moves pixels by a flow and paints through a mask, with the encoder's layers beside the decoder's, so "
        "that the person stays sharp; faces drawn from the latent alone are drawn whole, as in the paper.",
        "An expression goes to the decoder as the strengths of its typical Action Units, in degrees from 0 to 1, and "
        "scales every layer, instead of a one-hot code at its start: a name leaves open which of many faces is meant. "
        "Rendered pairs with exact truth, whose Action Units are known, teach edits beside the discriminators; what "
        "each Action Unit moves is a field of its own.",
        "An edit first takes away what the face shows, then gives what is asked for.",
        "The generator sets out from the layers of derl's.",
        "Hinge loss with spectral normalisation instead of WGAN-GP; D_z on logits; an embedding of our own instead of "
        "LightCNN for the identity loss; a residual network on 48 px luminance as the recogniser.",
    ),
)
