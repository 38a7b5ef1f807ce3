"""What the pill at the top of every page says of the endpoint."""

from __future__ import annotations

import pytest

from tlm_dash.models import EndpointState
from tlm_dash.services.connection import Connection
from tlm_dash.ui.parts.header import state_words

URL = "http://127.0.0.1:4000/api"


@pytest.mark.parametrize(
    ("state", "sentence", "base_url", "said"),
    [
        ("working", "It works.", URL, "ready"),
        ("starting", "Fetching the model: 12 of 93 MB.", None, "fetching the model, 12 of 93 MB"),
        ("unreachable", "It was given up.", None, "not running"),
        ("unreachable", "No answer within 10 seconds.", URL, "does not answer"),
        ("failing", "It answers with errors.", URL, "answers with errors"),
    ],
)
def test_an_embedded_endpoint_that_hangs_is_not_said_to_be_gone(
    state: EndpointState, sentence: str, base_url: str | None, said: str
) -> None:
    phase = {"working": "ready", "starting": "starting"}.get(state, "unreachable")
    connection = Connection(phase, sentence, "", base_url, True, endpoint_state=state)  # type: ignore[arg-type]
    assert state_words(connection)[0] == said
