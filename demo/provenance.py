"""How a result was made, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from demo.results import Result

UNKNOWN = "not recorded"


def commands(result: Result) -> str:
    """What repeats a result with the weights that its commit bundles, a line per command."""
    model, benchmark, dataset = result["model"], result["benchmark"], result["dataset"]
    parts = ["python", "-m", "eval", "run", model["name"], "--benchmarks", benchmark["name"]]
    if dataset.get("from") == "hub":
        parts += ["--dataset", f"{dataset['id']}@{dataset['revision']}"]
    if result.get("seed"):
        parts += ["--seed", str(result["seed"])]
    commit = (result.get("git") or {}).get("commit")
    lines = [["git", "checkout", commit]] if commit else []
    if model.get("peer"):  # "peer:NAME"
        lines.append(["python", "-m", "eval", "peers", "install", model["name"].partition(":")[2]])
    return "\n".join(map(shlex.join, [*lines, parts]))


def facts(result: Result) -> dict[str, str]:
    """What is known of the making of a result, by name; a result that lacks something says so."""
    model, benchmark, data, git = (result.get(part) or {} for part in ("model", "benchmark", "dataset", "git"))
    weights = f"{model['weights']}, sha256 {model['weights_sha256']}" if model.get("weights_sha256") else "none"
    judges = {f"Judge ({role.replace('_', ' ')})": _named(judge) for role, judge in result.get("judges", {}).items()}
    return {
        "Model": str(model["name"]),
        **_package(model.get("peer") or {}),
        "Weights": weights,
        **judges,
        "Benchmark": f"{benchmark['name']}, version {benchmark.get('version', UNKNOWN)}: {benchmark['title']}",
        "Data": f"{data.get('id', UNKNOWN)}, split {benchmark['split']}",
        "Revision of the data": str(data.get("revision") or UNKNOWN),
        "Licence of the data": str(benchmark.get("licence") or UNKNOWN),
        "Commit": _commit(git),
        "Date": str(result.get("date") or UNKNOWN).replace("T", " ").replace("+00:00", " UTC"),
        "Intervals": _intervals(result.get("bootstrap") or {}),
        "Environment": _environment(result.get("environment") or {}),
        "Raw predictions": _predictions(result),
    }


def html(result: Result) -> str:
    """The panel of one row."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts(result).items())
    name, benchmark = result["model"]["name"], result["benchmark"]
    protocol = f"<p>{escape(benchmark['protocol'])}</p>" if benchmark.get("protocol") else ""
    return (
        f'<section class="dp-made"><h3>How {escape(name)} was measured on {escape(benchmark["name"])}</h3>{protocol}'
        f'<p class="dp-quiet">To repeat it, where the data are (docs/data.md):</p><pre>{escape(commands(result))}</pre>'
        f"<dl>{rows}</dl></section>"
    )


def _package(peer: Mapping[str, Any]) -> dict[str, str]:
    """Of a recogniser of others."""
    if not peer:
        return {}
    named = f"{peer.get('package', UNKNOWN)}, version {peer.get('version', UNKNOWN)}"
    return {"Package": named, "Licence of the package": str(peer.get("licence") or UNKNOWN)}


def _named(judge: Mapping[str, Any]) -> str:
    return f"{judge['name']}, weights {judge['weights']}"


def _commit(git: Mapping[str, Any]) -> str:
    if not git.get("commit"):
        return UNKNOWN
    state = "clean" if git.get("dirty") is False else "whether clean was not recorded"
    if git.get("dirty"):
        state = "with changes that were not committed, so that this commit alone may give other numbers"
    return f"{git['commit']}, {state}"


def _intervals(bootstrap: Mapping[str, Any]) -> str:
    if not bootstrap:
        return UNKNOWN
    over = f" over {bootstrap['over']}" if bootstrap.get("over") else ""
    return f"{bootstrap['resamples']:,} bootstrap resamples{over}, seed {bootstrap['seed']}, {bootstrap['method']}"


def _environment(found: Mapping[str, Any]) -> str:
    if not found:
        return UNKNOWN
    libraries = ", ".join(f"{name} {version}" for name, version in found.get("libraries", {}).items())
    return (
        f"Python {found['python']}, {found['system']}, {found['processor']}, {found['threads']} of {found['cores']} "
        f"cores, {found['device']}; {libraries}"
    )


def _predictions(result: Result) -> str:
    kept = result.get("predictions")
    return f"{kept['file']}, sha256 {kept['sha256']}" if kept else UNKNOWN
