"""The Benchmarks tab in a real browser: two models compared, how a number was made, and a link to the view."""

from __future__ import annotations

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
VIEW = "?tab=benchmarks&benchmark=london_recognition&a=plain&b=majority&row=plain@london_recognition"


@pytest.fixture(scope="module")
def running(uploads_folder: Path) -> Iterator[gr.Blocks]:
    """The page with the project's own results."""
    yield from serving(lambda: ui.build(shelf(), referee=Portal(results.FOLDER)), uploads_folder, theme=look.theme())


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
