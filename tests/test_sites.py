"""Host and Origin: what is understood, in which one form, and whose site it is."""

from __future__ import annotations

import pytest

from tlm_dash.sites import Names, is_loopback, own_names, read_authority, read_origin, read_site


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8501", "localhost:8501"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:8501", "[::1]:8501"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:127.0.0.1]:8501", "127.0.0.1:8501"),
        ("[::FFFF:7f00:1]", "127.0.0.1"),
        ("xn--dsh-qla.example", "xn--dsh-qla.example"),
        ("my_box-2.lan:1", "my_box-2.lan:1"),
        ("a" * 63 + ".example:65535", "a" * 63 + ".example:65535"),
    ],
)
def test_a_host_has_one_form(text: str, form: str) -> None:
    assert str(read_authority(text)) == form


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ":8501", "localhost:", "localhost:0", "localhost:65536", "localhost:99999999",
        "localhost:-1", "localhost:8501:8501", "localhost:8501 ", "localhost.", "localhost.:8501",
        ".localhost", "a..b", "me@localhost", "me:pw@localhost:8501", "localhost/x", "localhost?x",
        "localhost\\x", "localhost#x", "http://localhost", "localhost,evil.example", "localhost evil.example",
        "local%68ost", "lóca.example", "::1", "::1:8501", "[::1", "::1]", "[localhost]", "[127.0.0.1]",
        "[::1%eth0]", "[fe80::1%25eth0]", "[]", "127.1", "127.0.0.01", "2130706433", "0x7f.1", "0x7f000001",
        "127.0.0.1.5", "1.2.3.256", "evil.0x1", "-a.example", "a-.example", "a" * 64 + ".example",
        ".".join(["a" * 60] * 5), "a" * 10_000, "\x00", "localhost\x00", "localhost\n", "localhost:８501",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_not_a_host(text: str) -> None:
    assert read_authority(text) is None
    assert read_origin(f"http://{text}") is None


@pytest.mark.parametrize(
    "text",
    [
        "null", "", "localhost:8501", "//localhost", "http:localhost", "http:/localhost", "file://", "file:///x",
        "ftp://localhost", "ws://localhost", "chrome-extension://abcdef", "http://localhost/", "http://",
        "http://localhost:8501 http://evil.example", "http://localhost:8501, http://evil.example",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_origin_is_none(text: str) -> None:
    assert read_origin(text) is None


NAMES = Names(
    own_names("127.0.0.1", "box"),
    tuple(
        read_site(text)
        for text in ("https://dash.example", "http://old.example:81", "lan.example", "dsh.example:9000")
    ),
)


@pytest.mark.parametrize(
    ("host", "scheme", "schemes"),
    [
        ("localhost:8501", "http", {"http"}),
        ("127.0.0.1:8501", "https", {"https"}),
        ("localhost", "http", set()),
        ("localhost:80", "http", set()),
        ("localhost:8502", "http", set()),
        ("box:8501", "http", set()),
        ("evil.example:8501", "http", set()),
        ("localhost.evil.example:8501", "http", set()),
        ("0.0.0.0:8501", "http", set()),
        # Named with a scheme: that one, whatever a proxy uses on the way, and that port alone.
        ("dash.example", "http", {"https"}),
        ("dash.example:443", "http", {"https"}),
        ("dash.example:8501", "http", set()),
        ("old.example:81", "https", {"http"}),
        ("old.example", "http", set()),
        # Named without: the connection's scheme, at its usual port or the server's own.
        ("lan.example", "http", {"http"}),
        ("lan.example", "https", {"https"}),
        ("lan.example:8501", "http", {"http"}),
        ("lan.example:9000", "http", set()),
        ("dsh.example:9000", "http", {"http"}),
        ("dsh.example:8501", "http", set()),
    ],
)
def test_which_names_are_the_servers(host: str, scheme: str, schemes: set[str]) -> None:
    authority = read_authority(host)
    assert authority is not None
    assert NAMES.schemes_of(authority, scheme, ("127.0.0.1", 8501)) == schemes


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("192.168.1.5:8501", ("192.168.1.5", 8501)),
        ("192.168.1.5", ("192.168.1.5", 80)),
        ("192.168.1.5:8501", ("::ffff:192.168.1.5", 8501)),
        ("[fe80::1]:8501", ("fe80::1%eth0", 8501)),
    ],
)
def test_the_address_that_a_connection_came_in_at_is_a_name(host: str, server: tuple[str, int]) -> None:
    authority = read_authority(host)
    assert authority is not None
    assert Names().schemes_of(authority, "http", server) == {"http"}
    assert not Names().schemes_of(authority, "http", ("10.0.0.1", server[1]))


def test_a_server_has_its_machines_name_only_where_others_reach_it() -> None:
    loopback = {"localhost", "127.0.0.1", "::1"}
    assert (
        own_names("127.0.0.1", "Box")
        == own_names("localhost", "Box")
        == own_names("[::1]", "box")
        == loopback
    )
    assert own_names("127.0.0.2", "box") == {*loopback, "127.0.0.2"}
    assert own_names(None, "Box") == own_names("", "box") == {*loopback, "box"}
    assert own_names("0.0.0.0", "box") == {*loopback, "0.0.0.0", "box"}
    assert own_names("::", "box") == own_names("[::]", "box") == {*loopback, "::", "box"}
    assert own_names("192.168.1.5", "") == {*loopback, "192.168.1.5"}
    assert own_names("Dash.Example", "box!") == {*loopback, "dash.example"}


@pytest.mark.parametrize(
    "text", ["*", "*.example", "http://", "a/b", "ftp://a", "a:b", "me@a", "a b", "http:a"]
)
def test_what_names_no_site_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="https://dash.example.com or 192.168.1.5:8501"):
        read_site(text)


def test_a_site_may_be_written_as_people_do() -> None:
    assert read_site("HTTPS://Dash.Example.com/") == read_site("https://dash.example.com")
    assert str(read_site("https://dásh.example").at) == "xn--dsh-ela.example"
    assert read_site("[::1]:99").at == read_authority("[::1]:99")


def test_what_is_loopback() -> None:
    assert all(is_loopback(text) for text in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::1%lo"))
    assert not any(
        is_loopback(text) for text in ("192.168.1.5", "", "localhost", "testclient", "::", "0.0.0.0")
    )
