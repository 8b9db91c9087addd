"""Find, verify, load and save weights. Safetensors only: nothing in a weights file can run.

Weights are a pair of files: NAME.safetensors and its card NAME.json, which holds the sha256 of the former, the
configuration of the network and where the weights come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from fer.errors import StorageError, WeightsError

BUNDLED = Path(__file__).parent / "weights"
LARGEST_BYTES = 10_000_000  # larger files belong into large-file storage, not into the checkout


@dataclass(frozen=True)
class Weights:
    """Weights whose checksum was verified. id: the name that their card gives them."""

    id: str
    sha256: str
    path: Path
    card: Mapping[str, Any]


def find(name: str, weights: str = "default") -> Weights:
    """Find the weights of model ``name`` and verify them.

    weights: "default" (bundled), a path to a .safetensors file with its card beside it, or "org/repo[@revision]" on
    the Hugging Face Hub. Raises WeightsError when they are missing, altered or those of another model.
    """
    path = _locate(name, weights)
    card = _read_card(path)
    if card["model"] != name:
        raise WeightsError(f'{path.name} holds weights of "{card["model"]}", not of "{name}".')
    digest = sha256(path)
    if digest != card["sha256"]:
        raise WeightsError(
            f"{path.name} does not match the checksum in its card: it is damaged or was altered and is not loaded. "
            "Get both files again from a source that you trust."
        )
    return Weights(card["id"], digest, path, card)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locate(name: str, weights: str) -> Path:
    if weights == "default":
        path = BUNDLED / f"{name}.safetensors"
    elif weights.endswith(".safetensors"):
        path = Path(weights)
    elif re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", weights):
        return _from_hub(name, weights)
    else:
        raise WeightsError(
            f'"{weights}" names no weights. Give "default", a path that ends in .safetensors, or org/repo@revision.'
        )
    if not path.is_file():
        raise WeightsError(f"There are no weights in {path}. Train them with: python -m fer.train {name}")
    return path


def _from_hub(name: str, weights: str) -> Path:
    import httpx2  # the HTTP client of huggingface_hub 2: some of its errors reach us as they are
    from huggingface_hub import HfApi, hf_hub_download

    repo, _, revision = weights.partition("@")
    try:
        commit = HfApi().model_info(repo, revision=revision or None, timeout=30).sha  # one commit for both files
        hf_hub_download(repo, f"{name}.json", revision=commit)
        return Path(hf_hub_download(repo, f"{name}.safetensors", revision=commit))
    except (httpx2.HTTPError, OSError, ValueError) as error:  # the Hub's own errors are OSErrors
        raise WeightsError(
            f"The weights {weights} could not be fetched from the Hugging Face Hub. Check the name, the revision and "
            f"the connection ({type(error).__name__})."
        ) from error


def _read_card(path: Path) -> Mapping[str, Any]:
    card_path = path.with_suffix(".json")
    try:
        card: dict[str, Any] = json.loads(card_path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path.name} has no card: {card_path.name} is missing beside it.") from error
    except (ValueError, OSError) as error:
        raise WeightsError(f"The card {card_path.name} could not be read: {error}.") from error
    if not isinstance(card, dict) or not isinstance(card.get("config", {}), dict):
        raise WeightsError(f"The card {card_path.name} is no card: it must hold an object with an object config.")
    missing = [key for key in ("model", "id", "sha256", "config") if key not in card]
    if missing:
        raise WeightsError(f"The card {card_path.name} lacks {', '.join(missing)}.")
    return card


def load_into(module: nn.Module, weights: Weights) -> None:
    """Fill ``module`` strictly: every tensor must be there, fit, and be finite. Raises WeightsError."""
    try:
        tensors = load_file(weights.path)
        module.load_state_dict(tensors, strict=True)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{weights.path.name} is not a readable safetensors file: {error}.") from error
    except RuntimeError as error:
        raise WeightsError(f"{weights.path.name} does not fit the network that its card describes: {error}") from error
    broken = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise WeightsError(f"{weights.path.name} holds values that are not finite, first in {broken[0]}.")


def save(module: nn.Module, card: Mapping[str, Any], folder: Path) -> Weights:
    """Write ``module`` in half precision as folder/MODEL.safetensors with its card; sha256 and sizes are filled in.

    Raises StorageError when the files cannot be written, WeightsError when they would be larger than 10 MB.
    """
    name = card["model"]
    path, part = folder / f"{name}.safetensors", folder / f"{name}.safetensors.part"
    card_part = folder / f"{name}.json.part"
    tensors = {
        key: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in module.state_dict().items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part)
        size = part.stat().st_size
        if size >= LARGEST_BYTES:
            raise WeightsError(f"The weights take {size:,} bytes; the limit is {LARGEST_BYTES:,}.")
        full = dict(card) | {
            "sha256": sha256(part),
            "bytes": size,
            "parameters": sum(p.numel() for p in module.parameters()),
        }
        card_part.write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
        card_part.replace(path.with_suffix(".json"))
    except (OSError, SafetensorError) as error:
        raise StorageError(f"The weights could not be written to {folder}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
        card_part.unlink(missing_ok=True)
    return Weights(full["id"], full["sha256"], path, full)


def rounded_to_half(module: nn.Module) -> nn.Module:
    """Round every value of ``module``, in place, to what ``save`` stores: what is measured is what is shipped."""
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().to(tensor.dtype))
    return module
