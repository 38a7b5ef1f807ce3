"""The local model's server: llama.cpp inside this process, on a loopback port with a key of our own."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from tlm_dash.errors import LocalEndpointError
from tlm_dash.local_endpoint.capacity import SERVED_AT_ONCE
from tlm_dash.local_endpoint.model_source import ModelSource

try:
    import xllamacpp
except ImportError as error:
    # Its package brings everything but OpenMP's library, which a small Linux lacks.
    raise LocalEndpointError(
        f"llama.cpp cannot be loaded ({error}).",
        hint="Install the library that it names (sudo apt install libgomp1, for one), then start again.",
    ) from error

CORES = os.cpu_count() or 1

# llama.cpp's threads wait for each other by spinning. Where another program keeps one of two cores busy, two
# threads were 10 to 20 times slower than one (60 tokens: 16 to 19 s against 1 to 2 s), and on idle cores not
# twice as fast. Two servers of one thread each wait for nobody: on two cores they do 1.6 times the work of
# one, for 125 MB more. So two servers, and a quarter of the cores as threads for each. There are two on one
# core as well: what is held to a grammar has one of them, so that it can stop no other request.
SERVERS = 2
THREADS = max(1, min(4, CORES // 4))

# The longest request, prompt and answer together, in tokens. llama.cpp divides one context evenly among the
# slots. The model could read 8192, but a prompt that long takes a laptop most of a minute, and each
# 4096 tokens of context cost 94 MB.
TOKENS_PER_REQUEST = 4096

# llama.cpp's cache of earlier prompts grows to gigabytes within minutes; prefixes are reused without it.
PROMPT_CACHE_MIB = 0

# Tokens of a prompt that are read in one turn of the loop. Between turns it sees to other requests; a turn of
# llama.cpp's own 2,048 takes a slow or busy machine most of a minute.
TOKENS_PER_TURN = 512

ERRORS_ONLY = 1

_kept: list[LlamaServer] = []


class LlamaServer:
    """Running llama.cpp servers over one model file, which they share.

    They have no way to stop that returns while they work on a request, so the process that holds them leaves
    by os._exit.
    """

    def __init__(self, model_file: Path, name: str) -> None:
        """Load the model, which takes about a second during which no other Python code runs."""
        key = secrets.token_urlsafe(24)
        try:
            self._servers = [xllamacpp.Server(_parameters(model_file, key)) for _ in range(SERVERS)]
        except Exception as error:
            raise LocalEndpointError(
                f"The model {model_file} could not be loaded: {error}.",
                hint="The file may be damaged, need more memory than is free, or need a newer xllamacpp.",
            ) from error
        roots = [server.listening_address.rstrip("/") for server in self._servers]
        first, *others = (
            ModelSource(name=name, base_url=f"{root}/v1", api_key=key, bundled=True, native_url=root)
            for root in roots
        )
        self.source = replace(first, twins=tuple(others))

    def keep(self) -> LlamaServer:
        """Keep the server until the process ends, and return it."""
        _kept.append(self)
        return self


def _parameters(model_file: Path, key: str) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file)
    parameters.n_parallel = SERVED_AT_ONCE // SERVERS
    parameters.n_ctx = TOKENS_PER_REQUEST * parameters.n_parallel
    parameters.n_batch = TOKENS_PER_TURN
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    # No other program on this machine, and no page in its browser, may use the model behind our back.
    parameters.api_keys = [key]
    parameters.cors_origins = ""
    parameters.ui = False
    # Its answer comes from the loop that makes the tokens, past the queue: it tells whether that still turns.
    parameters.endpoint_slots = True
    parameters.verbosity = ERRORS_ONLY
    return parameters
