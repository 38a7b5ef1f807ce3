"""What the endpoint is doing before it can answer: read by requests, written by the start-up threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.progress import progress_sentence
from tlm_dash.terminal.printer import tell

# The model is usually there within a few seconds.
RETRY_AFTER_S = "2"


@dataclass
class Readiness:
    """Ready or not, and a sentence about it. Each field is replaced as a whole, so that threads may write."""

    detail: str = "Starting."
    ready: bool = False
    announce: Callable[[str], None] = field(default=tell)

    def now(self, detail: str) -> None:
        """Say what is being done; a new sentence is also announced."""
        if detail != self.detail:
            self.detail = detail
            self.announce(detail)

    def progress(self, done_bytes: int, total_bytes: int | None, text: str) -> None:
        """Say how far a download is; the callback that fetching the model wants."""
        self.now(progress_sentence(done_bytes, total_bytes, text))

    def require(self) -> None:
        """Raise the 503 that asks to come back later, unless ready."""
        if not self.ready:
            raise ApiError(
                503,
                f"The endpoint is still starting. {self.detail}",
                code="starting",
                retry_after=RETRY_AFTER_S,
            )
