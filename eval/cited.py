"""Where something is published. Peers' environments read this too, so it imports the standard library alone."""

from __future__ import annotations

from typing import Protocol


class Cited(Protocol):
    """What has an arXiv id or a DOI."""

    @property
    def arxiv(self) -> str | None:
        """Such as 1608.01041."""

    @property
    def doi(self) -> str | None:
        """Such as 10.1109/FGR.2006.6."""


def check(what: str, cited: Cited) -> None:
    """ValueError where ``cited``, called ``what``, has neither."""
    if not (cited.arxiv or cited.doi):
        raise ValueError(f"{what} needs an arXiv id or a DOI.")


def reference(cited: Cited) -> str:
    """The arXiv id, else the DOI, in words."""
    return f"arXiv {cited.arxiv}" if cited.arxiv else f"doi {cited.doi}"
