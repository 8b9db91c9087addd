"""Which models the page offers, and that each is loaded once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from demo import models
from demo.models import Offer, Shelf
from fer.errors import RegistryError, WeightsError
from fer.models.base import Editor, Embedder, Neutralizer, Recognizer
from tests.demo.fakes import Bending, Counting, Rising, Tinting, loaded, shelf


def test_models_with_bundled_weights_are_offered_for_what_they_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.weights, "BUNDLED", tmp_path)
    assert [offer.name for offer in models.bundled()] == ["plain"]
    for name in ("identity", "derl", "errnet"):
        (tmp_path / f"{name}.safetensors").touch()
    offered = Shelf(models.bundled())
    assert offered.able(Recognizer) == ["plain", "derl", "errnet"]
    assert offered.able(Neutralizer) == ["derl", "errnet"]
    assert offered.able(Embedder) == ["identity"]
    assert offered.able(Editor) == []
    assert [offer.label for offer in offered.readers][:2] == ["plain: reads", "derl: reads and removes"]


def test_a_model_is_refused_for_what_it_cannot_do() -> None:
    offered = shelf(editors={"tint": Tinting()})
    assert offered.take("tint", Editor).name == "tint"
    with pytest.raises(RegistryError, match=r'no model called "tint"\. Choose one of: plain\.'):
        offered.take("tint")
    with pytest.raises(RegistryError, match=r"Choose one of: tint\."):
        offered.take("plain", Editor)


def test_action_units_are_read_by_one_that_only_reads_before_one_that_also_edits() -> None:
    assert shelf().unit_reader is None
    assert shelf(editors={"tint": Tinting()}).unit_reader is None
    models = {"deform": Bending(), "au": Rising()}
    both = Shelf([Offer(name, type(model)) for name, model in models.items()], lambda name: loaded(name, models[name]))
    names = [found.unit_reader.name for found in (both, shelf(editors={"deform": Bending()})) if found.unit_reader]
    assert names == ["au", "deform"]
    assert shelf(units=True).readers == shelf().readers  # it names no expressions


def test_the_default_removes_where_one_does() -> None:
    assert shelf().default == "plain"
    assert shelf(removes=True).default == "derl"
    assert [shelf(removes=True).removes(name) for name in ("plain", "derl", "nobody")] == [False, True, False]


def test_a_model_that_is_not_offered_is_refused_with_the_choices() -> None:
    with pytest.raises(RegistryError, match=r'no model called "derI"\. Did you mean "derl"'):
        shelf(removes=True).take("derI")


def test_a_model_is_loaded_once_by_many_threads() -> None:
    loads: list[str] = []
    offered = Shelf([Offer("plain", Counting)], lambda name: loads.append(name) or loaded(name))  # type: ignore[func-returns-value]
    threads = [threading.Thread(target=offered.take, args=("plain",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["plain"]


def test_errors_of_loading_reach_the_caller_and_the_next_one_tries_again() -> None:
    answers = [WeightsError("There are no weights."), loaded()]

    def load(name: str) -> models.Loaded:
        answer = answers.pop(0)
        if isinstance(answer, WeightsError):
            raise answer
        return answer

    offered = Shelf([Offer("plain", Counting)], load)
    with pytest.raises(WeightsError, match="There are no weights"):
        offered.take("plain")
    assert isinstance(offered.take("plain").model, Counting)


def test_the_bundled_plain_says_which_weights_it_holds() -> None:
    found = models.load("plain")
    assert found.weights.startswith("plain")
    assert len(found.sha256) == 64
