"""The Benchmarks tab in a real browser: two models compared, how a number was made, and a link to the view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Browser

from demo import look, results, ui
from eval.portal import Portal
from tests.browser.visits import DESKTOP, PHONE, Visit
from tests.demo.fakes import running as serving
from tests.demo.fakes import shelf

pytestmark = pytest.mark.browser

SLOW_MS = 60_000  # a comparison and the first figure of a visit, on a computer that has other work
PLAIN_BLURRED = (86.4, 82.8, 77.4, 71.6, 60.4, 48.8)
VIEW = "?tab=benchmarks&benchmark=london_recognition&a=plain&b=majority&row=plain@london_recognition"


@pytest.fixture(scope="module")
def running(uploads_folder: Path) -> Iterator[gr.Blocks]:
    """The page with the project's own results."""

    def build() -> gr.Blocks:
        portal = Portal(results.FOLDER)
        return ui.build(shelf(), referee=portal, find=portal.mistakes)

    yield from serving(build, uploads_folder, theme=look.theme())


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    found: dict[str, int] = request.param
    return found


def seen(visit: Visit) -> tuple[str, str]:
    """The verdict and the heading of the panel below the table."""
    visit.page.wait_for_selector(".dp-verdict", timeout=SLOW_MS)
    visit.page.wait_for_selector(".dp-made", timeout=SLOW_MS)
    return visit.page.inner_text(".dp-verdict"), visit.page.inner_text(".dp-made h3")


def closed(visit: Visit) -> None:
    visit.context.close()
    assert visit.errors == visit.refused == []


def choose(visit: Visit, label: str, option: str) -> None:
    box = visit.page.get_by_label(label, exact=True)
    box.click()
    visit.page.wait_for_function("document.querySelectorAll('[role=listbox]').length === 1")  # the last one has closed
    visit.page.get_by_role("option", name=option, exact=True).click()


def query(visit: Visit) -> str:
    return "?" + urlsplit(visit.page.url).query


def test_two_models_are_compared_and_the_address_reopens_the_view(browser: Browser, address: str) -> None:
    visit = Visit(browser, address)
    visit.page.get_by_role("tab", name="Benchmarks").click()
    choose(visit, "Benchmarks (none chosen: all)", "london_recognition")
    visit.page.wait_for_function("location.search.includes('london_recognition')")
    for label, option, key in (("Compare", "plain", "a=plain"), ("with", "majority", "b=majority")):
        choose(visit, label, option)
        visit.page.wait_for_function("key => location.search.includes(key)", arg=key)
    visit.page.wait_for_selector(".dp-verdict", timeout=SLOW_MS)
    visit.page.locator("#results-recognition [data-testid=cell-0-2]").click()
    verdict, made = seen(visit)
    assert verdict.startswith("plain is better than majority on london_recognition: 90.7")
    assert made == "How plain was measured on london_recognition"
    visit.page.wait_for_function("location.search.includes('row=')")
    assert query(visit) == VIEW
    assert visit.page.locator("#board-link a").get_attribute("href") == VIEW
    visit.page.get_by_role("tab", name="Read").click()
    visit.page.wait_for_function("!location.search.includes('tab=')")
    closed(visit)

    again = Visit(browser, address + VIEW)
    assert seen(again) == (verdict, made)
    assert query(again) == VIEW
    closed(again)


def test_a_link_opens_the_view_and_everything_fits(
    browser: Browser, address: str, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    visit = Visit(browser, address + VIEW, size)
    verdict, _ = seen(visit)
    assert "exact McNemar p < 0.0001, 54 pictures" in verdict
    assert "git checkout" in visit.page.inner_text(".dp-made pre")
    for name in ("confusion-a", "confusion-b", "reliability", "results-chart"):
        visit.page.locator(f"#{name}").scroll_into_view_if_needed()
        visit.page.wait_for_selector(f"#{name} .js-plotly-plot .main-svg", timeout=SLOW_MS)
    assert visit.overflow_px() <= 0
    visit.screenshot(f"board-{request.node.callspec.id}")
    closed(visit)


def test_bad_values_in_a_link_are_said_and_left_out(browser: Browser, address: str) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=ferplux&a=plain&b=%3Cscript%3E")
    visit.page.wait_for_selector(".dp-message", timeout=SLOW_MS)
    said = visit.page.locator(".dp-message").all_inner_texts()
    assert said[0].endswith("Did you mean ferplus?")
    assert said[1].startswith("The link names the model “<script>”, which is not in this view and was left out.")
    closed(visit)


def test_sorting_a_table_keeps_rows_and_their_provenance_together(browser: Browser, address: str) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=ferplus")
    top = "#results-recognition [data-testid^=cell-]"  # the first one in sight; gradio counts rows as they came
    visit.page.wait_for_selector(top, timeout=SLOW_MS)
    assert visit.page.locator(top).first.inner_text() == "plain"
    heading = visit.page.locator("#results-recognition thead:visible [data-testid=header-2]").last
    heading.hover()
    heading.get_by_label("Open cell menu").click()
    visit.page.get_by_role("menu").get_by_text("Sort ascending").click()
    visit.page.wait_for_function("top => document.querySelector(top).innerText !== 'plain'", arg=top)
    assert [visit.page.locator(top).nth(place).inner_text() for place in (0, 2)] == ["majority", "34.6"]
    visit.page.locator(top).first.click()
    visit.page.wait_for_selector(".dp-made", timeout=SLOW_MS)
    assert visit.page.inner_text(".dp-made h3") == "How majority was measured on ferplus"
    closed(visit)


def drawn(visit: Visit, place: str) -> dict[str, list[list[float]]]:
    """The lines of a figure: name -> x and y of the first one of that name."""
    visit.page.wait_for_selector(f"#{place} .js-plotly-plot .main-svg", timeout=SLOW_MS)
    read = """place => document.querySelector(`#${place} .js-plotly-plot`).data.map(
      (line) => [line.name, Array.from(line.x), Array.from(line.y)])"""
    found: dict[str, list[list[float]]] = {}
    for name, x, y in visit.page.evaluate(read, place):
        found.setdefault(name, [x, y])
    return found


def unfold(visit: Visit, place: str) -> str:
    """Open what is folded away; its text."""
    visit.page.wait_for_selector(f"#{place} .label-wrap", timeout=SLOW_MS)
    visit.page.locator(f"#{place} .label-wrap").click()
    visit.page.wait_for_selector(f"#{place} .label-wrap.open")
    more = "(place) => document.getElementById(place).innerText.trim().split('\\n').length > 2"  # than label and arrow
    visit.page.wait_for_function(more, arg=place, timeout=SLOW_MS)
    return visit.page.inner_text(f"#{place}")


def folded(visit: Visit) -> list[str]:
    """What can be opened, by its label."""
    return visit.page.locator("#benchmarks .label-wrap:visible > span:first-child").all_inner_texts()


def test_one_benchmark_shows_its_speed_its_voters_and_the_surest_mistakes(
    browser: Browser, address: str, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=ferplus", size)
    stored = json.loads((results.FOLDER / "plain" / "plain-s0" / "ferplus.json").read_text(encoding="utf-8"))
    assert drawn(visit, "speed")["plain"] == [
        [pytest.approx(stored["ms_per_face"]["p50"], abs=0.05)],
        [pytest.approx(100 * stored["scores"]["accuracy"]["value"], abs=0.01)],
    ]
    note = visit.page.inner_text("#speed-note")
    assert "Circles were timed with 1 thread: peer:pyemotion." in note
    assert "Diamonds were timed with 2 threads: plain, derl, errnet, degan, fesgan, peer:fer, majority." in note
    assert "where few agreed" in unfold(visit, "agreement")
    bars, groups = drawn(visit, "agreement-chart")["plain"]
    assert (bars[-1], groups[-1]) == (pytest.approx(99.13, abs=0.01), "100 %<br>n = 805")
    assert "3a2113ca7f31" in unfold(visit, "mistakes")
    assert visit.page.locator("#mistakes img").count() == 0
    heads = visit.page.locator("#results-recognition thead").first.inner_text()
    assert "KL to votes" in heads
    assert "Of found faces" not in heads
    assert visit.overflow_px() <= 0
    visit.screenshot(f"board-details-{request.node.callspec.id}")
    closed(visit)


def test_a_touched_row_names_its_own_mistakes_and_found_faces_stand_beside_all(browser: Browser, address: str) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=lfw_smiles&row=derl@lfw_smiles", PHONE)
    visit.page.wait_for_selector("#mistakes .label-wrap", timeout=SLOW_MS)
    shown = folded(visit)
    assert shown == ["What the columns mean", "The surest mistakes of derl on lfw_smiles"]
    heads = visit.page.locator("#results-recognition thead").first.inner_text().split("\n")
    place = [head for head in heads if head.strip()].index("Of found faces %")
    cells = visit.page.locator("#results-recognition [data-testid^=cell-0-]")
    assert [cells.nth(at).inner_text() for at in (0, 2, place)] == ["plain", "95.0", "95.7"]
    visit.page.locator("#results-recognition .virtual-table-viewport").evaluate("table => { table.scrollLeft = 300; }")
    sides = [cells.nth(at).evaluate("cell => cell.getBoundingClientRect().x") for at in (0, 2)]
    assert sides[1] < 0 < sides[0] < 30  # the model stays in sight
    assert "0b83b540527c" in unfold(visit, "mistakes")
    closed(visit)


def test_groups_of_people_say_that_no_difference_can_be_stated(
    browser: Browser, address: str, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=london_recognition", size)
    said = unfold(visit, "slices")
    assert "No difference between groups can be stated for plain, derl," in said
    assert "counted and not scored: black 1, east asian 3, west asian 2." in said
    shares, groups = drawn(visit, "slices-chart")["plain"]
    assert (shares[0], groups[0]) == (100.0, "under 24<br>age, n = 6")
    assert visit.overflow_px() <= 0
    visit.screenshot(f"board-slices-{request.node.callspec.id}")
    closed(visit)


def test_damage_is_drawn_for_all_models_until_two_are_picked(
    browser: Browser, address: str, size: dict[str, int], request: pytest.FixtureRequest
) -> None:
    visit = Visit(browser, f"{address}?tab=benchmarks&benchmark=ferplus_corrupted", size)
    lines = drawn(visit, "damage")
    assert len(lines) == len(list(results.FOLDER.glob("*/*/ferplus_corrupted.json")))
    assert lines["plain"] == [[0, 1, 2, 3, 4, 5], [pytest.approx(at, abs=0.05) for at in PLAIN_BLURRED]]
    assert "21.1 (17.6 to 24.7)" in unfold(visit, "losses")
    for label, option in (("Compare", "plain"), ("with", "derl")):
        choose(visit, label, option)
    visit.page.wait_for_function(
        "new Set(document.querySelector('#damage .js-plotly-plot').data.map((line) => line.name)).size === 2"
    )
    visit.page.wait_for_selector(".dp-verdict", timeout=SLOW_MS)
    assert set(drawn(visit, "damage")) == {"plain", "derl"}
    assert visit.overflow_px() <= 0
    visit.screenshot(f"board-damage-{request.node.callspec.id}")
    closed(visit)
