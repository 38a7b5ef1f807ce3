"""Text that is judged, measured in a real browser: it is seen whole, or the page says how much is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.benchmarks.review_queue import keys_work, open_queue
from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp, answered, ask, nothing_is_cut_off, settled, steady_box
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import label_plans, labels
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.place import OpenStore
from tlm_dash.services.plan_state import plan_state
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser

EIGHT_LINES = "\n".join(
    f"{n}. The invoice of {n} May is to be read, with its total, its tax and its currency." for n in range(8)
)
LINES = [f"line {n:05}" for n in range(10_000)]
TEXTS = {
    "eight lines": EIGHT_LINES,
    "ten thousand lines": "\n".join(LINES),
    "one word of 100,000 characters": "x" * 100_000,
    "right to left": "\n".join(["שלום עולם, זה טקסט מימין לשמאל."] * 80),
    "huge": "nine char\n" * 30_000 + "the end",
    "odd": "tab\there\r\n  indented\r\nzero\u200bwidth \u202eturned\n" + "a b " * 4_000,
}
SIZES = [(1280, 900), (800, 900), (390, 844)]

# Of a box: what its text needs, what of it is seen, whether a fade is drawn, and what its button says.
MEASURE = """
box => {
  // Where the text is, in a box that scrolls or cuts it off, whatever that box is called.
  const clip = box.querySelector('[data-testid="stElementContainer"]');
  const line = clip.querySelector("span, div > div") ?? clip;
  let needed = 0, seen = Infinity;
  for (let part = clip; part !== box.parentElement.parentElement; part = part.parentElement) {
    if (getComputedStyle(part).overflowY === "visible") continue;
    needed = Math.max(needed, part.scrollHeight);
    seen = Math.min(seen, part.clientHeight);
  }
  const button = [...box.querySelectorAll("button")].find(it => it.offsetHeight > 0);
  return {
    hidden: Math.max(0, needed - seen), lineHeight: parseFloat(getComputedStyle(line).lineHeight),
    width: clip.scrollWidth - clip.clientWidth, height: clip.getBoundingClientRect().height,
    fade: getComputedStyle(clip).maskImage !== "none", button: button?.textContent ?? null,
  };
}
"""


def measured(box: Locator) -> dict[str, Any]:
    steady_box(box)
    found: dict[str, Any] = box.evaluate(MEASURE)
    return found


def is_honest(box: Locator) -> int:
    """Check that a box is whole, or says how many lines it hides; gives that number."""
    found = measured(box)
    assert found["width"] <= 0, "no line runs out of its box"
    lines = round(found["hidden"] / found["lineHeight"]) if found["hidden"] > 1 else 0
    told = f"{lines:,} {'line' if lines == 1 else 'lines'}"
    is_part = box.get_by_text(" characters too").count() > 0
    words = f"Show {told} more" if is_part else f"Show all, {told} hidden"
    assert (found["fade"], found["button"]) == (lines > 0, words if lines else None)
    return lines


def show_all(box: Locator) -> None:
    """Open a box by the keyboard, check that nothing is hidden any more, and fold it again."""
    n_hidden = is_honest(box)
    button = box.get_by_role("button", name=re.compile(rf"^Show all, {n_hidden:,} lines? hidden"))
    button.focus()
    button.press("Enter")
    less = box.get_by_role("button", name=re.compile("^Show less"))
    expect(less).to_be_focused()
    expect(less).to_have_attribute("aria-expanded", "true")
    found = measured(box)
    assert (found["hidden"] <= 1, found["fade"]) == (True, False)
    less.press("Enter")
    assert is_honest(box) == n_hidden


@dataclass
class Stored:
    """The app over two runs with long and odd texts, and the place of each text's row in a plan."""

    server: AppServer
    run_id: str
    other: str
    plan_id: str
    positions: dict[str, int]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Start the app over both runs."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    settings = load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=data_dir / "no.env")
    with OpenStore(settings) as place:
        told = list(TEXTS.values())
        n = len(told)
        dataset_id = make_dataset(place.store, [f"{EIGHT_LINES}{no}" for no in range(n)], ["Yes."] * n)
        scores = [number / n for number in range(n)]
        run_id = make_run(place.store, dataset_id, told, scores=scores)
        other = make_run(place.store, dataset_id, [f"Not {it}" for it in told], scores=scores, name="other")
        plan_id = label_plans.create(
            place, run_id, PlanRequest("uniform", n, "Ada", double_share=0.0)
        ).plan_id
        by_item = {item.item_no: item.position for item in plan_state(place, plan_id).items}
        for who, verdict in (("Kim", "correct"), ("Lee", "incorrect")):
            label_text(place, dataset_id, run_id, 2, who, verdict)
    with FakeEndpoint() as endpoint:
        server = AppServer(data_dir, {"BASE_URL": endpoint.base_url})
        server.wait_until_up()
        positions = {name: by_item[number] for number, name in enumerate(TEXTS, 1)}
        yield Stored(server, run_id, other, plan_id, positions)
        server.stop()


def label_text(
    place: OpenStore, dataset_id: str, run_id: str, item_no: int, annotator: str, verdict: str
) -> None:
    ((hashed,),) = place.store.read(
        "SELECT response_hash FROM run_item WHERE run_id = ? AND item_no = ?", [run_id, item_no]
    )
    labels.annotate(
        place, dataset_id=dataset_id, item_no=item_no, response_hash=hashed, verdict=verdict,
        annotator=annotator, note=EIGHT_LINES * 10, run_id=run_id, score_visible=True,
    )  # fmt: skip


def box_of(page: Page | Locator, what: str) -> Locator:
    return page.locator(f"[class*='st-key-whole-{what}-']").first


def at_size(page: Page, size: tuple[int, int], scheme: str) -> list[str]:
    """Give the window a size and a theme; gives where its errors are noted."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_queue_shows_texts_whole_or_says_how_much_is_hidden(
    page: Page, stored: Stored, size: tuple[int, int]
) -> None:
    errors = at_size(page, size, "dark" if size[0] == 800 else "light")
    open_queue(page, stored.server, stored.run_id, stored.plan_id, "Ada")
    queue, n_hidden = page.url, {}
    for name, position in stored.positions.items():
        page.goto(f"{queue}&item={position}")
        keys_work(page)
        prompt, response = box_of(page, "prompt"), box_of(page, "response")
        expect(prompt).to_contain_text("7. The invoice of 7 May")
        assert is_honest(prompt) == 0, "eight lines are whole at any width"
        assert is_honest(box_of(page, "reference")) == 0
        n_hidden[name] = is_honest(response)
        nothing_is_cut_off(page)
        for button in page.locator(".st-key-queue-verdicts button").all():
            box = button.bounding_box()
            assert box is not None and box["y"] + box["height"] <= size[1], "in sight however long texts are"
    n_huge = n_hidden.pop("huge")
    assert 19_900 < n_huge < 20_000, "of the part that is here"
    assert n_hidden.pop("eight lines") == 0
    assert 9_950 < n_hidden["ten thousand lines"] < 10_000
    assert all(n_hidden.values())

    page.goto(f"{queue}&item={stored.positions['ten thousand lines']}")
    keys_work(page)
    response = box_of(page, "response")
    show_all(response)
    response.get_by_role("button", name=re.compile("^Show all")).click()
    last = response.get_by_text(LINES[-1])
    last.evaluate("it => it.scrollIntoView({ block: 'end' })")
    page.keyboard.press("s")
    # The next row begins at its beginning, and folded.
    expect(page.get_by_text(LINES[-1])).to_have_count(0)
    expect(page.locator("[data-open]")).to_have_count(0)
    assert steady_box(box_of(page, "prompt"))["y"] > 0
    assert not errors


def test_a_text_runs_as_its_letters_do_and_paper_hides_nothing(page: Page, stored: Stored) -> None:
    open_queue(page, stored.server, stored.run_id, stored.plan_id, "Ben")
    queue = page.url
    page.goto(f"{queue}&item={stored.positions['right to left']}")
    keys_work(page)
    response = box_of(page, "response")
    clip = steady_box(response.get_by_test_id("stText"))
    first_line = response.evaluate(
        """box => {
          const range = document.createRange();
          const text = document.createTreeWalker(box, NodeFilter.SHOW_TEXT).nextNode();
          range.setStart(text, 0), range.setEnd(text, 10);
          return range.getBoundingClientRect().right;
        }"""
    )
    assert abs(first_line - clip["x"] - clip["width"]) < 4, "it begins at the right"
    n_hidden = is_honest(response)
    page.set_viewport_size({"width": 1280, "height": 700})
    expect(response.get_by_role("button")).not_to_have_text(f"Show all, {n_hidden} lines hidden")
    assert is_honest(response) > n_hidden
    page.emulate_media(media="print")
    found = measured(response)
    assert (found["hidden"] <= 1, found["fade"], found["button"]) == (True, False, None)
    page.emulate_media(media="screen")

    page.goto(f"{queue}&item={stored.positions['odd']}")
    keys_work(page)
    expect(response).to_contain_text("zero⟨U+200B⟩width ⟨U+202E⟩turned")
    expect(response).not_to_contain_text("⟨U+000D⟩")
    page.goto(f"{queue}&item={stored.positions['huge']}")
    keys_work(page)
    expect(response.get_by_role("button", name=re.compile(r"^Show [\d,]+ lines more"))).to_be_visible()
    response.get_by_text("Show the other 100,007 of 300,007 characters too").click()
    expect(response).to_contain_text("the end")
    button = response.get_by_role("button", name=re.compile("^Show all, "))
    button.click()
    assert measured(response)["hidden"] <= 1

    page.goto(f"{queue}&item={stored.positions['odd']}")
    keys_work(page)
    # A search in the page, or a selection, leads into what is hidden: then it is shown.
    is_honest(response)
    response.get_by_test_id("stElementContainer").evaluate("clip => clip.scrollTo(0, 100)")
    expect(response.get_by_role("button", name=re.compile("^Show less"))).to_be_visible()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_row_a_pair_and_a_disagreement_show_texts_whole_or_say_how_much_is_hidden(
    page: Page, stored: Stored, size: tuple[int, int]
) -> None:
    errors = at_size(page, size, "dark" if size[0] == 800 else "light")
    url = stored.server.url
    page.goto(f"{url}/review?run={stored.run_id}&row=2")
    drawer = page.get_by_role("dialog")
    assert is_honest(box_of(drawer, "message")) == 0
    assert is_honest(box_of(drawer, "response")) > 9_900
    show_all(box_of(drawer, "response"))
    box_of(drawer, "response").get_by_role("button", name=re.compile("^Show all")).click()
    drawer.get_by_role("button", name="Next").click()
    expect(drawer.get_by_text("Row 3 of")).to_be_visible()
    # Another row's text is folded again.
    assert is_honest(box_of(drawer, "response")) > 0
    drawer.get_by_text("Other responses to this prompt (1)").click()
    assert is_honest(box_of(drawer, "difference")) > 0
    expect(drawer.locator("ins").first).to_be_visible()
    nothing_is_cut_off(page)

    page.goto(f"{url}/compare?baseline={stored.run_id}&candidate={stored.other}&row=2&rows=all")
    drawer = page.get_by_role("dialog")
    assert is_honest(box_of(drawer, "prompt")) == 0
    assert is_honest(box_of(drawer, "difference")) > 1_000
    show_all(box_of(drawer, "difference"))
    # What is beyond the words that are compared is there too, as it is.
    expect(drawer.get_by_text("The rest of the baseline")).to_be_visible()
    rest = drawer.locator("[class*=st-key-whole-rest-]")
    expect(rest).to_have_count(2)
    for box in rest.all():
        assert is_honest(box) > 1_000
        expect(box).to_contain_text(LINES[-1])

    page.goto(f"{url}/review?run={stored.run_id}&view=labels")
    settled(page)
    assert is_honest(box_of(page, "prompt")) == 0
    assert is_honest(box_of(page, "response")) > 9_900
    assert is_honest(box_of(page, "verdict")) >= 0
    assert not errors


# Each height that an answer had while it was drawn.
WATCH_HEIGHTS = """
() => {
  window.heights = [];
  const look = () => {
    const box = document.querySelector("[class*='st-key-response-']");
    if (box) window.heights.push(box.offsetHeight);
    requestAnimationFrame(look);
  };
  look();
}
"""


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_answer_grows_while_it_streams_and_is_seen_whole(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, size: tuple[int, int]
) -> None:
    errors = at_size(page, size, "dark" if size[0] == 800 else "light")
    lines = [f"{number}. A line of the answer" for number in range(1, 29)]
    fake_endpoint.behave(Behaviour(Answer("\n".join(lines), word_delay_s=0.02)))
    page.goto(start_app(fake_endpoint.base_url).url)
    page.evaluate(WATCH_HEIGHTS)
    ask(page, "Hello")
    answered(page)
    answer = box_of(page, "response")
    expect(answer).to_contain_text(lines[-1])
    assert is_honest(answer) == 0
    assert measured(answer)["height"] > 650
    heights = page.evaluate("window.heights")
    assert len(set(heights)) > 3, "it grew"
    assert heights == sorted(heights), "and never jumped back"
    nothing_is_cut_off(page)

    fake_endpoint.behave(Behaviour(Answer("\n".join(lines * 4), word_delay_s=0.01)))
    before = page.url
    page.get_by_role("button", name="Run").click()
    page.wait_for_url(lambda url: url != before)
    page.locator("[class*='st-key-response-'] [data-hidden]").first.wait_for()
    # What is opened while it streams stays open.
    page.locator("[class*='st-key-response-']").get_by_role("button", name=re.compile("^Show all")).click()
    answered(page)
    expect(answer.get_by_role("button", name=re.compile("^Show less"))).to_be_visible()
    assert measured(answer)["hidden"] <= 1
    assert not errors
