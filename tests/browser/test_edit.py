"""The Edit tab on the real page: presets, sliders, both gauges, film, transfer, people, and that nothing is kept.

The editors are stand-ins; the judge and the embedder are the real ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import av
import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser

from demo import models
from demo.editing import Edited
from tests.browser.visits import WAIT_MS, Visit, served, wait_until_nothing_is_held
from tests.demo.fakes import Muscular, Shapeshifting, Tinting, astronaut, encoded, group, shelf

pytestmark = pytest.mark.browser
both_sizes = pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)


@pytest.fixture(scope="module")
def running(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    judge, embedder = (models.load(name).model for name in (models.JUDGE, models.IDENTITY))
    editors = {"shape": Shapeshifting(), "tint": Tinting(), "muscles": Muscular()}
    offered = shelf(removes=True, judge=judge, embedder=embedder, editors=editors)
    yield from served(offered, uploads_folder, tmp_path_factory.mktemp("results"))


def opened(visit: Visit, picture: bytes) -> None:
    """A photograph is read, the Edit tab is open and shows the edited face."""
    visit.upload(picture)
    visit.page.wait_for_selector("#everyone .dp-compare", timeout=WAIT_MS)
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.wait_for_selector("#edited .dp-compare", timeout=WAIT_MS)


def gauge(visit: Visit, name: str) -> float:
    return float(visit.page.get_attribute(f"#gauges [aria-label='{name}']", "aria-valuenow") or "nan")


def drag(visit: Visit, selector: str, value: float) -> None:
    """Move a slider as a hand does: many values in a row, the last one counts."""
    visit.page.evaluate(
        """([selector, value]) => {
          const slider = document.querySelector(`${selector} input[type=range]`);
          for (const share of [0.9, 0.6, 0.3, 0.2, 0.1, 0]) {
            slider.value = value + share * (1 - value);
            slider.dispatchEvent(new Event('input', {bubbles: true}));
          }
        }""",
        [selector, value],
    )


def redder(visit: Visit) -> float:
    """How much redder the edited mouth is than the one before, from 0 to 255, as the pictures of the page show it."""
    return float(
        visit.page.evaluate(
            """() => {
              const red = (image) => {
                const canvas = document.createElement('canvas');
                [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
                const brush = canvas.getContext('2d');
                brush.drawImage(image, 0, 0);
                const x = Math.round(0.5 * canvas.width), y = Math.round(0.8 * canvas.height);
                const [r, g] = brush.getImageData(x, y, 1, 1).data;
                return r - g;
              };
              const [before, after] = document.querySelectorAll('#edited .dp-pair img');
              return red(after) - red(before);
            }"""
        )
    )


def saved(visit: Visit, selector: str, folder: Path) -> Path:
    with visit.page.expect_download() as waiting:
        visit.page.click(selector)
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def label_is(visit: Visit, label: str) -> None:
    visit.page.wait_for_function(
        "l => document.querySelector('#gauges .dp-gauge span').innerText.startsWith(l)", arg=label, timeout=WAIT_MS
    )


def settle(visit: Visit) -> None:
    """Wait until the edited face stays the same for a second."""
    before, deadline = -1.0, time.monotonic() + WAIT_MS / 1000
    while (now := redder(visit)) != before and time.monotonic() < deadline:
        before = now
        visit.page.wait_for_timeout(1000)


@both_sizes
def test_presets_intensity_and_gauges(visit: Visit, request: pytest.FixtureRequest, uploads_folder: Path) -> None:
    size = request.node.callspec.params["visit"]
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.wait_for_selector("#add-photograph")
    assert not visit.page.is_visible("#paste")
    visit.screenshot(f"edit-empty-{size}")
    visit.page.click("#add-photograph")
    visit.page.wait_for_selector("#photograph:visible")
    opened(visit, encoded(astronaut(), "PNG"))
    label_is(visit, "surprise")  # what comes first is seen on a smiling face, too
    assert gauge(visit, "Expression shown") < 0.5
    assert 0.8 < gauge(visit, "Identity kept") <= 1
    visit.page.wait_for_function("() => document.querySelector('#edited .dp-after').naturalWidth > 0")
    full = redder(visit)
    assert full > 15
    visit.screenshot(f"edit-{size}")
    visit.page.get_by_label("happiness").check()
    label_is(visit, "happiness")
    assert gauge(visit, "Expression shown") > 0.9
    visit.page.click("#edited .dp-pair", position={"x": 60, "y": 100})
    drag(visit, "#intensity", 0.2)
    deadline = time.monotonic() + WAIT_MS / 1000
    while abs(redder(visit) - full / 5) > 6 and time.monotonic() < deadline:
        visit.page.wait_for_timeout(200)
    assert redder(visit) == pytest.approx(full / 5, abs=6)
    line = visit.page.evaluate("document.querySelector('#edited .dp-compare').style.getPropertyValue('--at')")
    assert 10 < float(line.rstrip("%")) < 25  # stays where it was dragged to
    assert visit.overflow_px() <= 0
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []


@both_sizes
def test_the_sliders_follow_the_presets_and_mix(visit: Visit, request: pytest.FixtureRequest) -> None:
    opened(visit, encoded(astronaut(), "PNG"))
    visit.page.get_by_label("fear").check()
    label_is(visit, "fear")
    visit.page.click("#advanced button")
    visit.page.wait_for_selector("#advanced input[type=range]:visible")
    values = (
        "[...document.querySelectorAll('#advanced input[type=number]')].filter(x => x.offsetParent).map(x => +x.value)"
    )
    assert visit.page.evaluate(values) == [0, 0, 0, 0, 0, 1, 0]
    drag(visit, "#advanced .dp-sliders", 0.7)
    visit.page.wait_for_function(f"() => Math.abs({values}[0] - 0.7) < 0.02")
    visit.page.wait_for_function("document.querySelector('#preset input:checked') === null")  # a mix is no preset
    visit.screenshot(f"edit-advanced-{size_of(request)}")
    visit.page.get_by_label("muscles").check()
    visit.page.wait_for_function(f"() => {values}.length === 23")
    assert visit.page.locator("#preset input").count() == 1
    assert not visit.page.is_visible("#borrow")
    assert not visit.page.is_visible("#people")
    visit.page.wait_for_timeout(500)
    visit.screenshot(f"edit-muscles-{size_of(request)}")


def size_of(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["visit"])


@both_sizes
def test_photograph_and_film(visit: Visit, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    large = astronaut().resize((1500, 1500))
    opened(visit, encoded(large, "PNG"))
    visit.page.click("#paste")
    visit.page.wait_for_selector("#edited-photograph .dp-compare", timeout=WAIT_MS)
    scrolled(visit, "#edited-photograph", f"edit-photograph-{size_of(request)}")
    with Image.open(saved(visit, "#edited-photograph a[download]", tmp_path)) as photo:
        assert photo.size == (1500, 1500)  # the file itself, not the smaller one that is shown
        assert photo.getexif()[270] == "generated by Deadpan"
    visit.page.click("#film")
    visit.page.wait_for_selector("#way .dp-film", timeout=WAIT_MS)
    scrolled(visit, "#way", f"edit-film-{size_of(request)}")
    with Image.open(saved(visit, "#way a[download$='.gif']", tmp_path)) as film:
        assert (film.n_frames, film.size, film.info["comment"]) == (24, (256, 256), b"generated by Deadpan")
    with av.open(str(saved(visit, "#way a[download$='.mp4']", tmp_path))) as film:
        assert (film.streams.video[0].frames, film.metadata["comment"]) == (24, "generated by Deadpan")
    with Image.open(saved(visit, "#gauges a[download$='.png']", tmp_path)) as face:
        assert face.text["Source"] == "generated by Deadpan"
    visit.page.get_by_label("anger").check()
    label_is(visit, "anger")
    visit.page.wait_for_function("document.querySelector('#way').innerText.trim() === ''")  # it showed another edit
    assert visit.overflow_px() <= 0


def scrolled(visit: Visit, selector: str, name: str) -> None:
    visit.page.evaluate("s => document.querySelector(s).scrollIntoView({block: 'start'})", selector)
    visit.screenshot(name)


def send_second(visit: Visit, data: bytes) -> None:
    visit.page.wait_for_selector("#second input[type=file]", state="attached")
    sent = {"name": "second.png", "mimeType": "image/png", "buffer": data}
    visit.page.set_input_files("#second input[type=file]", files=[sent])


@both_sizes
def test_the_expression_of_another_picture(visit: Visit, request: pytest.FixtureRequest, uploads_folder: Path) -> None:
    opened(visit, encoded(group(), "PNG"))
    assert "Face 1 of 4" in visit.page.inner_text("#gauges")
    visit.page.click("#borrow button")
    for picture, words in (
        (Image.new("RGB", (300, 200), "grey"), "No face was found"),
        (group(), "4 faces were found in the second picture"),
    ):
        send_second(visit, encoded(picture, "PNG"))
        visit.page.wait_for_function("w => document.querySelector('#source').innerText.includes(w)", arg=words)
        assert "second picture" not in visit.page.inner_text("#gauges")
    assert visit.page.locator("#preset input:checked").count() == 1
    send_second(visit, encoded(astronaut(), "PNG"))
    visit.page.wait_for_function("document.querySelector('#source').innerText.includes('Taken over from')")
    visit.page.wait_for_function("document.querySelector('#gauges').innerText.includes('second picture')")
    visit.page.wait_for_function("!document.querySelector('#preset input:checked')")
    label_is(visit, "happiness")
    scrolled(visit, "#borrow", f"edit-transfer-{size_of(request)}")
    visit.page.click("#film")
    visit.page.wait_for_function("document.querySelector('#way').innerText.includes('Choose one of them')")
    assert visit.overflow_px() <= 0
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []


def type_seed(visit: Visit, seed: str) -> None:
    """Type a seed and leave the field; a click in the same instant would still send the one before."""
    visit.page.fill("#seed input", seed)
    visit.page.press("#seed input", "Tab")
    visit.page.wait_for_timeout(300)


@both_sizes
def test_people_who_do_not_exist(visit: Visit, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.click("#people button")
    type_seed(visit, "7")
    visit.page.click("#draw")
    visit.page.wait_for_selector("#drawn .dp-people img >> nth=5", timeout=WAIT_MS)
    assert "with seed 7" in visit.page.inner_text("#drawn")
    first = visit.page.get_attribute("#drawn img >> nth=0", "src")
    scrolled(visit, "#people", f"edit-people-{size_of(request)}")
    with Image.open(saved(visit, "#drawn a[download]", tmp_path)) as sheet:
        assert sheet.size == (6 * 256, 256)
        assert (
            '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"'
            in sheet.text["XML:com.adobe.xmp"]
        )
    visit.page.fill("#seed input", "8")
    visit.page.press("#seed input", "Enter")
    visit.page.wait_for_function("document.querySelector('#drawn').innerText.includes('with seed 8')")
    assert visit.page.get_attribute("#drawn img >> nth=0", "src") != first
    type_seed(visit, "-1")
    visit.page.click("#draw")
    visit.page.wait_for_function("document.querySelector('#drawn').innerText.includes('must be a whole number')")
    assert visit.overflow_px() <= 0


def test_another_face_another_photograph_and_none(visit: Visit) -> None:
    opened(visit, encoded(group(), "PNG"))
    before = visit.page.get_attribute("#edited .dp-pair img", "src")
    visit.page.get_by_role("tab", name="Read").click()
    assert visit.page.is_visible("#shown .dp-frame img")
    visit.page.click(".dp-thumb >> nth=2")
    visit.page.wait_for_function("document.querySelector('.dp-which').innerText === 'Face 3 of 4'")
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.wait_for_function("document.querySelector('#gauges').innerText.includes('Face 3 of 4')")
    assert visit.page.get_attribute("#edited .dp-pair img", "src") != before
    visit.page.get_by_role("tab", name="Read").click()
    visit.page.click("#again")
    visit.page.wait_for_selector("#photograph:visible")
    visit.page.get_by_role("tab", name="Edit").click()
    visit.page.wait_for_selector("#add-photograph:visible")
    assert visit.page.locator("#edited img").count() == 0


def query(visit: Visit) -> dict[str, list[str]]:
    return parse_qs(urlsplit(visit.page.url).query)


def test_a_link_opens_the_tab_with_its_model(browser: Browser, visit: Visit) -> None:
    assert query(visit) == {}
    opened(visit, encoded(astronaut(), "PNG"))
    assert query(visit) == {"view": ["edit"], "model": ["shape"]}
    visit.page.get_by_label("tint", exact=True).check()
    visit.page.wait_for_function("location.search.includes('tint')")
    visit.page.hover("#gauges .dp-here")
    visit.page.focus("#gauges .dp-here")
    assert visit.page.get_attribute("#gauges .dp-here", "href") == "/?view=edit&model=tint"
    visit.page.get_by_role("tab", name="Read").click()
    visit.page.wait_for_function("location.search.includes('neutral')")
    assert query(visit) == {"view": ["neutral"], "model": ["derl"]}
    other = Visit(browser, f"{visit.page.url.split('?')[0]}?view=edit&model=tint")
    other.page.wait_for_selector("#preset:visible", timeout=WAIT_MS)
    assert other.page.get_by_label("tint", exact=True).is_checked()
    assert not other.page.is_visible("#borrow")
    assert query(other) == {"view": ["edit"], "model": ["tint"]}
    other.context.close()
    assert other.errors == []


def test_no_picture_stays_on_the_server(visit: Visit, running: gr.Blocks, uploads_folder: Path) -> None:
    opened(visit, encoded(group(), "PNG"))
    for name in ("surprise", "anger", "fear"):
        visit.page.get_by_label(name).check()
    drag(visit, "#intensity", 0.4)
    settle(visit)  # an edit that ends after the paste takes the pasted photograph away
    visit.page.click("#paste")
    visit.page.wait_for_selector("#edited-photograph .dp-compare", timeout=WAIT_MS)
    visit.page.click("#borrow button")
    send_second(visit, encoded(astronaut(), "PNG"))
    visit.page.wait_for_function("document.querySelector('#source').innerText.includes('Taken over from')")
    visit.page.get_by_label("disgust").check()
    label_is(visit, "disgust")
    visit.page.click("#film")
    visit.page.wait_for_selector("#way .dp-film", timeout=WAIT_MS)
    visit.page.click("#people button")
    visit.page.click("#draw")
    visit.page.wait_for_selector("#drawn img", timeout=WAIT_MS)
    assert wait_until_nothing_is_held(visit, running) == []
    assert visit.page.is_visible("#edited .dp-after")  # still shown
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []
    visit.page.get_by_role("tab", name="Read").click()
    visit.page.click("#again")
    visit.page.wait_for_selector("#photograph:visible")
    visit.page.wait_for_timeout(1000)
    assert kept_faces(running) == 0


def kept_faces(page: gr.Blocks) -> int:
    """How many edited faces the states of all visits hold."""
    sessions = list(page.state_holder.session_data.values())
    return sum(isinstance(value, Edited) for session in sessions for value in session.state_data.values())
