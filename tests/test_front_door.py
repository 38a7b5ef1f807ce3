"""Whatever stands in Host and Origin: nothing breaks the door, and what passes is this site's own."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.front_door import Refusal, Rules
from tlm_dash.sites import Names, read_site

RULES = Rules(Names(listed=(read_site("https://dash.example"), read_site("lan.example"))))

PARTS = (
    "localhost", "127.0.0.1", "[::1]", "dash.example", "lan.example", "evil.example", "http://", "https://",
    ":8501", ":443", ":80", ":", ".", "@", "/", ",", " ", "null", "LOCALHOST", "xn--", "[", "]", "%", "0x7f",
    "\xff", "\x00",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), max_size=6).map("".join) | st.text(
    st.characters(max_codepoint=255), max_size=40
)
VALUES = st.lists(TEXTS.map(lambda text: text.encode("latin-1")), max_size=2)

OWN = {
    (b"localhost:8501", b"http://localhost:8501"),
    (b"127.0.0.1:8501", b"http://127.0.0.1:8501"),
    (b"[::1]:8501", b"http://[::1]:8501"),
    (b"dash.example", b"https://dash.example"),
    (b"lan.example", b"http://lan.example"),
    (b"lan.example:8501", b"http://lan.example:8501"),
}


@given(hosts=VALUES, origins=VALUES, kind=st.sampled_from(["http", "websocket"]))
def test_whatever_passes_names_this_site(hosts: list[bytes], origins: list[bytes], kind: str) -> None:
    scope: dict[str, Any] = {
        "type": kind, "method": "GET", "path": "/", "scheme": "http", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8501),
        "headers": [*((b"host", value) for value in hosts), *((b"origin", value) for value in origins)],
    }  # fmt: skip
    admitted = RULES.admit(scope)
    if isinstance(admitted, Refusal):
        assert (
            admitted.status in (400, 403) and admitted.sentence.isascii() and admitted.sentence.isprintable()
        )
        return
    kept = dict(admitted["headers"])
    if origins:
        assert len(hosts) == len(origins) == 1 and (kept[b"host"], kept[b"origin"]) in OWN
    else:
        # Said at length, a usual port is still the same place.
        assert kept[b"host"] in {host for host, _ in OWN} | {b"dash.example:443", b"lan.example:80"}
