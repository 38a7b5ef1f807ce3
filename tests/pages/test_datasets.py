"""The datasets page, as a person meets it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tlm_dash.services import datasets
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_spellings import label_columns
from tlm_dash.ui.pending import pending_uploads

TABLE = (
    "id,question,answer_key,response,trustworthiness_score,is_correct,topic\n"
    "a,What is 2 + 2?,4,Four.,0.9,1,sums\n"
    "b,What is 3 + 3?,6,Seven.,0.2,0,sums\n"
    "c,,6,Six.,0.8,1,sums\n"
    "d,What is 2 + 2?,4,4,0.95,1,sums\n"
)


@pytest.fixture
def running(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Iterator[Dashboard]:
    yield make_dashboard(fake_endpoint.base_url)
    # What a test uploaded is closed with the app that held it.
    gc.collect()


@pytest.fixture
def open_page(open_app: OpenApp, running: Dashboard) -> Any:  # noqa: ANN401 - a callable
    def open_with(**query: str) -> AppTest:
        # Asked for before the page is: switching pages drops the address.
        app = open_app(running, "datasets")
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_with


def uploaded(app: AppTest, text: str = TABLE, name: str = "questions.csv") -> AppTest:
    app.file_uploader[0].upload(name, text.encode()).run()
    assert not app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def roles(app: AppTest) -> list[str]:
    return [box.value for box in app.selectbox if box.label.startswith("Role of column")]


def set_role(app: AppTest, number: int, role: str) -> AppTest:
    (box,) = [box for box in app.selectbox if box.label == f"Role of column {number}"]
    return box.set_value(role).run()


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def test_an_empty_page_offers_every_way_in(open_page: Any) -> None:  # noqa: ANN401
    app = open_page()
    assert app.title[0].value == "Datasets"
    assert "There is no dataset yet." in texts(app)
    assert {"Use the sample dataset", "Read the text"} <= {button.label for button in app.button}
    assert app.file_uploader[0].label.startswith("Upload a file")


def test_from_a_file_to_a_dataset(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    app = uploaded(open_page())
    assert roles(app) == ["id", "prompt", "", "response", "score", "label", "tag"]
    assert metrics(app) == {"Rows in": "4", "Items": "3", "Rejected rows": "1"}
    assert "1 item repeats the prompt of an earlier one" in texts(app)
    assert {"Format", "Encoding", "Delimiter", "Header"} <= {box.label for box in app.selectbox}
    set_role(app, 3, "reference")
    first = app.dataframe[-1].value
    assert list(first["reference"]) == ["4", "6", "4"]
    assert list(first["score: trustworthiness_score"]) == [0.9, 0.2, 0.95]
    app.text_input[0].set_value("Sums").run()
    press(app, "Save")
    (dataset,) = datasets.listed(running)
    assert (dataset.name, dataset.n_items, dataset.n_rejected) == ("Sums", 3, 1)
    assert app.query_params["dataset"] == dataset.dataset_id
    assert "Has responses, scores, labels, references" in texts(app)
    assert list(app.dataframe[0].value["prompt"])[:2] == ["What is 2 + 2?", "What is 3 + 3?"]
    assert app.dataframe[1].value["response column"].tolist() == ["response"]
    tmp = running.settings.data_dir / "tmp"
    assert not [path for path in tmp.iterdir() if path.name.startswith("upload-")]
    assert not pending_uploads(running).all()


def test_a_column_that_only_looks_like_labels_waits(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    app = uploaded(open_page())
    assert [box.value for box in app.checkbox] == [False]
    press(app, "Save")
    (first,) = datasets.listed(running)
    assert "is_correct: labels that count when somebody says what they mean (2 spellings" in texts(app)
    (column,) = label_columns(running, first.dataset_id)
    assert column.n_undecided == 2
    app = uploaded(open_page(), TABLE.replace("a,What", "e,What"), "again.csv")
    app.checkbox[0].check().run()
    press(app, "Save")
    second = datasets.listed(running)[-1]
    (column,) = label_columns(running, second.dataset_id)
    assert [(s.spelling, s.meaning) for s in column.spellings] == [("1", "correct"), ("0", "incorrect")]
    assert "labels that count when" not in texts(app)


def test_an_upload_is_still_there_after_a_reload(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    app = set_role(uploaded(open_page()), 3, "reference")
    again = open_page(upload=app.query_params["upload"])
    assert roles(again)[2] == "reference"
    elsewhere = open_page()
    assert "Not saved yet:" in texts(elsewhere) and "questions.csv" in texts(elsewhere)
    press(again, "Cancel")
    assert not pending_uploads(running).all()
    assert "not here any more" in texts(open_page(upload=app.query_params["upload"]))


def test_what_has_two_readings_is_asked_before_it_is_saved(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    table = "prompt,response,expected_output,reference\nWhy?,So.,x,y\nWho?,He.,z,w\n"
    app = uploaded(open_page(), table, "gold.csv")
    assert roles(app) == ["prompt", "response", "", ""]
    assert "Which column is the reference answer: 'expected_output', 'reference'?" in texts(app)
    assert "expected_output: x · z" in texts(app)
    (save,) = [button for button in app.button if button.label == "Save"]
    assert save.disabled
    (menu,) = [box for box in app.selectbox if box.label == "Answer to question 1"]
    menu.select_index(1).run()
    assert roles(app) == ["prompt", "response", "", "reference"]
    press(app, "Save")
    (dataset,) = datasets.listed(running)
    assert dataset.mapping["reference"] == "reference"


def test_whether_the_first_row_is_a_header_is_asked(open_page: Any) -> None:  # noqa: ANN401
    app = uploaded(open_page(), '[["left", "right"], ["up", "down"], ["in", "out"]]', "lists.json")
    (menu,) = [box for box in app.selectbox if box.label == "Answer to question 1"]
    menu.select_index(0).run()
    assert not app.exception
    assert "left: up · in" in texts(app)
    (menu,) = [box for box in app.selectbox if box.label == "Answer to question 1"]
    menu.select_index(0).run()
    assert metrics(app)["Items"] == "2"


def test_saying_what_a_column_means_answers_what_was_asked(open_page: Any) -> None:  # noqa: ANN401
    app = uploaded(open_page(), "prompt,answer\nWhy?,So.\n", "answer.csv")
    (save,) = [button for button in app.button if button.label == "Save"]
    assert save.disabled
    set_role(app, 2, "response")
    (save,) = [button for button in app.button if button.label == "Save"]
    assert not save.disabled


def test_only_one_column_is_the_prompt(open_page: Any) -> None:  # noqa: ANN401
    app = set_role(uploaded(open_page()), 3, "prompt")
    assert roles(app)[:3] == ["id", "", "prompt"]
    set_role(app, 3, "")
    assert "No column of this file looks like prompts" in texts(app)
    (save,) = [button for button in app.button if button.label == "Save"]
    assert save.disabled


def test_a_score_without_a_response_is_said_where_it_happened(open_page: Any) -> None:  # noqa: ANN401
    app = set_role(uploaded(open_page()), 4, "")
    assert "no column is a response" in texts(app)


def test_a_prompt_of_several_columns(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    app = uploaded(open_page())
    app.toggle[0].set_value(True).run()
    app.text_area[0].set_value("{topic}: {question}").run()
    assert list(app.dataframe[-1].value["prompt"])[0] == "sums: What is 2 + 2?"
    app.text_area[0].set_value("{nothing}").run()
    assert "There is no column 'nothing'." in texts(app)
    app.text_area[0].set_value("{topic}: {question}").run()
    press(app, "Save")
    (dataset,) = datasets.listed(running)
    assert datasets.page(running, dataset.dataset_id).rows[0].prompt == "sums: What is 2 + 2?"


def test_wide_files_keep_each_label_with_its_response(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    row = '{"question": "Why?", "a": {"solution": "So", "is_correct": true}, "b": {"solution": "No", '
    app = uploaded(open_page(), row + '"is_correct": false}}\n', "wide.jsonl")
    belongs = [box.value for box in app.selectbox if box.label.startswith("Response that")]
    assert belongs == ["a.solution", "b.solution"]
    press(app, "Save")
    (dataset,) = datasets.listed(running)
    labels = {run.response_column: run.label_column for run in datasets.runs_of(running, dataset.dataset_id)}
    assert labels == {"a.solution": "a.is_correct", "b.solution": "b.is_correct"}


def test_saying_otherwise_reads_the_file_again(open_page: Any) -> None:  # noqa: ANN401
    app = uploaded(open_page(), "prompt;note\nOne, two;x\nThree;y\n")
    (delimiter,) = [box for box in app.selectbox if box.label == "Delimiter"]
    assert delimiter.value == ";"
    delimiter.set_value(",").run()
    assert not app.exception
    (delimiter,) = [box for box in app.selectbox if box.label == "Delimiter"]
    assert delimiter.value == ","
    delimiter.set_value(";").run()
    assert roles(app)[0] == "prompt"
    (format_menu,) = [box for box in app.selectbox if box.label == "Format"]
    format_menu.set_value("xlsx").run()
    assert not app.exception
    assert "Not read so" in texts(app)
    assert roles(app)[0] == "prompt"


def test_pasted_text_and_what_cannot_be_read(open_page: Any) -> None:  # noqa: ANN401
    app = open_page()
    press(app, "Read the text")
    assert "There is no text to read." in texts(app)
    app.text_area[0].set_value("What is one?\nWhat is two?")
    press(app, "Read the text")
    assert metrics(app)["Items"] == "2"
    refused = uploaded(open_page(), "", "empty.csv")
    assert "Not read" in texts(refused) and "empty" in texts(refused)
    assert refused.file_uploader


def test_a_file_of_the_inbox_is_read_where_it_is(open_page: Any, running: Dashboard, tmp_path: Path) -> None:  # noqa: ANN401
    folder = running.settings.data_dir / "inbox"
    folder.mkdir()
    (folder / "large.csv").write_text(TABLE)
    (tmp_path / "secret.csv").write_text(TABLE)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    app = open_page()
    (menu,) = [box for box in app.selectbox if box.label == "File"]
    assert len(menu.options) == 1
    menu.set_value("large.csv").run()
    press(app, "Read the file")
    press(app, "Save")
    assert datasets.listed(running)[0].name == "large"
    assert (folder / "large.csv").exists()


def test_the_sample_is_one_press_away_and_can_be_deleted(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    app = open_page()
    app.button(key="use-sample").click().run()
    (dataset,) = datasets.listed(running)
    app.text_input[0].set_value("capital of denmark").run()
    assert "1 item found" in texts(app)
    assert app.query_params["search"] == "capital of denmark"
    app.text_input[0].set_value("nothing like this").run()
    assert "No item contains this text." in texts(app)
    listed = texts(open_page())
    assert "Sample questions" in listed and "1 dataset" in listed
    press(app, "Delete for good")
    assert not datasets.listed(running)
    assert "There is no dataset yet." in texts(app)
    assert "Not found" in texts(open_page(dataset=dataset.dataset_id))


def test_names_and_cells_are_never_markdown(open_page: Any, running: Dashboard) -> None:  # noqa: ANN401
    evil = evil_text("http://leak.invalid")
    cells = '"' + evil.replace('"', '""') + '"'
    name = "![x](http:leak.invalid) \u202e.csv"
    app = uploaded(open_page(), f"prompt,![x](http://leak.invalid/name.png)\n{cells},{cells}\n", name)
    assert not app.exception
    read_as_markdown(app)
    press(app, "Save")
    assert datasets.listed(running)
    read_as_markdown(app)
    read_as_markdown(open_page())


def read_as_markdown(app: AppTest) -> None:
    """Nothing of an upload is in an element whose text or label is Markdown."""
    elements = [*app.markdown, *app.caption, *app.header, *app.title, *app.error, *app.warning, *app.info]
    said = [str(element.value) for element in elements]
    widgets = [*app.button, *app.selectbox, *app.text_input, *app.text_area, *app.toggle, *app.expander]
    said += [str(widget.label) for widget in widgets]
    said += [str(getattr(widget, "help", "")) for widget in widgets]
    assert not [text for text in said if "leak.invalid" in text or "![" in text]


def test_a_dataset_leads_to_its_run_and_to_the_responses_that_came_with_it(
    open_page: Any,  # noqa: ANN401
    running: Dashboard,
) -> None:
    app = uploaded(open_page())
    press(app, "Save")
    (dataset,) = datasets.listed(running)
    (run,) = datasets.runs_of(running, dataset.dataset_id)
    app = open_page(dataset=dataset.dataset_id)
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert (links["Review"].page, links["Review"].query_string) == ("review", f"run={run.run_id}")
    assert links["Its runs"].query_string == f"dataset={dataset.dataset_id}"
    app.button(key="run-dataset").click().run()
    assert not app.exception
    assert app.query_params["dataset"] == dataset.dataset_id
    assert app.selectbox(key="new-dataset").value == dataset.dataset_id
