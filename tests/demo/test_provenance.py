"""How a number was made is told from the result itself; what was not recorded is said to be so."""

from __future__ import annotations

from demo import provenance
from tests.demo.fakes import result

RESULT = result("plain", "ferplus", {})


def test_the_commands_repeat_the_row() -> None:
    assert provenance.commands(RESULT) == "git checkout 5dfe89e\npython -m eval run plain --benchmarks ferplus"
    from_hub = {"dataset": {"id": "org/faces", "revision": "abc", "from": "hub"}, "seed": 3, "git": {"commit": None}}
    assert provenance.commands(RESULT | from_hub) == (
        "python -m eval run plain --benchmarks ferplus --dataset org/faces@abc --seed 3"
    )


def test_a_recogniser_of_others_is_installed_first_and_told_with_its_package() -> None:
    peer = {"package": "fer", "version": "25.10.3", "licence": "MIT; weights learnt from FER2013"}
    made = RESULT | {"model": {"name": "peer:fer", "weights": "fer-25.10.3", "peer": peer}}
    assert provenance.commands(made) == (
        "git checkout 5dfe89e\npython -m eval peers install fer\npython -m eval run peer:fer --benchmarks ferplus"
    )
    facts = provenance.facts(made)
    assert list(facts)[:4] == ["Model", "Package", "Licence of the package", "Weights"]
    assert facts["Package"] == "fer, version 25.10.3"
    assert facts["Licence of the package"] == "MIT; weights learnt from FER2013"
    assert "Package" not in provenance.facts(RESULT)


def test_the_facts_are_those_of_the_result() -> None:
    facts = provenance.facts(RESULT | {"judges": {"second_recognizer": {"name": "derl", "weights": "derl-1"}}})
    assert facts["Weights"] == "plain-1, sha256 5e934d"
    assert facts["Judge (second recognizer)"] == "derl, weights derl-1"
    assert facts["Benchmark"] == "ferplus, version 1: FERPLUS"
    assert facts["Revision of the data"] == "sha256:6be2a3"
    assert facts["Licence of the data"] == "CC-BY 4.0"
    assert facts["Commit"].startswith("5dfe89e, with changes that were not committed")
    assert facts["Date"] == "2026-11-21 16:39:53 UTC"
    assert facts["Environment"] == facts["Intervals"] == facts["Raw predictions"] == "not recorded"
    clean = provenance.facts(RESULT | {"git": {"commit": "5dfe89e", "dirty": False}})
    assert clean["Commit"] == "5dfe89e, clean"


def test_the_panel_escapes_what_it_shows() -> None:
    html = provenance.html(result("<b>", "one", {}))
    assert "<b>" not in html
    assert "How &lt;b&gt; was measured on one" in html
    assert "One answer each." in html
