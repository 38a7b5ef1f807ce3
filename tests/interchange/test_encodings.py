"""Text in every common encoding is recognised, and reads the same once it is UTF-8."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.encodings import as_utf8, checked_encoding, detect_encoding

GERMAN = "Frage;Antwort\nWie groß ist die Erde für Fußgänger?;Größer als ein Käse\nÜber was?;Öl\n" * 5
FRENCH = "question,réponse\nOù est l’été ?,Là-bas – c’était « déjà » passé\n" * 5
CHINESE = "问题,回答\n中国的首都是哪里？,北京是中国的首都。\n长城有多长？,大约两万公里。\n" * 5
JAPANESE = "質問,答え\n日本の首都はどこですか。,東京です。\nりんごは何色ですか。,あかいです。\n" * 10
RUSSIAN = "вопрос,ответ\nКакой город столица России?,Москва является столицей\n" * 10


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-8"),
        (JAPANESE, "shift_jis"),
        (RUSSIAN, "cp1251"),
    ],
)
def test_text_reads_the_same(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    readable, replaced = as_utf8(path, detect_encoding(path), tmp_path)
    assert readable.read_text(encoding="utf-8-sig") == text
    assert replaced == 0


def test_plain_ascii_is_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    assert detect_encoding(path).name == "utf-8"


def test_late_letters_count_too(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_bytes(b"prompt\n" + b"plain text\n" * 200_000 + "Größe für später\n".encode("cp1252") * 3)
    assert detect_encoding(path).name == "cp1252"


def test_one_broken_character_does_not_change_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes("größer, schöner, länger\n".encode() * 50 + b"caf\xe9\n")
    assert detect_encoding(path).name == "utf-8"


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"prompt\nsay \x81 now\n")
    readable, replaced = as_utf8(path, checked_encoding("cp1252"), tmp_path)
    assert replaced == 1
    assert readable.read_text(encoding="utf-8") == "prompt\nsay \ufffd now\n"


def test_binary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InvalidInputError, match="binary") as caught:
        detect_encoding(path)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["klingon", "", "base64"])
def test_unknown_encodings_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no text encoding"):
        checked_encoding(name)
