"""degan: an expression as a few numbers, learnt by rebuilding faces whose identity the decoder is told.

Ali, Hughes 2019, "Facial Expression Representation Learning by Synthesizing Expression Images" (arXiv 1912.01456; the
earlier version without residue is arXiv 1909.13135). An encoder maps a face to f_exp. The decoder rebuilds the face
from f_exp and the identity, which it is given explicitly, so f_exp need not hold the person. Then the encoder is
frozen, and the expression is read from f_exp together with the encoder's layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.errors import DataError
from fer.framing import mirrored, resized, standardise, tight_luminance
from fer.layers import (
    LocalReader,
    Moves,
    check_widths,
    conditioned_blocks,
    doubled,
    fusion_head,
    halved,
    halving_blocks,
    residual_layers,
    silenced,
    spatial_head,
    to_device_of,
)
from fer.models.base import TOGETHER, ExpressionEncoder, NeutralEditor, PartRecognizer, Transferrer
from fer.registry import Citation, Spec
from fer.targets import EMOTION_TARGETS
from fer.types import EMOTIONS, Edit, Framing, Prediction, TargetSpace
from fer.warping import CHANNELS, Composed, compose, with_flow


@dataclass(frozen=True)
class DeganConfig:
    """Shape of the expression encoder, of the decoder and of the readers."""

    size_px: int = 128  # side of the picture that tells the decoder who it is, and of what it puts out
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # channels beside and inside the decoder at 64, 32, 16, 8, 4 px
    code: int = 32  # numbers in f_exp
    encoder_px: int = 80  # side of the grey picture that the expression encoder sees
    encoder_widths: tuple[int, ...] = (24, 32, 64, 128, 192)  # its channels at that size, a half, a quarter, ...
    encoder_blocks: tuple[int, ...] = (1, 2, 2, 1)  # residual blocks of each size but the first
    places: int = 32  # channels of its last map, which keeps where things are
    local_width: int = 24  # channels in the first layer of a local network
    local_features: int = 32  # what a local network hands to the fusion
    dropout: float = 0.4  # before the last layers of the readers, training only
    temperature: float = 1.0  # logits are divided by it; fitted on the validation split

    def __post_init__(self) -> None:
        check_widths("DeganConfig.widths", self.widths, 5)
        check_widths("DeganConfig.encoder_widths", self.encoder_widths, 5)
        if len(self.encoder_blocks) != 4 or min(self.encoder_blocks) < 1:
            raise ValueError(f"DeganConfig.encoder_blocks needs four positive counts, not {self.encoder_blocks}.")
        if self.size_px % 32 or self.encoder_px % 16 or min(self.size_px, self.encoder_px, self.code, self.places) < 1:
            raise ValueError("DeganConfig.size_px must be a multiple of 32, encoder_px one of 16; the others positive.")
        if self.temperature <= 0:
            raise ValueError("DeganConfig.temperature must be positive.")


class Encoder(nn.Module):
    """Standardised luminance (B, 1, 80, 80) -> f_exp (B, code), and its layers of 40, 20, 10 and 5 px.

    Grey and standardised, because colour and light tell who is shown and when, not which expression. Of the shape of
    the reader of Action Units, from which it sets out. The running statistics of batch normalisation stay those of
    ``au``, its scales and shifts learn on: the code of a face must not depend on the faces beside it, in training
    neither.
    """

    def __init__(self, config: DeganConfig) -> None:
        super().__init__()
        widths, self.blocks = config.encoder_widths, config.encoder_blocks
        self.trunk = nn.Sequential(*residual_layers(1, widths, self.blocks))
        self.code = nn.Sequential(*spatial_head(widths[-1], config.places, config.encoder_px // 16, config.code))
        self.train()
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = self.trunk[0](pictures.contiguous(memory_format=torch.channels_last))
        layers: list[Tensor] = []
        following = iter(self.trunk[1:])
        for count in self.blocks:
            for _ in range(count):
                x = next(following)(x)
            layers.append(x)
        return bounded(self.code(x).float()), layers

    def train(self, mode: bool = True) -> Encoder:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def bounded(values: Tensor) -> Tensor:
    """Rows (B, N) shrunk to a root mean square below 1.

    Not by tanh of each number: it saturates, and what is saturated learns no more.
    """
    return values / (1 + values.square().mean(1, keepdim=True)).sqrt()


class Decoder(nn.Module):
    """A picture of a person (B, 3, 128, 128) and f_exp (B, code) -> paint, mask and flow (B, 6, 128, 128).

    The layers that look at the person stand beside the decoder's, and f_exp scales every level. It starts with the
    picture as it is.
    """

    def __init__(self, config: DeganConfig) -> None:
        super().__init__()
        widths, wide = config.widths, config.widths[-1]
        self.side = config.size_px // 32
        self.stem = nn.Conv2d(3, widths[0], 4, 2, 1)
        self.person = halving_blocks(widths)
        self.from_code = nn.Linear(config.code, wide * self.side**2)
        self.levels = conditioned_blocks(widths, config.code)
        self.size_px, self.moves = config.size_px, Moves(widths[1], config.code)
        self.out = silenced(nn.Conv2d(widths[0], CHANNELS * 4, 3, 1, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, people: Tensor, code: Tensor) -> Tensor:
        beside = halved(self.stem(people.contiguous(memory_format=torch.channels_last)), self.person)
        x = beside[-1] + self.from_code(code).view(len(code), -1, self.side, self.side)
        *_, half, last = doubled(x, self.levels, beside[-2::-1], code)
        flow = self.moves.flow(half, code, self.size_px)
        return with_flow(F.pixel_shuffle(self.out(last).float(), 2), flow)


class Degan(nn.Module, PartRecognizer, NeutralEditor, Transferrer, ExpressionEncoder):
    """Expression encoder, decoder, and the readers of the frozen encoder.

    prototypes: (8, code), f_exp that stands for each expression in canonical order; zeros until a training ends.
    """

    prototypes: Tensor

    def __init__(self, config: DeganConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        sides = (config.encoder_px // 2**k for k in range(1, 5))
        self.locals = nn.ModuleList(
            LocalReader(width, side, config.local_width, config.local_features, config.dropout, len(EMOTIONS))
            for width, side in zip(config.encoder_widths[1:], sides, strict=True)
        )
        inputs = len(self.locals) * config.local_features + config.code
        self.fusion = fusion_head(inputs, len(EMOTIONS), config.dropout)
        self.register_buffer("prototypes", torch.zeros(len(EMOTIONS), config.code))

    @property
    def target_space(self) -> TargetSpace:
        """See ``Editor.target_space``. The seven expressions; zeros are neutral."""
        return EMOTION_TARGETS

    def expression_of(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Tensor:
        """f_exp (B, code) of faces (B, 3, S, S). Keeps gradients, as opposed to ``encode``."""
        return cast(Tensor, self.encoder(self.seen(faces, framing))[0])

    def seen(self, faces: Tensor, framing: Framing) -> Tensor:
        """What the encoder sees of faces (B, 3, S, S): (B, 1, 80, 80)."""
        return standardise(tight_luminance(faces, framing, self.config.encoder_px))

    def decode(self, people: Tensor, code: Tensor) -> Composed:
        """The people of pictures (B, 3, S, S) with the expression f_exp (B, code). Keeps gradients."""
        raw = self.decoder(resized(people, self.config.size_px), code)
        return compose(people.float(), raw)

    def code_for(self, target: Tensor) -> Tensor:
        """f_exp (B, code) for targets (B, 7): from the neutral prototype towards those of what is asked for."""
        neutral, expressions = self.prototypes[:1], self.prototypes[1:]
        mixed = neutral + target.to(neutral) @ (expressions - neutral)
        return mixed / mixed.square().mean(1, keepdim=True).sqrt().clamp(min=1)

    def votes(self, pictures: Tensor) -> tuple[list[Tensor], Tensor]:
        """What the encoder sees (B, 1, 80, 80) -> logits (B, 8) of each local network and of the fusion.

        Who is shown does not come in. No gradient reaches the encoder.
        """
        with torch.no_grad():
            code, layers = self.encoder(pictures)
        answers = [local(layer) for local, layer in zip(self.locals, layers, strict=True)]
        fused: Tensor = self.fusion(torch.cat([*(features for features, _ in answers), code], 1))
        return [logits for _, logits in answers], fused

    @torch.inference_mode()
    def recognize_by_part(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> dict[str, Prediction]:
        """See ``PartRecognizer.recognize_by_part``. The mean of a face and its mirror picture."""
        pictures = self.seen(to_device_of(self, faces), framing)
        sides = (str(self.config.encoder_px // 2**k) for k in range(1, 5))
        return Prediction.of_each((*sides, TOGETHER), mirrored(self._every_vote, pictures), self.config.temperature)

    def _every_vote(self, pictures: Tensor) -> Tensor:
        each, fused = self.votes(pictures)
        return torch.stack([*each, fused])

    @torch.inference_mode()
    def encode(self, faces: Tensor) -> Tensor:
        """See ``ExpressionEncoder.encode``. f_exp, of a root mean square below 1."""
        return self.expression_of(to_device_of(self, faces)).cpu()

    @torch.inference_mode()
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """See ``Editor.edit``. Faces of any size; the networks see them at 128 px."""
        target = EMOTION_TARGETS.checked(target, len(faces))
        return self._shown(faces, self.code_for(to_device_of(self, target)))

    @torch.inference_mode()
    def transfer(self, faces: Tensor, sources: Tensor) -> Edit:
        """See ``Transferrer.transfer``. Of the sources nothing but f_exp is used."""
        if len(faces) != len(sources):
            raise ValueError(f"A transfer needs one source per face, not {len(sources)} for {len(faces)}.")
        return self._shown(faces, self.expression_of(to_device_of(self, sources)))

    def _shown(self, faces: Tensor, code: Tensor) -> Edit:
        return self.decode(to_device_of(self, faces), code).edit()


def prototypes_of(code: Tensor, emotion: Tensor) -> Tensor:
    """Mean of codes (N, code) for each of the eight emotions (N,): (8, code). DataError where one has no face."""
    missing = [str(name) for k, name in enumerate(EMOTIONS) if not (emotion == k).any()]
    if missing:
        raise DataError(f"There is no face to make a prototype of for: {', '.join(missing)}.")
    return torch.stack([code[emotion == k].mean(0) for k in range(len(EMOTIONS))])


SPEC = Spec(
    name="degan",
    title="Disentangled expression learning GAN",
    summary="An expression code with little of the person, from rebuilding faces; it edits, transfers, recognises.",
    citations=(
        Citation(
            "Facial Expression Representation Learning by Synthesizing Expression Images",
            "Ali, Hughes",
            2019,
            arxiv="1912.01456",
        ),
        Citation(
            "Facial Expression Recognition Using Disentangled Adversarial Learning",
            "Ali, Hughes",
            2019,
            arxiv="1909.13135",
        ),
    ),
    config=DeganConfig,
    build=Degan,
    training="fer.models.degan_training",
    departures=(
        "Identity is given as a picture of the person, whose layers stand beside the decoder's, instead of a one-hot "
        "code of the people trained on: it works for anybody, and the person stays sharp. The decoder moves pixels by "
        "a flow and paints through a mask at 128 px colour, in place of drawing; its noise is left out.",
        "The encoder sees 80 px of standardised luminance, in training of a copy in another light, place and "
        "resolution, so that pixels, colours and light cannot pass through the code; f_exp has 32 numbers. It sets out "
        "from the reader of Action Units, ``au``.",
        "Rendered pairs with exact truth teach the reconstruction. The critic sees transfers alone. Its identity head "
        "is a projection (Miyato, Koyama 2018, arXiv 1802.05637) of our own face embedding, with real faces of the "
        "wrong person as further negatives, in place of classes; hinge loss with spectral normalisation.",
        "While encoder and decoder learn, linear readers tell from f_exp the expression and, of pairs, the strengths "
        "of Action Units, where smiles of photographs, whose strengths are not known, count as a posed smile; the flow "
        "is told where landmarks of rendered faces belong. In synthesis a transfer has to be encoded as its source, "
        "and an embedding has to find the person in it. Each has a weight in the recipe.",
        "Edits by name start from prototypes, the mean f_exp of rendered faces of each expression.",
    ),
)
