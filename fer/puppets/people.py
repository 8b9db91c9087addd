"""Virtual people: real ones, reshaped ones, and blends of two or three photographs of one split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer.puppets.sitter import Sitter
from fer.puppets.wrinkles import CREASE_COUNT

REAL_SHARE = 0.25  # of all people: a sitter as photographed
RESHAPED_SHARE = 0.20  # another shape, one photograph's texture; the others blend textures too
LEAST_POOL = 3  # a blend takes up to three sitters
RESHAPING_MODES, RESHAPING_SPREAD = 20, 0.35
FULL_RELIEF = 0.65


@dataclass(frozen=True, eq=False)
class Person:
    """An identity to render: geometry in the host's camera, and textures.

    name: of this identity. vertices: float32 (n, 3) cm, neutral. host: gives hair, eyes, background and camera.
    sources: textures of the skin and their shares, which sum to 1. colour_gains: float32 (sources, 3), BGR, bring them
    to the host's colour. creases: (CREASE_COUNT,), depths. relief: exponent of the shading change.
    light: where the light of the photograph comes from, any length. side_light: float (3,), log gain along the
    surface's normal, added to both pictures of a pair. teeth: BGR, 0 to 255.
    """

    name: str
    vertices: np.ndarray
    host: Sitter
    sources: tuple[tuple[Sitter, float], ...]
    colour_gains: np.ndarray
    creases: np.ndarray
    relief: float = FULL_RELIEF
    light: tuple[float, float, float] = (0.1, 0.55, 0.8)
    side_light: tuple[float, float, float] = (0.0, 0.0, 0.0)
    teeth: tuple[float, float, float] = (205.0, 222.0, 232.0)

    @property
    def blended(self) -> bool:
        """Whether the skin is more than the host's own."""
        return len(self.sources) > 1 or self.sources[0][0] is not self.host

    @property
    def source_keys(self) -> list[str]:
        """The photographs that lend their texture."""
        return [sitter.photo.key for sitter, _ in self.sources]


def plain_person(sitter: Sitter, crease_depth: float = 0.0) -> Person:
    """A sitter as photographed."""
    return Person(
        name=sitter.photo.key,
        vertices=sitter.vertices,
        host=sitter,
        sources=((sitter, 1.0),),
        colour_gains=np.ones((1, 3), np.float32),
        creases=np.full(CREASE_COUNT, crease_depth),
    )


def make_person(rng: np.random.Generator, pool: Sequence[Sitter]) -> Person:
    """Draw a real (25 %), reshaped (20 %) or blended (55 %) identity from at least LEAST_POOL sitters of one split."""
    host = pool[int(rng.integers(len(pool)))]
    kind = rng.random()
    reshaped, blended = kind > REAL_SHARE, kind > REAL_SHARE + RESHAPED_SHARE
    vertices, sources = host.vertices, [(host, 1.0)]
    if reshaped:
        others = _others(rng, host, pool)
        vertices = _mix_shapes(rng, [host, *others])
        if blended:
            shares = rng.dirichlet(np.full(len(others) + 1, 0.8))
            sources = [(sitter, float(share)) for share, sitter in zip(shares, [host, *others], strict=True)]
        modes = rng.normal(0, RESHAPING_SPREAD, RESHAPING_MODES).astype(np.float32)
        vertices = vertices + np.tensordot(modes, host.model.identity[:RESHAPING_MODES], 1)
    gains = _colour_gains(host, [sitter for sitter, _ in sources])
    if blended:
        gains *= np.exp(rng.normal(0, 0.03, 3)).astype(np.float32)
    age = rng.uniform(0.15, 1.0)
    creases = np.clip(age * np.exp(rng.normal(0, 0.45, CREASE_COUNT)), 0, 1.3) * (rng.random(CREASE_COUNT) > 0.12)
    recipe = "+".join(sitter.photo.key for sitter, _ in sources)
    if reshaped:
        recipe += f"#{rng.integers(1 << 40):x}"
    light = (float(rng.normal(0, 0.25)), float(rng.uniform(0.2, 0.8)), 0.8)
    white = rng.uniform(0.86, 1.04)
    return Person(
        name=hashlib.sha1(recipe.encode()).hexdigest()[:12],
        vertices=vertices.astype(np.float32),
        host=host,
        sources=tuple(sources),
        colour_gains=gains,
        creases=creases,
        relief=float(rng.uniform(0.4, 0.95)),
        light=light,
        teeth=(200 * white * rng.uniform(0.88, 1.05), 220 * white, 230 * white),
    )


def _others(rng: np.random.Generator, host: Sitter, pool: Sequence[Sitter]) -> list[Sitter]:
    """One or two others, mostly of the host's collection, of similar skin and, where it is known, of the same sex."""
    strangers = [sitter for sitter in pool if sitter is not host]
    near_by = [s for s in strangers if s.photo.collection == host.photo.collection or rng.random() < 0.5]
    alike = [sitter for sitter in near_by if _alike(rng, host, sitter)]
    choice = alike if len(alike) >= 2 else near_by
    count = int(rng.integers(1, 3))
    if len(choice) < count:
        choice = strangers
    return [choice[number] for number in rng.choice(len(choice), count, replace=False)]


def _alike(rng: np.random.Generator, host: Sitter, other: Sitter) -> bool:
    ratio = host.skin_colour / np.maximum(other.skin_colour, 8)
    if ratio.max() >= 1.3 or ratio.min() <= 0.77:
        return False
    return other.photo.sex == host.photo.sex or "?" in (other.photo.sex, host.photo.sex) or rng.random() < 0.3


def _mix_shapes(rng: np.random.Generator, sitters: Sequence[Sitter]) -> np.ndarray:
    """A random mean of the sitters' faces (n, 3), nearest to the first."""
    shares = 0.3 * np.eye(len(sitters))[0] + 0.7 * rng.dirichlet(np.full(len(sitters), 2.0))
    mixed = sum(share * sitter.vertices for share, sitter in zip(shares, sitters, strict=True))
    return np.asarray(mixed).astype(np.float32)


def _colour_gains(host: Sitter, sources: Sequence[Sitter]) -> np.ndarray:
    """float32 (sources, 3): what brings each source's skin to the host's colour, 0.45 to 2.2."""
    gains = [np.clip(host.skin_colour / np.maximum(source.skin_colour, 8), 0.45, 2.2) for source in sources]
    return np.stack(gains).astype(np.float32)
