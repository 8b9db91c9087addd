"""Action Units on the real page: the face as it is, sliders, views, another face, full size, and a link to the model.

The editor is a stand-in that moves the mouth by AU12 and paints it by AU25; judge and embedder are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from demo import models
from tests.browser.test_edit import both_sizes, drag, saved, scrolled, size_of
from tests.browser.visits import WAIT_MS, Visit, served, wait_until_nothing_is_held
from tests.demo.fakes import Bending, Tinting, astronaut, encoded, shelf

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    judge, embedder = (models.load(name).model for name in (models.JUDGE, models.IDENTITY))
    offered = shelf(judge=judge, embedder=embedder, editors={"bend": Bending(), "tint": Tinting()})
    yield from served(offered, uploads_folder, tmp_path_factory.mktemp("results"))


def opened_still(visit: Visit, picture: bytes) -> None:
    """A photograph is read, the Edit tab is open and shows its face."""
    visit.upload(picture)
    visit.sentence()
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.wait_for_selector("#edited .dp-compare", timeout=WAIT_MS)


def stands(visit: Visit, name: str, value: float) -> None:
    """Wait until the slider of an Action Unit stands at a value."""
    visit.page.wait_for_function(
        """([name, value]) => {
          const boxes = [...document.querySelectorAll('#advanced input[type=number]')];
          const found = boxes.find((box) => box.getAttribute('aria-label').includes(name + ' '));
          return found && Math.abs(found.value - value) < 0.001;
        }""",
        arg=[name, value],
        timeout=WAIT_MS,
    )


def shows(visit: Visit, selector: str, words: str) -> None:
    visit.page.wait_for_function(
        "([s, w]) => document.querySelector(s).innerText.includes(w)", arg=[selector, words], timeout=WAIT_MS
    )


@both_sizes
def test_the_face_as_it_is_presets_and_views(visit: Visit, request: pytest.FixtureRequest) -> None:
    opened_still(visit, encoded(astronaut(), "PNG"))
    shows(visit, "#gauges", "Nothing is changed yet: the sliders stand where bend reads this face")
    assert visit.page.locator("#preset input:checked").count() == 0
    for group in visit.page.query_selector_all(".dp-muscles > button")[1:]:
        group.click()
    stands(visit, "AU12", 0.51)
    stands(visit, "AU6", 0.3)
    visit.screenshot(f"muscles-{size_of(request)}")
    visit.page.get_by_label("fear").check()
    stands(visit, "AU25", 0.8)
    stands(visit, "AU12", 0)
    pictures = set()
    for view in ("Moved only", "Grid", "Painted"):
        before = visit.page.get_attribute("#edited .dp-pair img:last-of-type", "src")
        visit.page.get_by_label(view).check()
        visit.page.wait_for_function(
            "b => document.querySelector('#edited .dp-pair img:last-of-type').src !== b", arg=before, timeout=WAIT_MS
        )
        pictures.add(visit.page.get_attribute("#edited .dp-pair img:last-of-type", "src"))
        visit.screenshot(f"muscles-{view.split()[0].lower()}-{size_of(request)}")
    assert len(pictures) == 3
    drag(visit, "#advanced .dp-muscles", 0.6)
    stands(visit, "AU1", 0.6)
    shows(visit, "#edited", "painted over the moved pixels")  # the view stays
    visit.page.wait_for_function("document.querySelector('#preset input:checked') === null")
    visit.page.click("#as-it-is")
    stands(visit, "AU12", 0.51)
    shows(visit, "#gauges", "Nothing is changed yet")
    visit.page.get_by_label("tint", exact=True).check()
    visit.page.wait_for_selector("#edit-view", state="hidden", timeout=WAIT_MS)
    assert not visit.page.is_visible("#as-it-is")
    visit.page.get_by_label("bend", exact=True).check()
    shows(visit, "#gauges", "Nothing is changed yet")
    visit.page.evaluate("window.scrollTo(0, 900)")
    top = "document.querySelector('#edited').getBoundingClientRect().top"
    visit.page.wait_for_function(f"() => {top} >= 0 && {top} < 100", timeout=WAIT_MS)  # in sight while sliders move
    assert visit.overflow_px() <= 0


def test_another_face_full_size_and_nothing_is_kept(
    visit: Visit, running: gr.Blocks, uploads_folder: Path, tmp_path: Path
) -> None:
    opened_still(visit, encoded(astronaut().resize((1500, 1500)), "PNG"))
    visit.page.get_by_label("surprise").check()
    stands(visit, "AU1", 1)
    visit.page.click("#paste")
    visit.page.wait_for_selector("#edited-photograph .dp-compare", timeout=WAIT_MS)
    with Image.open(saved(visit, "#edited-photograph a[download]", tmp_path)) as photo:
        assert photo.size == (1500, 1500)  # as it was chosen, not as it is shown
    visit.page.click("#borrow-units button")
    visit.page.wait_for_selector("#second-units input[type=file]", state="attached")
    sent = {"name": "second.png", "mimeType": "image/png", "buffer": encoded(astronaut(), "PNG")}
    visit.page.set_input_files("#second-units input[type=file]", files=[sent])
    shows(visit, "#source-units", "Read as: AU12 lip corners up 0.51, AU6 cheeks up 0.30. Read by bend")
    shows(visit, "#gauges", "Nothing is changed yet")  # the stand-in reads every face alike
    stands(visit, "AU1", 0)
    scrolled(visit, "#borrow-units", "muscles-another")
    assert wait_until_nothing_is_held(visit, running) == []
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []


def test_an_example_is_sent_back_as_it_is_shown(visit: Visit) -> None:
    """The file that was chosen before is forgotten."""
    visit.upload(encoded(astronaut().resize((1500, 1500)), "PNG"))
    visit.sentence()
    visit.page.click("#examples button >> nth=0")
    visit.page.wait_for_function("window.dpFile === null")
