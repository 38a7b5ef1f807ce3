"""Which environment variables each process gets: the serving one none that could lead a call elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

# The key of a model server that a user names; never on a command line, where other users could read it.
MODEL_SERVER_KEY = "TLM_DASH_MODEL_SERVER_KEY"

# What a Python process needs to run and to find its files.
NEEDED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "OMP_NUM_THREADS",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
    "PROGRAMDATA", "NUMBER_OF_PROCESSORS",
})  # fmt: skip
NEEDED_PREFIXES = ("LC_",)

# What pip needs on top to reach its package index; may hold passwords.
FOR_PIP = frozenset({
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NETRC",
})  # fmt: skip
FOR_PIP_PREFIXES = ("PIP_",)

# What could lead the libraries to another server or hand them somebody's key.
LEADING_AWAY = ("OPENAI_", "LITELLM_", "AWS_", "AZURE_", "GEMINI_", "GOOGLE_", "ANTHROPIC_", "DEEPSEEK_")
LEADING_AWAY_ENDS = ("_API_KEY", "_PROXY", "_API_BASE", "_BASE_URL")

# The scoring library and LiteLLM also read a `.env` file from any folder above their own, and so from the
# project's when the virtual environment is inside it. LiteLLM can be told not to; the library lets the
# environment win, so it gets every one of its settings here, at its own default.
LIBRARY_SETTINGS: Mapping[str, str] = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "OPENAI_API_KEY": "",
    "GEMINI_API_KEY": "",
    "DEEPSEEK_API_KEY": "",
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "DEFAULT_API_KEY": ".",
    "DEFAULT_PROVIDER": "openai",
    "TOP_LOGPROBS": "5",
    "MAX_TOKENS": "512",
    "EXPLANATION_LENGTH_UNDERESTIMATE_FACTOR": "0.8",
    "AVG_WORDS_PER_TOKEN": "0.75",
    "SELF_REFLECTION_PARSE_FAILURE_SCORE": "0.5",
    "EXPLAINABILITY_THRESHOLD": "0.8",
    "SELF_REFLECTION_EXPLAINABILITY_THRESHOLD": "0.85",
    "CONSISTENCY_EXPLAINABILITY_THRESHOLD": "0.85",
}


def for_serving(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the serving process, out of the dashboard's own."""
    return {name: value for name, value in environment.items() if _needed(name)}


def for_fetching(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip: as for serving, with its index, certificate and proxy settings."""
    return {name: value for name, value in environment.items() if _needed(name) or _for_pip(name)}


def clean_this_process(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove what could lead calls elsewhere and pin the libraries' settings; call before importing them."""
    for name in list(environment):
        upper = name.upper()
        if upper.startswith(LEADING_AWAY) or upper.endswith(LEADING_AWAY_ENDS) or upper in FOR_PIP:
            del environment[name]
    environment.update(LIBRARY_SETTINGS)


def _needed(name: str) -> bool:
    return name.upper() in NEEDED or name.upper().startswith(NEEDED_PREFIXES)


def _for_pip(name: str) -> bool:
    return name.upper() in FOR_PIP or name.upper().startswith(FOR_PIP_PREFIXES)
