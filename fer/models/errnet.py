"""errnet: one network that removes an expression, as a residual image, and names it from a segmented code.

A reconstruction of Li, Mo, Yang, Wang, Liao 2023, "Expression Removal and Recognition With Residual Image" (ERR-Net,
IEEE TBIOM 5(4), doi 10.1109/TBIOM.2023.3250832), of which only the abstract is public: removal and recognition at once,
end to end; the network's output is the residual image; residual features of pixels and of facial landmarks; the
encoder's output in segments, one per expression. Everything else here is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.framing import canonical, mirrored, resized
from fer.layers import EncoderDecoder, ResidualBlock, check_widths, conv_bn_relu, silenced, to_device_of
from fer.models.base import TOGETHER, Neutralizer, PartRecognizer
from fer.registry import Citation, Spec
from fer.types import EMOTIONS, Edit, Emotion, Framing, Prediction

EXPRESSIONS = tuple(e for e in EMOTIONS if e is not Emotion.NEUTRAL)
LANDMARKS = 68


@dataclass(frozen=True)
class ErrNetConfig:
    """Shape of the network."""

    size_px: int = 128  # side of the picture that the network sees
    widths: tuple[int, ...] = (32, 64, 112, 176, 224)  # channels at 64, 32, 16, 8 and 4 px
    segment: int = 32  # numbers in the code of each of the seven expressions
    features: int = 128  # residual features of the pixels
    dropout: float = 0.3  # before the last layers, training only
    temperature: float = 1.0  # logits are divided by it; fitted on the validation split

    def __post_init__(self) -> None:
        check_widths("ErrNetConfig.widths", self.widths, 5)
        if min(self.segment, self.features) < 1 or self.temperature <= 0:
            raise ValueError("ErrNetConfig.segment, features and temperature must be positive.")


@dataclass(frozen=True, eq=False)
class Removal:
    """What the network makes of faces (B, 3, 128, 128).

    residual: (B, 3, 128, 128) in [-2, 2], the face less its neutral face. code: (B, 7, segment), one row per
    expression. landmarks: (B, 68, 2) of the face in the unit square; displacement: (B, 68, 2), face less neutral.
    code_logits, pixel_logits, landmark_logits, logits: (B, 8) by each part and by all.
    """

    residual: Tensor
    code: Tensor
    landmarks: Tensor
    displacement: Tensor
    code_logits: Tensor
    pixel_logits: Tensor
    landmark_logits: Tensor
    logits: Tensor


class SegmentHead(nn.Module):
    """Logits (B, 8) of a code (B, 7, m): the length of a segment speaks for its expression, silence for neutral."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(6.0))
        self.silence = nn.Parameter(torch.tensor(0.5))

    def forward(self, code: Tensor) -> Tensor:
        lengths = lengths_of(code)
        neutral = self.silence.expand(len(code), 1)
        return self.scale * torch.cat([neutral, lengths], 1)


def lengths_of(code: Tensor) -> Tensor:
    """Length of every segment: (B, 7, m) -> (B, 7)."""
    return (code.float().square().sum(2) + 1e-8).sqrt()


class ErrNet(nn.Module, PartRecognizer, Neutralizer):
    """The network."""

    PARTS = ("code", "pixels", "landmarks", TOGETHER)
    LAYERS = "encoder layers"

    def __init__(self, config: ErrNetConfig) -> None:
        super().__init__()
        self.config = config
        wide = config.widths[-1]
        self.trunk = EncoderDecoder(3, config.widths)
        self.out = silenced(nn.Conv2d(config.widths[0], 3 * 4, 3, 1, 1))
        side = config.size_px // 2 ** len(config.widths)
        self.deepen = nn.Sequential(
            conv_bn_relu(config.widths[-2], 112, stride=2), ResidualBlock(112, 128, 1), ResidualBlock(128, 160, 2)
        )
        self.encode_code = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(config.dropout),
            nn.Linear(160 * (side // 2) ** 2, len(EXPRESSIONS) * config.segment),
        )
        self.points = nn.Sequential(
            nn.Flatten(), nn.Linear(wide * side * side, 64), nn.SiLU(), nn.Linear(64, 2 * 2 * LANDMARKS)
        )
        self.modulate = nn.Linear(len(EXPRESSIONS) * config.segment, wide)
        self.segments = SegmentHead()
        self.read_pixels = nn.Sequential(
            conv_bn_relu(3, 24, stride=2),
            ResidualBlock(24, 48, 2),
            ResidualBlock(48, 96, 2),
            ResidualBlock(96, config.features, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.pixel_head = nn.Linear(config.features, len(EMOTIONS))
        self.read_landmarks = nn.Sequential(nn.Linear(2 * LANDMARKS, 64), nn.SiLU())
        self.landmark_head = nn.Linear(64, len(EMOTIONS))
        joint = len(EXPRESSIONS) * config.segment + config.features + 64
        self.joint = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(joint, 128), nn.ReLU(inplace=True), nn.Linear(128, len(EMOTIONS))
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, faces: Tensor) -> Removal:
        """Faces (B, 3, 128, 128) in [-1, 1]."""
        encoded = self.trunk.encode(faces.contiguous(memory_format=torch.channels_last))
        code = self.encode_code(self.deepen(encoded[-2])).view(len(faces), len(EXPRESSIONS), self.config.segment)
        bottleneck = encoded[-1] * (1 + self.modulate(code.flatten(1)))[:, :, None, None]
        decoded = self.trunk.decode([*encoded[:-1], bottleneck])
        residual = 2 * torch.tanh(F.pixel_shuffle(self.out(decoded[-1]).float(), 2))
        points = self.points(encoded[-1]).float().view(len(faces), 2, LANDMARKS, 2)
        landmarks, displacement = points[:, 0] + 0.5, points[:, 1] * 0.1
        pixels = self.read_pixels(residual.to(faces.dtype).contiguous(memory_format=torch.channels_last))
        moved = self.read_landmarks(points[:, 1].flatten(1))
        code_logits = self.segments(code)
        together = self.joint(torch.cat([code.flatten(1), pixels, moved], 1)).float()
        return Removal(
            residual,
            code,
            landmarks,
            displacement,
            code_logits,
            self.pixel_head(pixels).float(),
            self.landmark_head(moved).float(),
            code_logits + together,
        )

    @torch.inference_mode()
    def recognize_by_part(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> dict[str, Prediction]:
        """See ``PartRecognizer.recognize_by_part``. The mean of a face and its mirror picture."""
        faces = canonical(to_device_of(self, faces), framing, self.config.size_px)
        logits = mirrored(lambda each: self._every_vote(self(each)), faces)
        return Prediction.of_each(self.PARTS, logits, 1.0)  # calibrated already

    @torch.inference_mode()
    def neutralize(self, faces: Tensor) -> Edit:
        """See ``Neutralizer.neutralize``. Faces of any size; the network sees them at 128 px."""
        faces = to_device_of(self, faces)
        small = resized(faces, self.config.size_px)
        made: Removal = self(small)
        residual = made.residual
        if faces.shape[-1] != small.shape[-1]:
            residual = F.interpolate(residual, faces.shape[-2:], mode="bicubic", align_corners=False)
        neutral = (faces - residual).clamp(-1, 1)
        parts = {
            "residue.pixel": faces - neutral,
            "landmarks.face": made.landmarks,
            "landmarks.neutral": made.landmarks - made.displacement,
            **self._layer_residues(small, (small - made.residual).clamp(-1, 1)),
            **{f"votes.{name}": each.softmax(1) for name, each in zip(self.PARTS, self._every_vote(made), strict=True)},
        }
        return Edit(neutral.cpu(), {name: part.float().cpu() for name, part in parts.items()})

    def _every_vote(self, made: Removal) -> Tensor:
        """The logits of ``PARTS`` (4, B, 8); those of all together are calibrated."""
        fused = made.logits / self.config.temperature
        return torch.stack([made.code_logits, made.pixel_logits, made.landmark_logits, fused])

    def _layer_residues(self, faces: Tensor, neutrals: Tensor) -> dict[str, Tensor]:
        """How far each layer of the encoder moves when the face is replaced by its neutral face, per position."""
        before, after = self.trunk.encode(faces)[:4], self.trunk.encode(neutrals)[:4]
        return {
            f"residue.{a.shape[-1]}": (a - b).square().mean(1, keepdim=True).sqrt()
            for a, b in zip(before, after, strict=True)
        }


SPEC = Spec(
    name="errnet",
    title="Expression removal and recognition (reconstruction)",
    summary="One network puts out the residual image and the landmarks' displacement and names the expression from a "
    "segmented code. A reconstruction: only the paper's abstract is public.",
    citations=(
        Citation(
            "Expression Removal and Recognition With Residual Image",
            "Li, Mo, Yang, Wang, Liao",
            2023,
            doi="10.1109/TBIOM.2023.3250832",
        ),
    ),
    config=ErrNetConfig,
    build=ErrNet,
    training="fer.models.errnet_training",
    departures=(
        "A reconstruction from the abstract: layers, losses, weights and schedule are ours.",
        "Trained on rendered and London Set pairs for removal and on FER+ votes for recognition, in the same steps; "
        "CK+ and MMI demand an agreement.",
        "No critic takes part, though the paper calls its network a GAN: nothing asks the neutral faces to look real.",
    ),
)
