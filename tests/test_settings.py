"""Settings: where each came from, what is refused, and that no secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tlm_dash.errors import SettingsError
from tlm_dash.settings import SETTINGS, Settings, load_settings

SECRET = "sk-very-secret"


def load(tmp_path: Path, env_file: str = "", **environ: str) -> Settings:
    path = tmp_path / ".env"
    path.write_text(env_file, encoding="utf-8")
    return load_settings(environ, path)


def source(settings: Settings, name: str) -> tuple[str, str]:
    found = next(s for s in settings.sources if s.name == name)
    return found.shown, found.source


def test_without_settings_the_embedded_endpoint_and_the_data_folder_are_used(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.base_url is None
    assert settings.data_dir == ROOT / "data"
    assert settings.database_url == f"duckdb:///{ROOT / 'data' / 'tlm_dash.duckdb'}"
    assert (settings.api_key, settings.timeout_s) == (".", 120.0)
    assert source(settings, "BASE_URL") == ("the embedded endpoint", "default")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = "BASE_URL=http://from-file/api\nTLM_DASH_TIMEOUT_S=7"
    settings = load(tmp_path, file, BASE_URL="http://from-env/api/")
    assert settings.base_url == "http://from-env/api"
    assert settings.timeout_s == 7
    assert source(settings, "BASE_URL")[1] == "environment"
    assert source(settings, "TLM_DASH_TIMEOUT_S") == ("7", ".env file")


def test_the_longer_name_works_too_and_blanks_do_not_count(tmp_path: Path) -> None:
    settings = load(tmp_path, BASE_URL="  ", TLM_DASH_BASE_URL="http://x/api")
    assert settings.base_url == "http://x/api"
    assert source(settings, "TLM_DASH_BASE_URL")[1] == "environment"


@pytest.mark.parametrize("headers", [f'{{"X-Key": "{SECRET}"}}', f"X-Key: {SECRET}", f"X-Key:{SECRET};"])
def test_no_secret_is_shown_anywhere(tmp_path: Path, headers: str) -> None:
    settings = load(tmp_path, TLM_DASH_API_KEY=SECRET, OPENAI_API_KEY=SECRET, TLM_DASH_HEADERS=headers)
    assert settings.headers == {"X-Key": SECRET}
    assert settings.api_key == settings.provider_api_key == SECRET
    assert SECRET not in repr(settings) + repr(settings.sources)
    assert source(settings, "TLM_DASH_API_KEY") == ("set", "environment")


def test_a_login_and_a_query_in_a_url_are_hidden(tmp_path: Path) -> None:
    url = f"https://me:{SECRET}@host:8080/api?code={SECRET}"
    settings = load(tmp_path, BASE_URL=url, OPENAI_BASE_URL=url)
    assert settings.base_url == url
    assert source(settings, "BASE_URL")[0] == "https://host:8080/api"
    assert SECRET not in repr(settings) + repr(settings.sources)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "example.com/api"),
        ("BASE_URL", "ftp://example.com"),
        ("BASE_URL", "localhost:8080"),
        ("BASE_URL", "http://host:99999/api"),
        ("BASE_URL", f"http://me:{SECRET}℀@host/api"),
        ("TLM_DASH_API_KEY", f"“{SECRET}”"),
        ("OPENAI_API_KEY", f"{SECRET}\nmore"),
        ("TLM_DASH_ALLOWED_HOSTS", "*"),
        ("TLM_DASH_ALLOWED_HOSTS", "dash.example, http://"),
        ("TLM_DASH_TRUSTED_PROXIES", "proxy.example"),
        ("TLM_DASH_TRUSTED_PROXIES", "10.0.0.0/40"),
        ("TLM_DASH_TIMEOUT_S", "0"),
        ("TLM_DASH_TIMEOUT_S", "soon"),
        ("TLM_DASH_TIMEOUT_S", "nan"),
        ("TLM_DASH_HEADERS", SECRET),
        ("TLM_DASH_HEADERS", "{" + SECRET),
    ],
)
def test_a_value_that_cannot_be_used_is_named_but_never_a_secret(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, **{name: value})
    assert name in refused.value.message and refused.value.hint
    assert SECRET not in str(refused.value)


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for setting in SETTINGS for name in setting.names if f"`{name}`" not in readme]
