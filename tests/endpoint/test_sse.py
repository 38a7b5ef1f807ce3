"""Server-sent events: the same events, however the bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.endpoint.sse import Event, SseDecoder


def decode(*chunks: bytes) -> list[Event]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.end()]


def test_the_forms_of_an_event() -> None:
    assert decode(b"data: a\n\n") == [Event("a")]
    assert decode(b"data:a\r\rdata:  b\r\n\r\n") == [Event("a"), Event(" b")]
    assert decode(b"event: error\ndata: a\ndata: b\nid: 7\nretry: 9\nother: x\n\n") == [
        Event("a\nb", "error")
    ]
    assert decode(b"\xef\xbb\xbfdata: a\n\n") == [Event("a")]
    assert decode(b"data: caf\xe9\n\n") == [Event("caf\ufffd")]
    assert decode(b"data\n\nevent: x\n\n: comment\n\n\n\n") == []


def test_an_events_name_does_not_stick() -> None:
    assert decode(b"event: error\n\ndata: a\n\n") == [Event("a")]


def test_an_event_without_its_blank_line_is_not_whole() -> None:
    assert decode(b"data: a\n\ndata: b") == [Event("a"), Event("b", whole=False)]
    assert decode(b"data: b\n") == [Event("b", whole=False)]
    assert decode(b"data: b\r") == [Event("b", whole=False)]
    assert decode(b"data: b\n\r") == [Event("b")]


def test_only_the_first_byte_order_mark_is_one() -> None:
    assert decode(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n") == []
    assert decode(b"\xef", b"\xbb", b"\xbf", b"data: a\n\n") == [Event("a")]
    assert decode(b"\xef") == []


pieces = st.lists(
    st.sampled_from(
        [b"data", b":", b" ", b"\n", b"\r", b"\r\n", b"event", b"x", "ü🙂".encode(), b"\xff", b"\xef\xbb\xbf"]
    )
)


@given(pieces, st.data())
def test_events_do_not_depend_on_how_the_bytes_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    chunks = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert decode(*chunks) == decode(raw)
    assert decode(*(raw[i : i + 1] for i in range(len(raw)))) == decode(raw)
