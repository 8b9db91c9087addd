"""The training loop: schedules in closed form, exact resume, honest failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from fer import training
from fer.errors import DataError, StorageError, TrainingError
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle, train

Optimizer = Callable[[nn.Module], torch.optim.Optimizer]


def sgd(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)


def adam(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(network.parameters(), 0.01)


def small_plan(make: Optimizer = sgd, steps: int = 6, seed: int = 3) -> Plan:
    """Fit y = sum(x) with dropout, so that the random state matters, in two stages."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = make(network)

    def batch(step: int) -> Batch:
        x = torch.randn(16, 4)
        return x, x.sum(1, keepdim=True)

    def loss(data: Batch, step: int) -> Loss:
        error = (network(data[0]) - data[1]).square().mean()
        return Loss(error, {"root": error.sqrt()})

    phase = Phase("fit", optimizer, loss, one_cycle(0.05, 2 * steps))
    stages = [Stage("one", steps, batch, [phase]), Stage("two", steps, batch, [replace(phase, every=2)])]

    def evaluate(module: nn.Module) -> dict[str, float]:
        first = next(module.parameters())
        return {"weight": float(first.detach().abs().sum())}

    return Plan(network, stages, evaluate, seed, ema_decay=0.9)


def state_of(network: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.mark.parametrize("make", [sgd, adam])
def test_resumed_training_is_bit_exact(tmp_path: Path, make: Optimizer) -> None:
    whole = state_of(train(small_plan(make), tmp_path / "whole", tick=4, log=lambda line: None))
    train(small_plan(make), tmp_path / "parts", tick=4, stop_after=5, log=lambda line: None)
    lines: list[str] = []
    parts = state_of(train(small_plan(make), tmp_path / "parts", tick=4, log=lines.append))
    assert lines[0] == "continuing at step 5 of 12"
    assert whole.keys() == parts.keys()
    for key, value in whole.items():
        assert torch.equal(value, parts[key]), key


def test_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first = state_of(train(small_plan(), tmp_path, log=lambda line: None))
    written = (tmp_path / "log.jsonl").read_text()
    again = state_of(train(small_plan(), tmp_path, log=lambda line: None))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert (tmp_path / "log.jsonl").read_text() == written


def test_log_holds_one_record_per_tick(tmp_path: Path) -> None:
    train(small_plan(), tmp_path, tick=5, log=lambda line: None)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in records] == [5, 10, 12]
    assert [r["stage"] for r in records] == ["one", "two", "two"]
    assert set(records[0]) == {"step", "stage", "seconds", "fit", "fit/root", "weight"}


def test_logged_loss_is_the_mean_over_updates(tmp_path: Path) -> None:
    weight = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(weight.parameters(), 0.0)
    phase = Phase("rare", optimizer, lambda b, step: Loss(weight.weight.sum() * 0 + 1.0 + step), lambda s: 0.0, every=2)
    train(Plan(weight, [Stage("only", 4, lambda step: (), [phase])], lambda m: {}, 0), tmp_path, log=lambda line: None)
    record = json.loads((tmp_path / "log.jsonl").read_text())
    assert record["rare"] == 2.0  # steps 0 and 2: the mean of 1 and 3


def test_average_follows_its_closed_form(tmp_path: Path) -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    phase = Phase("walk", optimizer, lambda batch, step: Loss(-network.weight.sum()), lambda step: 1.0)  # +1 a step
    plan = Plan(network, [Stage("only", 4, lambda step: (), [phase])], lambda module: {}, seed=0, ema_decay=0.5)
    average = train(plan, tmp_path, log=lambda line: None)
    assert float(network.weight.detach()) == 4
    expected = 1.0  # the average starts as a copy of the first updated network
    for value in (2.0, 3.0, 4.0):
        expected = 0.5 * expected + 0.5 * value
    assert float(next(average.parameters()).detach()) == pytest.approx(expected)


def test_one_cycle_values() -> None:
    at = one_cycle(0.1, steps=101, warm_up=0.2, start=0.04, end=0.0)
    assert at(0) == pytest.approx(0.004)
    assert at(20) == pytest.approx(0.1, rel=1e-2)
    assert at(100) == pytest.approx(0.0, abs=1e-9)
    values = [at(step) for step in range(101)]
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)


def test_one_cycle_may_begin_later() -> None:
    now, later = one_cycle(0.1, steps=50), one_cycle(0.1, steps=50, first=200)
    assert [later(200 + step) for step in range(50)] == [now(step) for step in range(50)]


@dataclass(frozen=True)
class Numbers:
    seed: int = 7
    ema_decay: float = 0.9
    steps: int = 3


def test_a_plan_of_a_recipe_is_another_for_another_recipe_or_configuration() -> None:
    stages = [Stage("none", 0, lambda step: (), []), Stage("some", 3, lambda step: (), [])]

    def plan(config: Numbers, recipe: Numbers) -> Plan:
        return Plan.of(config, recipe, nn.Linear(1, 1), stages, lambda module: {})

    made = plan(Numbers(), Numbers())
    assert (made.seed, made.ema_decay, made.steps, [stage.name for stage in made.stages]) == (7, 0.9, 3, ["some"])
    changed = Numbers(steps=4)
    others = [plan(changed, Numbers()), plan(Numbers(), changed), plan(changed, changed)]
    assert len({made.identity, *(other.identity for other in others)}) == 4
    assert plan(Numbers(), Numbers()).identity == made.identity


def test_a_plan_needs_steps_and_none_below_zero() -> None:
    def plan(*steps: int) -> Plan:
        stages = [Stage(f"stage {k}", count, lambda step: (), []) for k, count in enumerate(steps)]
        return Plan.of(Numbers(), Numbers(), nn.Linear(1, 1), stages, lambda module: {})

    assert plan(0, 4).steps == 4
    with pytest.raises(TrainingError, match='Stage "stage 1" cannot take -2 steps'):
        plan(4, -2)
    for nothing in ((), (0, 0)):
        with pytest.raises(TrainingError, match="The recipe has no steps"):
            plan(*nothing)


def test_batches_go_to_where_the_network_is(tmp_path: Path) -> None:
    asked: list[torch.device] = []

    class Elsewhere:
        def to(self, device: torch.device) -> Tensor:
            asked.append(device)
            return torch.full((1, 1), 2.0)

    network = nn.Linear(1, 1, bias=False)
    phase = Phase("fit", sgd(network), lambda batch, step: Loss(network(batch[0]).sum()), lambda step: 0.0)
    stage = Stage("only", 2, lambda step: (cast(Tensor, Elsewhere()),), [phase])
    train(Plan(network, [stage], lambda module: {}, 0), tmp_path, log=lambda line: None)
    assert asked == [network.weight.device] * 2


def test_decay_groups_spare_biases_and_scales() -> None:
    decayed, free = decay_groups(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 3)), 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(2, 1, 3, 3), (3, 2)]  # type: ignore[attr-defined]
    assert decayed["weight_decay"] == 0.1
    assert all(p.ndim == 1 for p in free["params"])  # type: ignore[attr-defined]
    assert free["weight_decay"] == 0.0


def test_a_loss_is_the_sum_of_its_terms_in_single_precision() -> None:
    terms = {"one": torch.tensor(1.0, dtype=torch.bfloat16), "small": torch.tensor(2.0**-12)}
    loss = Loss.of(terms)
    assert float(loss.total) == 1 + 2.0**-12
    assert loss.terms == terms


def test_a_group_keeps_its_own_pace(tmp_path: Path) -> None:
    network = nn.ModuleList([nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)])
    slow, fast = (cast(nn.Linear, layer) for layer in network)
    nn.init.zeros_(slow.weight)
    nn.init.zeros_(fast.weight)
    optimizer = torch.optim.SGD([*decay_groups(slow, 0.0), *decay_groups(fast, 0.0, pace=3.0)], lr=1.0)

    def loss(batch: Batch, step: int) -> Loss:
        return Loss((slow.weight + fast.weight).sum(), {})

    phase = Phase("both", optimizer, loss, lambda step: 0.1)
    train(Plan(network, [Stage("only", 1, lambda step: (), [phase])], lambda module: {}, 0), tmp_path)
    assert slow.weight.item() == pytest.approx(-0.1)
    assert fast.weight.item() == pytest.approx(-0.3)


def test_snapshot_of_another_plan_is_refused(tmp_path: Path) -> None:
    train(small_plan(), tmp_path, stop_after=3, log=lambda line: None)
    with pytest.raises(TrainingError, match="belongs to another plan"):
        train(small_plan(seed=4), tmp_path, log=lambda line: None)


def test_snapshot_of_another_recipe_is_refused(tmp_path: Path) -> None:
    train(replace(small_plan(), identity="rate 0.1"), tmp_path, stop_after=3, log=lambda line: None)
    with pytest.raises(TrainingError, match="another plan or recipe"):
        train(replace(small_plan(), identity="rate 0.2"), tmp_path, log=lambda line: None)


def test_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    train(small_plan(), tmp_path, stop_after=3, log=lambda line: None)
    (tmp_path / "snapshot.safetensors").write_bytes(b"half a file")
    with pytest.raises(TrainingError, match="damaged"):
        train(small_plan(), tmp_path, log=lambda line: None)


def test_loss_that_is_not_finite_stops(tmp_path: Path) -> None:
    plan = small_plan()
    broken = replace(plan.stages[0].phases[0], loss=lambda batch, step: Loss(torch.tensor(float("nan"))))
    with pytest.raises(TrainingError, match="nan at step 0"):
        train(replace(plan, stages=[replace(plan.stages[0], phases=[broken])]), tmp_path, log=lambda line: None)


def test_full_disk_keeps_the_last_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(small_plan(), tmp_path, tick=2, stop_after=4, log=lambda line: None)
    before = (tmp_path / "snapshot.safetensors").read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        train(small_plan(), tmp_path, tick=2, log=lambda line: None)
    assert (tmp_path / "snapshot.safetensors").read_bytes() == before


@pytest.mark.parametrize("failing", [False, True])
def test_a_network_is_measured_on_the_cpu_and_goes_back(tmp_path: Path, failing: bool) -> None:
    moves: list[str] = []

    class Watched(nn.Linear):
        def cpu(self) -> Watched:
            moves.append("to the CPU")
            return super().cpu()

        def to(self, *device: object, **_: object) -> Watched:
            moves.append(f"to {device[0]}")
            return self

    def evaluate(module: nn.Module) -> dict[str, float]:
        assert isinstance(module, Watched)
        moves.append("measured")
        if failing:
            raise DataError("There is nothing to measure with.")
        return {"weight": 1.0}

    network = Watched(1, 1)
    phase = Phase("fit", sgd(network), lambda batch, step: Loss(network.weight.sum()), lambda step: 0.1)
    plan = Plan(network, [Stage("only", 2, lambda step: (), [phase])], evaluate, 0)
    tick = ["to the CPU", "measured", f"to {network.weight.device}"]
    if failing:
        with pytest.raises(DataError, match="nothing to measure with"):
            train(plan, tmp_path, tick=1, log=lambda line: None)
        assert moves == tick
    else:
        train(plan, tmp_path, tick=1, log=lambda line: None)
        assert moves == tick * 2
