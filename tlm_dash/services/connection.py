"""Which endpoint is connected, and whether it works: what the status pill, settings and `check` say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.errors import EndpointUnreachableError, TlmDashError
from tlm_dash.local_endpoint.capacity import SERVED_AT_ONCE
from tlm_dash.local_endpoint.model_source import BUNDLED_MODEL
from tlm_dash.local_endpoint.process import LocalEndpoint
from tlm_dash.models import EndpointHealth, EndpointState
from tlm_dash.settings import Settings, shown_url

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "gpt-4.1-mini"
"""The wire API's documented default: offered where an endpoint lists no models and no setting names any."""

CHECK_EVERY_S = 15.0
CHECK_SOON_S = 1.0
"""How often the endpoint is asked while it works, and while it does not (yet)."""

HEALTH_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Connection:
    """The TLM endpoint at this moment, in words. `models` are the names to offer.

    `endpoint_state` says why it is not ready; an embedded endpoint that is not up is "unreachable".
    """

    state: Literal["ready", "starting", "unreachable"]
    sentence: str
    hint: str
    base_url: str | None
    is_embedded: bool
    models: tuple[str, ...] = ()
    provider: EndpointHealth | None = None
    endpoint_state: EndpointState = "unreachable"

    @property
    def provider_models(self) -> tuple[str, ...]:
        """Give the other provider's models, as far as it lists them."""
        return self.provider.models if self.provider is not None else ()

    @property
    def default_scorer(self) -> str:
        """Give the scorer that is used where nobody picks one."""
        if DEFAULT_MODEL in self.models or not self.models:
            return DEFAULT_MODEL
        return self.models[0]


class ConnectionMonitor:
    """Asks the endpoint how it is, over and over, on the engine's loop."""

    def __init__(self, settings: Settings, engine: Engine, local: LocalEndpoint | None) -> None:
        self._settings = settings
        self._engine = engine
        self._local = local
        self._look = asyncio.Event()
        sentence = "The embedded endpoint is starting." if local else "Looking for the endpoint."
        base_url = shown_url(settings.base_url) if settings.base_url else None
        models = self._models_before_known()
        self.current = Connection(
            "starting", sentence, "", base_url, local is not None, models, endpoint_state="starting"
        )

    def _models_before_known(self) -> tuple[str, ...]:
        """Name what can be asked for before the endpoint has listed its models, or where it lists none."""
        return self._settings.models or ((DEFAULT_MODEL,) if self._local is None else (BUNDLED_MODEL,))

    @property
    def is_embedded(self) -> bool:
        """Tell whether the endpoint is the embedded one."""
        return self._local is not None

    def look_again(self) -> None:
        """Have the endpoint asked now instead of at the next turn. To be called on the engine's loop."""
        self._look.set()

    def address(self) -> EndpointAddress:
        """Give the TLM endpoint's address. Raises EndpointUnreachableError while there is none."""
        if self._local is None:
            assert self._settings.base_url is not None
            return endpoint_address(self._settings, self._settings.base_url)
        base_url = self._local.status().base_url
        if base_url is None:
            raise EndpointUnreachableError(
                f"The embedded endpoint is not up. {self._local.status().detail}",
                hint="Wait for it, or name another endpoint in BASE_URL.",
            )
        return EndpointAddress(base_url, ".", (), self._settings.timeout_s, serves_at_once=SERVED_AT_ONCE)

    def provider_address(self) -> EndpointAddress | None:
        """Give the address of the other provider that answers, where one is set."""
        settings = self._settings
        if settings.provider_base_url is None:
            return None
        key = settings.provider_api_key or "."
        return EndpointAddress(settings.provider_base_url, key, (), settings.timeout_s, speaks_tlm=False)

    async def watch(self) -> None:
        """Keep `current` true for as long as the task lives."""
        pause_s = CHECK_SOON_S
        while True:
            await self.check_now()
            # An endpoint that refuses us is not asked ever so often: a gateway might lock the account.
            pause_s = CHECK_SOON_S if self.current.state == "starting" else min(2 * pause_s, CHECK_EVERY_S)
            self._look.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), pause_s)

    async def check_now(self) -> Connection:
        """Ask the endpoint and make what it says the current state. To be run on the engine's loop."""
        self.current = await self.check()
        return self.current

    async def check(self) -> Connection:
        """Ask the endpoint now; what is wrong is said, never raised. To be run on the engine's loop."""
        try:
            return await self._check()
        except TlmDashError as error:
            return self._unreachable(error.message, error.hint)
        except Exception:
            logger.exception("Asking the endpoint failed")
            return self._unreachable("The endpoint could not be asked.", "The log has details.")

    def _unreachable(self, message: str, hint: str) -> Connection:
        base_url = shown_url(self._settings.base_url) if self._settings.base_url else None
        models = self._models_before_known()
        return Connection("unreachable", message, hint, base_url, self._local is not None, models)

    async def _check(self) -> Connection:
        if self._local is not None:
            status = self._local.status()
            if status.state != "ready":
                state: Literal["starting", "unreachable"] = (
                    "unreachable" if status.state in ("failed", "stopped") else "starting"
                )
                hint = "" if state == "starting" else "Restart tlm_dash, or set BASE_URL to another endpoint."
                models = self._models_before_known()
                # What does not run has no address any more.
                base_url = status.base_url if state == "starting" else None
                return Connection(state, status.detail, hint, base_url, True, models, endpoint_state=state)
        address = self.address()
        health, provider = await asyncio.gather(self._health(address), self._provider_health())
        return Connection(
            "ready" if health.reachable else "unreachable",
            health.detail,
            health.hint,
            shown_url(address.base_url),
            self._local is not None,
            self._settings.models or health.models or self._models_before_known(),
            provider,
            health.state,
        )

    async def _health(self, address: EndpointAddress) -> EndpointHealth:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                return await self._engine.client(address).health()
        except TimeoutError:
            return EndpointHealth(
                "unreachable",
                f"The endpoint did not answer within {HEALTH_TIMEOUT_S:.0f} seconds.",
                hint="It may be overloaded. Running prompts may still work, slowly.",
            )

    async def _provider_health(self) -> EndpointHealth | None:
        address = self.provider_address()
        if address is None:
            return None
        try:
            return await self._health(address)
        except TlmDashError as error:
            return EndpointHealth("unreachable", error.message, error.hint)

    async def wait_until_ready(self, tell: Callable[[str], None]) -> None:
        """Wait for the embedded endpoint to be up; any other endpoint is simply tried."""
        if self._local is None:
            return
        while True:
            status = self._local.status()
            if status.state == "ready":
                return
            if status.state in ("failed", "stopped"):
                raise EndpointUnreachableError(
                    f"The embedded endpoint is not running. {status.detail}",
                    hint="Restart tlm_dash, or name another endpoint in BASE_URL.",
                )
            tell(status.detail)
            await asyncio.sleep(0.25)


def endpoint_address(settings: Settings, base_url: str) -> EndpointAddress:
    """Build the address of a TLM endpoint that the settings name."""
    return EndpointAddress(base_url, settings.api_key, tuple(settings.headers.items()), settings.timeout_s)
