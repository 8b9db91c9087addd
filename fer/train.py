"""python -m fer.train MODEL: train a model from the data and write its weights and card."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from fer import registry, weights
from fer.arguments import positive
from fer.errors import FerError, TrainingError
from fer.load import named_start, pick_device
from fer.training import train

ORIGIN = ("command", "seed", "steps", "hours", "recipe", "started_from")  # of the weights that a training starts from
LICENCE = "Apache-2.0 (weights); the training data keep their own licences, see README"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m fer.train", description=__doc__)
    made.add_argument("model", help=f"one of: {', '.join(registry.MODEL_NAMES)}")
    made.add_argument("--data-root", type=Path, default=Path("../shared/data"), help="folder of dataset repositories")
    made.add_argument("--out", type=Path, help="folder for log, snapshot and weights (default runs/MODEL)")
    made.add_argument("--id", help="name of the weights in their card (default MODEL-sSEED)")
    made.add_argument("--device", default="auto", help="auto, cpu or cuda")
    made.add_argument("--threads", type=positive, default=os.cpu_count() or 1, help="CPU threads")
    made.add_argument("--tick", type=positive, default=1000, help="steps between validation, log record and snapshot")
    made.add_argument("--bundle", action="store_true", help="also write the weights to fer/weights")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a value of the recipe")
    made.add_argument("--config", action="append", default=[], metavar="NAME=VALUE", help="change one of the network")
    return made


def with_settings(recipe: Any, settings: Sequence[str]) -> Any:
    """Apply NAME=VALUE settings to a recipe or configuration; TrainingError on an unknown name or an unfit value."""
    fields = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    changes = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if isinstance(fields.get(name), tuple):
            raise TrainingError(
                f"{name} is a list and cannot be set here. Change its default in {type(recipe).__name__}."
            )
        if name not in fields:
            raise TrainingError(f'The recipe has no "{name}". It has: {", ".join(sorted(fields))}.')
        changes[name] = _value(name, text, type(fields[name]))
    try:
        return dataclasses.replace(recipe, **changes)
    except ValueError as error:
        raise TrainingError(str(error)) from error


def _value(name: str, text: str, kind: type) -> Any:
    """The value that the text of a setting stands for."""
    if kind is bool:
        if text not in ("true", "false"):
            raise TrainingError(f'{name} is either true or false, not "{text}".')
        return text == "true"
    try:
        return kind(text)
    except ValueError as error:
        raise TrainingError(f'"{text}" is no {kind.__name__} for {name}.') from error


def hardware(device: torch.device) -> str:
    """What the training ran on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"


def last_record(log: Path) -> dict[str, Any]:
    """The last line of a training log."""
    record: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return record


def origin(model: str, recipe: Any, beside: Sequence[str] = ()) -> dict[str, Any]:
    """The card's entry for the weights that a recipe's ``start`` names, usually of ``model``: how those were made.

    beside: models whose bundled weights are taken over with those of ``model``.
    """
    start = getattr(recipe, "start", "")
    if not start:
        return {}
    name, chosen = named_start(start, model)
    others = [_made(other, "default") for other in beside] if name == model else []
    return {"started_from": _made(name, chosen) | ({"beside": others} if others else {})}


def _made(model: str, chosen: str) -> dict[str, Any]:
    """Which weights of a model, and how they were made."""
    found = weights.find(model, chosen)
    return {key: found.card.get(key) for key in ("id", "sha256", *ORIGIN)}


def run(arguments: argparse.Namespace) -> weights.Weights:
    """Train, finish and write the weights; returns them."""
    spec = registry.spec(arguments.model)
    module = importlib.import_module(spec.training)
    device = pick_device(arguments.device)
    torch.set_num_threads(arguments.threads)
    recipe = with_settings(module.Recipe(), arguments.set)
    out = arguments.out or Path("runs") / spec.name
    config = with_settings(spec.config(), arguments.config)
    plan = module.plan(config, recipe, arguments.data_root, device)
    network = train(plan, out, tick=arguments.tick)
    model, metrics = module.finish(network.cpu(), config, arguments.data_root)
    record = last_record(out / "log.jsonl")
    options = [("--set", s) for s in arguments.set] + [("--config", s) for s in arguments.config]
    settings = " ".join(f"{option} {shlex.quote(value)}" for option, value in options)
    card = {
        "model": spec.name,
        "id": arguments.id or f"{spec.name}-s{recipe.seed}",
        "title": spec.title,
        "summary": spec.summary,
        "date": datetime.date.today().isoformat(),
        "command": f"python -m fer.train {spec.name} {settings}".strip(),
        "seed": recipe.seed,
        "steps": plan.steps,
        "hours": round(record["seconds"] / 3600, 2),
        "hardware": hardware(device),
        "software": {"python": platform.python_version(), "torch": torch.__version__},
        "data": list(module.DATA),
        "recipe": dataclasses.asdict(recipe),
        "config": dataclasses.asdict(model.config),
        "metrics": metrics,
        "licence": LICENCE,
        "limits": list(module.LIMITS),
        "citations": [dataclasses.asdict(citation) for citation in spec.citations],
        "departures": list(spec.departures),
    } | origin(getattr(module, "START", spec.name), recipe, getattr(module, "BESIDE", ()))
    if arguments.bundle:
        weights.save(model, card, weights.BUNDLED)
    return weights.save(model, card, out)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 on success, 2 after an error (one sentence on stderr), 130 when interrupted."""
    try:
        written = run(parser().parse_args(argv))
    except FerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on from the last snapshot.", file=sys.stderr)
        return 130
    print(f"{written.path}  {written.id}  {written.card['metrics']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
