"""The playground page, as a person meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT, MakeDashboard, wait_until
from tests.fake_endpoint import ApiError, FakeEndpoint, behaviours, evil_text, fake_answer, fake_score
from tests.pages.conftest import OpenApp, run_until_done, texts
from tlm_dash.services import playground, prices
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.ui.text import score_text


def test_an_empty_playground_invites_a_first_prompt(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    app = open_app(make_dashboard(fake_endpoint.base_url))
    assert app.title[0].value == "Playground"
    assert "press Run" in texts(app)
    assert "Every prompt that you run is kept here" in texts(app)
    assert app.multiselect[0].value == ["gpt-4.1-mini"]
    assert app.button_group[0].value == ["medium"]
    assert not app.exception


def test_run_shows_the_answer_its_score_and_where_it_stands(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, prompt="What is 2 + 2?")
    app.button(key="run").click().run()
    run_until_done(app, dashboard)
    answer = fake_answer([{"role": "user", "content": "What is 2 + 2?"}], "gpt-4.1-mini")
    shown = texts(app)
    assert answer in shown
    assert score_text(fake_score(answer, "medium")) in shown
    assert "First score of this model, preset and scorer" in shown
    assert "not a probability" in shown
    assert app.query_params["entry"]
    assert "1 prompt" in shown


def test_the_address_opens_the_same_result_after_a_restart(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    asked = PlaygroundRequest(
        "And now?", ("gpt-4.1-mini", "gpt-4.1-nano"), ("base", "low"), "Be brief.", "user: Hi\nassistant: Yes"
    )
    entry_id = playground.submit(first, asked)
    wait_until(lambda: not first.board.entries_under_way())
    first.stop()
    second = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    app = open_app(second, entry=entry_id)
    values = {area.label: area.value for area in app.text_area}
    assert values == {
        "Prompt": "And now?",
        "System prompt": "Be brief.",
        "Earlier turns": asked.earlier_turns,
    }
    assert app.multiselect[0].value == ["gpt-4.1-mini", "gpt-4.1-nano"]
    assert app.button_group[0].value == ["base", "low"]
    assert len(app.metric) == 4
    assert "cannot be compared by size" in texts(app)


def test_the_address_fills_the_composer(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    app = open_app(
        make_dashboard(fake_endpoint.base_url), prompt="Hi", model=["a", "b"], preset=["base", "nonsense"]
    )
    assert app.text_area[0].value == "Hi"
    assert app.multiselect[0].value == ["a", "b"]
    assert app.button_group[0].value == ["base"]


def test_an_empty_prompt_is_refused_in_place(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    app = open_app(make_dashboard(fake_endpoint.base_url))
    app.button(key="run").click().run()
    assert "There is no prompt yet." in texts(app)
    assert "entry" not in app.query_params


def test_a_stale_address_says_so_and_stays_usable(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    app = open_app(make_dashboard(fake_endpoint.base_url), entry="0" * 32, page="99", search="%")
    assert "not in the database" in texts(app)
    assert app.button(key="run")


def test_a_response_that_exists_is_scored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, prompt="What is 2 + 2?")
    app.toggle[0].set_value(True).run()
    next(area for area in app.text_area if area.label == "Response to score").set_value("Five.").run()
    app.button(key="run").click().run()
    run_until_done(app, dashboard)
    assert "Your response" in texts(app)
    assert score_text(fake_score("Five.", "medium")) in texts(app)
    assert not fake_endpoint.requests_to("chat/completions")


@pytest.mark.parametrize("behaviour", sorted(set(behaviours()) - {"hang", "slow", "starting"}))
def test_no_behaviour_of_an_endpoint_breaks_the_page(
    make_dashboard: MakeDashboard, open_app: OpenApp, behaviour: str
) -> None:
    with FakeEndpoint() as endpoint:
        dashboard = make_dashboard(endpoint.base_url)
        endpoint.behave(behaviour)
        app = open_app(dashboard, prompt="Hello", preset=["base", "medium"])
        app.button(key="run").click().run()
        run_until_done(app, dashboard)
        assert "wrong inside tlm_dash" not in texts(app)
        assert "Traceback" not in texts(app)
        assert "1 prompt" in texts(app)
        settings = open_app(dashboard, "settings")
    assert settings.title[0].value == "Settings"
    assert not settings.exception


def test_untrusted_text_reaches_only_plain_text_elements(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    evil = evil_text("http://127.0.0.1:9/beacon")
    fake_endpoint.behave("evil-text")
    dashboard = make_dashboard(fake_endpoint.base_url)
    playground.submit(dashboard, PlaygroundRequest(evil, (evil[:80],), ("base",), evil))
    wait_until(lambda: not dashboard.board.entries_under_way())
    entry_id = playground.history(dashboard).rows[0].entry_id
    app = open_app(dashboard, entry=entry_id)
    plain = "\n".join(str(element.value) for element in app.text)
    assert "![pixel](" in plain and "<script>" in plain
    interpreted = [str(e.value) for kind in (app.markdown, app.caption, app.title, app.header) for e in kind]
    interpreted += [str(button.label) + str(button.help) for button in app.button]
    interpreted += [str(expander.label) for expander in app.expander]
    assert not [text for text in interpreted if "beacon" in text or "script" in text]
    assert "⟨U+202E⟩" in plain and "\u202e" not in plain


def test_the_history_finds_text_literally_and_turns_pages(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    for number in range(12):
        playground.submit(dashboard, PlaygroundRequest(f"number {number}%", ("gpt-4.1-mini",), ("base",)))
    wait_until(lambda: not dashboard.board.entries_under_way())
    app = open_app(dashboard)
    assert "12 prompts" in texts(app) and "number 11%" in texts(app) and "number 1%" not in texts(app)
    assert "number 1%" in texts(open_app(dashboard, page="2"))
    found = texts(open_app(dashboard, search="1%"))
    assert "2 prompts found" in found
    assert "No earlier prompt or response" in texts(open_app(dashboard, search="100%"))


def test_stop_ends_what_is_under_way(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("hang")
    app = open_app(dashboard, prompt="Hello")
    app.button(key="run").click().run()
    wait_until(lambda: fake_endpoint.requests_to("chat/completions"))
    app.run()
    assert "Waiting for the first words" in texts(app)
    app.button(key="stop").click().run()
    run_until_done(app, dashboard)
    assert "Stopped before it was complete." in texts(app)
    # Nothing went wrong: the history says what a person did.
    assert "gpt-4.1-mini: medium stopped" in texts(app)


def test_the_other_provider_brings_its_own_models(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    with FakeEndpoint() as provider:
        provider.models = ("prov-a", "prov-b")
        dashboard = make_dashboard(fake_endpoint.base_url, OPENAI_BASE_URL=provider.base_url)
        app = open_app(dashboard, prompt="Hi")
        assert app.multiselect[0].value == ["gpt-4.1-mini"]
        next(group for group in app.button_group if "answered_by" in (group.key or "")).set_value(
            "provider"
        ).run()
        assert app.multiselect[0].value == ["prov-a"]
        assert app.multiselect[0].options == ["prov-a", "prov-b"]
        app.button(key="run").click().run()
        run_until_done(app, dashboard)
    assert [sent.body["model"] for sent in provider.requests_to("chat/completions")] == ["prov-a"]


def test_secrets_are_nowhere_on_the_pages(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    secret = "sk-very-secret-value"
    fake_endpoint.script("chat/completions", [ApiError(401, f"Incorrect API key provided: {secret}")] * 2)
    dashboard = make_dashboard(
        fake_endpoint.base_url, TLM_DASH_API_KEY=secret, TLM_DASH_HEADERS=f"X-Gateway: {secret}-header"
    )
    app = open_app(dashboard, prompt="Hello")
    app.button(key="run").click().run()
    run_until_done(app, dashboard)
    assert "key" in texts(app).lower()
    settings = open_app(dashboard, "settings")
    assert secret not in texts(app) + texts(settings)
    stored = [dashboard.store.read(f"SELECT * FROM {table}") for table in ("attempt_end", "run_item", "run")]  # noqa: S608
    assert secret not in repr(stored)
    assert [str(element.value) for element in settings.text].count("set") == 2


def test_a_draft_survives_a_look_at_another_page_and_ends_with_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    long = "What is one plus one? " * 500
    app = open_app(dashboard)
    app.text_area(key="prompt-new").set_value(long).run()
    app.text_area(key="system_prompt-new").set_value("Be brief.").run()
    app.switch_page(str(ROOT / "pages" / "settings.py")).run()
    app.switch_page(str(ROOT / "pages" / "playground.py")).run()
    assert app.text_area(key="prompt-new").value == long
    assert app.text_area(key="system_prompt-new").value == "Be brief."
    app.button(key="run").click().run()
    run_until_done(app, dashboard)
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / "playground.py")).run()
    assert (app.text_area(key="prompt-new").value, app.text_area(key="system_prompt-new").value) == ("", "")


def test_a_press_before_the_page_is_drawn_anew_finds_nothing_missing(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard)
    app.text_area(key="prompt-new").set_value("Hello")
    old_picture = app._tree.get_widget_states()
    app.button(key="run").click().run()
    app._run(old_picture)
    assert not app.exception
    run_until_done(app, dashboard)
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_a_card_has_a_cost_only_where_there_is_a_price(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, prompt="Hello", preset=["low", "medium"])
    app.button(key="run").click().run()
    run_until_done(app, dashboard)
    assert "tokens" in texts(app) and "cost about" not in texts(app)
    free = prices.Price("model", "gpt-4.1-mini", 0.0, 0.0)
    prices.change_prices(dashboard, [free, prices.Price("preset", "low", per_request=0.25)])
    shown = texts(app.run())
    assert shown.count("cost about 0.25") == 1
    assert shown.count("cost about 0.00 without scoring") == 1


def test_an_example_fills_the_prompt_over_whatever_stands_there(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    app = open_app(make_dashboard(fake_endpoint.base_url))
    app.text_area(key="prompt-new").set_value("Mine").run()
    app.button(key="example-1").click().run()
    assert not app.exception
    assert "A shop sells pens" in (app.text_area(key="prompt-new").value or "")
    assert app.query_params["prompt"] == app.text_area(key="prompt-new").value
    assert not fake_endpoint.requests_to("chat/completions")
