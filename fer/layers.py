"""Building blocks that two or more networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

M = TypeVar("M", bound=nn.Module)
QUIET = 0.1  # of what is added to a layer that another network knows already, so that the layer is heard first


def to_device_of(module: nn.Module, values: Tensor) -> Tensor:
    """Values as float32 on the device of a network."""
    return values.to(next(module.parameters()).device, torch.float32)


def check_widths(name: str, widths: Sequence[int], count: int | None = None) -> None:
    """Raises ValueError unless channels are positive multiples of 8, ``count`` of them where that is given."""
    if any(width < 8 or width % 8 for width in widths) or count not in (None, len(widths)):
        number = "" if count is None else f"{count} "
        raise ValueError(f"{name} needs {number}positive multiples of 8, not {widths}.")


def silenced(module: M) -> M:
    """A module all of whose weights are 0, so that it puts out nothing at first."""
    with torch.no_grad():
        for values in module.parameters():
            values.zero_()
    return module


def conv_bn_relu(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU: (B, inputs, H, W) -> (B, outputs, H/stride, W/stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class SqueezeExcite(nn.Module):
    """Channel attention of Hu et al. 2018 (arXiv 1709.01507, Squeeze-and-Excitation Networks)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = x.mean((2, 3), keepdim=True)
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(weight))))
        return x * weight


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with squeeze-excite and a skip; average-pooled 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn_relu(inputs, outputs, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), SqueezeExcite(outputs)
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.skip = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),  # as the convolution rounds
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.skip(x))


def residual_layers(inputs: int, widths: Sequence[int], blocks: Sequence[int]) -> list[nn.Module]:
    """(B, inputs, S, S) -> (B, widths[-1], s, s), halved once per stage.

    widths: channels of the stem and of every stage; blocks: residual blocks of every stage, the first of which halves
    the resolution.
    """
    layers: list[nn.Module] = [conv_bn_relu(inputs, widths[0])]
    before = widths[0]
    for width, count in zip(widths[1:], blocks, strict=True):
        for index in range(count):
            layers.append(ResidualBlock(before, width, stride=2 if index == 0 else 1))
            before = width
    return layers


def residual_stages(inputs: int, widths: Sequence[int], blocks: Sequence[int]) -> list[nn.Module]:
    """Layers of a recogniser: (B, inputs, S, S) -> features (B, widths[-1]), for any S of at least 24.

    See ``residual_layers``.
    """
    return [*residual_layers(inputs, widths, blocks), nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def spatial_head(inputs: int, channels: int, side: int, outputs: int) -> list[nn.Module]:
    """(B, inputs, side, side) -> (B, outputs) that still knows where in the picture things are."""
    return [nn.Conv2d(inputs, channels, 1), nn.Flatten(), nn.Linear(channels * side * side, outputs)]


def double_conv(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with group normalisation and SiLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, 1, 1), nn.GroupNorm(8, outputs), nn.SiLU(inplace=True)]
    return nn.Sequential(*layers)


def halving_blocks(widths: Sequence[int]) -> nn.ModuleList:
    """What ``halved`` runs after its stem, for channels ``widths`` at S/2, S/4, ...; each a multiple of 8."""
    return nn.ModuleList(double_conv(i, o) for i, o in zip((widths[0], *widths), widths, strict=False))


def halved(x: Tensor, blocks: nn.ModuleList) -> list[Tensor]:
    """What a stem put out (B, widths[0], S/2, S/2) -> layers from S/2 down, each of half the size of the one before."""
    layers: list[Tensor] = []
    for block in blocks:
        x = block(F.avg_pool2d(x, 2) if layers else x)
        layers.append(x)
    return layers


class Conditioned(nn.Module):
    """Twice the resolution, the encoder's layer beside it, two convolutions, each channel scaled by the condition."""

    def __init__(self, inputs: int, beside: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.beside = beside
        self.block = double_conv(inputs + beside, outputs)
        self.scale = silenced(nn.Linear(condition, 2 * outputs))

    def forward(self, x: Tensor, beside: Tensor | None, condition: Tensor) -> Tensor:
        """beside: the encoder's layer at twice the size of x, or None where a face is drawn from its latent alone."""
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        if beside is None:
            beside = x.new_zeros(len(x), self.beside, *x.shape[2:])
        x = self.block(torch.cat([x, beside], 1))
        gain, shift = self.scale(condition)[:, :, None, None].chunk(2, 1)
        scaled: Tensor = x * (1 + gain) + shift
        return scaled


def conditioned_blocks(widths: Sequence[int], condition: int) -> nn.ModuleList:
    """Decoder blocks from the last of ``widths`` up to the first, each beside the encoder's layer of its size."""
    return nn.ModuleList(Conditioned(i, o, o, condition) for i, o in zip(widths[::-1], widths[-2::-1], strict=False))


def doubled(x: Tensor, blocks: nn.ModuleList, besides: Sequence[Tensor | None], condition: Tensor) -> list[Tensor]:
    """The smallest layer, run through ``conditioned_blocks`` -> layers from the next larger up, each of twice the size.

    besides: what stands beside each block, see ``Conditioned``. condition: (B, N).
    """
    layers: list[Tensor] = []
    for block, beside in zip(blocks, besides, strict=True):
        x = block(x, beside, condition)
        layers.append(x)
    return layers


class Moves(nn.Conv2d):
    """A flow as a sum of fields, one per number of a condition: layer (B, inputs, s, s) and numbers (B, count).

    What a number moves is learnt apart from what the others move. Starts as no flow.
    """

    def __init__(self, inputs: int, count: int) -> None:
        super().__init__(inputs, 2 * count, 3, 1, 1)
        silenced(self)

    def flow(self, layer: Tensor, numbers: Tensor, size_px: int) -> Tensor:
        """(B, 2, size_px, size_px), float32, in the unit of what it is added to."""
        fields = self(layer).float().unflatten(1, (-1, 2))
        flow = (fields * numbers.float()[:, :, None, None, None]).sum(1)
        return F.interpolate(flow, size_px, mode="bilinear", align_corners=False)


class LocalReader(nn.Module):
    """A local network of DeRL: one layer (B, inputs, side, side) -> features (B, F) and logits (B, classes).

    width: channels of its first layer.
    """

    def __init__(self, inputs: int, side: int, width: int, features: int, dropout: float, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_bn_relu(inputs, width, stride=2 if side > 32 else 1)]
        side = side // 2 if side > 32 else side
        while side > 4:
            wider = min(2 * width, features)
            layers.append(ResidualBlock(width, wider, stride=2))
            width, side = wider, side // 2
        layers.append(ResidualBlock(width, features, stride=1))
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))
        self.to(memory_format=torch.channels_last)

    def forward(self, layers: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(layers.contiguous(memory_format=torch.channels_last))
        return features, self.head(features)


def fusion_head(inputs: int, classes: int, dropout: float, hidden: int = 256) -> nn.Sequential:
    """Features (B, inputs) -> logits (B, classes), by one hidden layer."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(inputs, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )


def critic_layers(inputs: int, widths: Sequence[int]) -> list[nn.Module]:
    """The trunk of a critic with spectral normalisation (Miyato et al. 2018, arXiv 1802.05957).

    (B, inputs, S, S) -> (B, widths[-1], s, s), halved once per width.
    """
    layers: list[nn.Module] = []
    for before, after in zip((inputs, *widths), widths, strict=False):
        layers += [spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2, inplace=True)]
    return layers


class EncoderDecoder(nn.Module):
    """Halves a picture until it is small, then doubles it again; layers of equal size stand on both sides.

    widths: channels at S/2, S/4, ...; each a multiple of 8. skips: the decoder also sees the encoder's layer of its
    size (U-Net). A wide kernel at half size opens it, because full size is where the operations would go.
    """

    def __init__(self, inputs: int, widths: Sequence[int], skips: bool = True) -> None:
        super().__init__()
        self.skips = skips
        self.stem = nn.Conv2d(inputs, widths[0], 4, 2, 1)
        self.encoder = halving_blocks(widths)
        falling = list(zip(widths[::-1], widths[-2::-1], strict=False))
        self.decoder = nn.ModuleList(double_conv(i + o if skips else i, o) for i, o in falling)

    def encode(self, x: Tensor) -> list[Tensor]:
        """(B, inputs, S, S) -> layers from S/2 down to the bottleneck."""
        return halved(self.stem(x), self.encoder)

    def decode(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        """The encoder's layers -> the decoder's, from the smallest above the bottleneck up to S/2."""
        x = encoded[-1]
        layers: list[Tensor] = []
        for block, beside in zip(self.decoder, encoded[-2::-1], strict=True):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, beside], 1) if self.skips else x)
            layers.append(x)
        return layers

    def hand_over(self, stem: nn.Module, encoder: nn.Module, decoder: nn.ModuleList) -> None:
        """Copy its weights into modules of the same shapes. decoder: ``conditioned_blocks``, whose scales stay."""
        stem.load_state_dict(self.stem.state_dict())
        encoder.load_state_dict(self.encoder.state_dict())
        for block, own in zip(decoder, self.decoder, strict=True):
            block.get_submodule("block").load_state_dict(own.state_dict())
