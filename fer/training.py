"""One training loop for every paper: stages of alternating phases, weight averaging, resume, one log record.

A batch is a pure function of the step and the global random state is reseeded at every step, so a training that was
stopped continues bit for bit as if it had not been (on the CPU).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fer.errors import StorageError, TrainingError
from fer.sheets import save_sheet

Batch = tuple[Tensor, ...]
Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Loss:
    """A scalar to minimise and the named parts that it is made of (for the log)."""

    total: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, terms: Mapping[str, Tensor]) -> Loss:
        """The sum of the terms, in float32."""
        return cls(torch.stack([term.float() for term in terms.values()]).sum(), terms)


@dataclass(frozen=True)
class Phase:
    """What one optimiser does: its parameters, its loss and how often it steps.

    loss: called with (batch, global step). learning_rate: a function of the global step. every: steps between updates.
    clip: largest norm of the gradient, or None. Phases of one name in several stages share their optimiser.
    """

    name: str
    optimizer: torch.optim.Optimizer
    loss: Callable[[Batch, int], Loss]
    learning_rate: Schedule
    every: int = 1
    clip: float | None = None


@dataclass(frozen=True)
class Stage:
    """Phases that run together for a number of steps on batches drawn by ``batch(global step)``.

    A batch is moved to where the network is. evaluate: in place of the plan's, where a stage has numbers of its own.
    """

    name: str
    steps: int
    batch: Callable[[int], Batch]
    phases: Sequence[Phase]
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None


@dataclass(frozen=True)
class Plan:
    """All that ``train`` needs for one model.

    network holds every trained module; evaluate reads the averaged network and returns numbers from validation data; it
    may fill in buffers that are fitted to the network, since nothing later has the data to fit them to. identity names
    everything else that decides the outcome (configuration, recipe): a snapshot of another identity is not continued.
    sheet: rows of pictures (N, 3, S, S) that show what the averaged network makes, saved at every tick.
    """

    network: nn.Module
    stages: Sequence[Stage]
    evaluate: Callable[[nn.Module], Mapping[str, float]]
    seed: int
    ema_decay: float = 0.999
    identity: str = ""
    sheet: Callable[[nn.Module], Sequence[Tensor]] | None = None

    @classmethod
    def of(
        cls,
        config: Any,
        recipe: Any,
        network: nn.Module,
        stages: Sequence[Stage],
        evaluate: Callable[[nn.Module], Mapping[str, float]],
        sheet: Callable[[nn.Module], Sequence[Tensor]] | None = None,
    ) -> Plan:
        """The plan of a recipe, which says seed and averaging, and which is its identity with the configuration.

        Stages without steps are left out. Raises TrainingError where nothing is left, or for fewer steps than none.
        """
        for stage in stages:
            if stage.steps < 0:
                raise TrainingError(f'Stage "{stage.name}" cannot take {stage.steps} steps. Give 0 or more.')
        identity = json.dumps([asdict(config), asdict(recipe)])
        kept = [stage for stage in stages if stage.steps]
        if not kept:
            raise TrainingError("The recipe has no steps. Give one of its stages 1 or more.")
        return cls(network, kept, evaluate, recipe.seed, recipe.ema_decay, identity, sheet)

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)


def one_cycle(
    peak: float, steps: int, warm_up: float = 0.15, start: float = 0.04, end: float = 4e-6, first: int = 0
) -> Schedule:
    """Cosine from ``start * peak`` up over the first ``warm_up`` share of the steps, then down to ``end * peak``.

    first: the step that it begins at.
    """

    def at(step: int) -> float:
        step -= first
        rise = max(1.0, warm_up * steps)
        if step < rise:
            return peak * (start + (1 - start) * (1 - math.cos(math.pi * step / rise)) / 2)
        fall = min(1.0, (step - rise) / max(1.0, steps - 1 - rise))
        return peak * (end + (1 - end) * (1 + math.cos(math.pi * fall)) / 2)

    return at


def decay_groups(module: nn.Module, weight_decay: float, pace: float = 1.0) -> list[dict[str, object]]:
    """Two parameter groups: weights with decay; biases and normalisation scales without.

    pace: what the phase's learning rate is multiplied by for them.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay, "pace": pace},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0, "pace": pace},
    ]


def adamw(module: nn.Module, weight_decay: float, momentum: float = 0.9) -> torch.optim.AdamW:
    """The optimiser of generators and readers; that of a critic has no weight decay and a momentum of 0.5."""
    return torch.optim.AdamW(decay_groups(module, weight_decay), betas=(momentum, 0.99))


def train(
    plan: Plan,
    folder: Path,
    *,
    tick: int = 500,
    stop_after: int | None = None,
    log: Callable[[str], None] = print,
) -> nn.Module:
    """Run a plan to its end (or to ``stop_after`` steps) and return the averaged network.

    folder: receives log.jsonl (one record per ``tick`` steps) and snapshot.safetensors; an existing snapshot of the
    same plan is continued. Raises TrainingError on a snapshot of another plan or when a loss is not finite.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {folder} could not be made: {error.strerror}.") from error
    blend = get_ema_multi_avg_fn(plan.ema_decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(plan.network, multi_avg_fn=blend, use_buffers=True)
    state = _State(plan, average, folder / "snapshot.safetensors")
    step, seconds = state.load()
    if step:
        log(f"continuing at step {step} of {plan.steps}")
    device = next(plan.network.parameters()).device
    started = time.monotonic() - seconds
    end = min(plan.steps, stop_after or plan.steps)
    terms: dict[str, list[float]] = {}
    while step < end:
        stage = _stage_at(plan, step)
        torch.manual_seed(plan.seed * 1_000_003 + step)
        batch = tuple(values.to(device) for values in stage.batch(step))
        plan.network.train()
        for phase in stage.phases:
            if step % phase.every == 0:
                for name, value in _update(phase, batch, step).items():
                    terms.setdefault(name, []).append(value)
        average.update_parameters(plan.network)
        step += 1
        if step % tick == 0 or step == end:
            elapsed = time.monotonic() - started
            record: dict[str, object] = {"step": step, "stage": stage.name, "seconds": round(elapsed, 1)}
            record |= {name: round(sum(values) / len(values), 5) for name, values in terms.items()}
            with _on_cpu(average.module) as network:
                measured = (stage.evaluate or plan.evaluate)(network)
                if plan.sheet:
                    save_sheet(plan.sheet(network), folder / f"sheet-{step:06d}.png")
            record |= {name: round(float(v), 5) for name, v in measured.items()}
            _append(folder / "log.jsonl", json.dumps(record))
            log("  ".join(f"{name} {value}" for name, value in record.items()))
            state.save(step, elapsed)
            terms = {}
    trained: nn.Module = average.module
    return trained.eval()


@contextmanager
def _on_cpu(network: nn.Module) -> Iterator[nn.Module]:
    """A network where the pictures of validation are; afterwards it is back where it was."""
    device = next(network.parameters()).device
    network.cpu()
    try:
        yield network
    finally:
        network.to(device)


def _stage_at(plan: Plan, step: int) -> Stage:
    for stage in plan.stages:
        if step < stage.steps:
            return stage
        step -= stage.steps
    raise TrainingError(f"Step {step} lies behind the last stage of the plan.")


def _update(phase: Phase, batch: Batch, step: int) -> dict[str, float]:
    for group in phase.optimizer.param_groups:
        group["lr"] = phase.learning_rate(step) * group.get("pace", 1.0)
    phase.optimizer.zero_grad(set_to_none=True)
    loss = phase.loss(batch, step)
    value = float(loss.total.detach())
    if not math.isfinite(value):
        raise TrainingError(f'The loss of phase "{phase.name}" is {value} at step {step}. Lower the learning rate.')
    loss.total.backward()  # type: ignore[no-untyped-call]
    if phase.clip is not None:
        for group in phase.optimizer.param_groups:
            nn.utils.clip_grad_norm_(group["params"], phase.clip)
    phase.optimizer.step()
    return {phase.name: value} | {f"{phase.name}/{k}": float(v.detach()) for k, v in loss.terms.items()}


def _append(path: Path, line: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise StorageError(f"The training log {path} could not be written: {error.strerror}.") from error


class _State:
    """Writes and reads everything that a continued training needs, as tensors in one safetensors file."""

    def __init__(self, plan: Plan, average: AveragedModel, path: Path) -> None:
        self.plan, self.average, self.path = plan, average, path
        phases = {phase.name: phase for stage in plan.stages for phase in stage.phases}
        self.optimizers = {name: phase.optimizer for name, phase in phases.items()}
        stages = [(s.name, s.steps, [p.name for p in s.phases]) for s in plan.stages]
        self.signature = json.dumps([stages, plan.seed, plan.ema_decay, plan.identity])

    def save(self, step: int, seconds: float) -> None:
        tensors = {f"network.{k}": v for k, v in self.plan.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, values in optimizer.state_dict()["state"].items():
                for key, value in values.items():
                    if value is not None:
                        tensors[f"optimizer.{name}.{index}.{key}"] = torch.as_tensor(value)
        tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
        meta = {"step": str(step), "seconds": str(seconds), "plan": self.signature}
        part = self.path.with_suffix(".part")
        try:
            save_file(tensors, part, metadata=meta)
            part.replace(self.path)
        except (OSError, SafetensorError) as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"The snapshot {self.path} could not be written: {error}.") from error

    def load(self) -> tuple[int, float]:
        if not self.path.exists():
            return 0, 0.0
        try:
            with safe_open(self.path, framework="pt") as file:
                meta = file.metadata()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise TrainingError(f"The snapshot {self.path} is damaged ({error}). Remove it to start anew.") from error
        if meta["plan"] != self.signature:
            raise TrainingError(
                f"{self.path} belongs to another plan or recipe. Give another --out folder, "
                "or remove the snapshot to start anew."
            )
        self.plan.network.load_state_dict(_under("network.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(f"optimizer.{name}.", tensors).items():
                index, field_name = key.split(".", 1)
                state.setdefault(int(index), {})[field_name] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        return int(meta["step"]), float(meta["seconds"])


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
