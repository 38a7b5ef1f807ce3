"""The ledger of attempts: each request is written down before it leaves, and its end when it is known.

An attempt without an end, found at the next start, is one whose outcome nobody knows: the process died while
it was under way, and the endpoint may have answered (and billed) it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from tlm_dash.errors import EndpointError, StoreClosedError, StoreError
from tlm_dash.models import canonical_json, new_id, text_hash, utc_now
from tlm_dash.store.database import Store

Call = Literal["generate", "score"]


async def commit(store: Store, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Hand rows to the store's one writer and wait until they are on disk."""
    await asyncio.wrap_future(store.append(tables))


@asynccontextmanager
async def recorded_attempt(
    store: Store, *, run_id: str, item_no: int, attempt_no: int, call: Call, content: object
) -> AsyncIterator[None]:
    """Record an attempt around a request: its row is durable before the request leaves.

    `content` is what is asked, as JSON; only its hash is kept. Whatever ends the block is recorded too. A
    request that was refused outright and repeated in another form (without streaming) is one attempt.
    """
    attempt_id = new_id()
    row = {
        "attempt_id": attempt_id, "run_id": run_id, "item_no": item_no, "attempt_no": attempt_no,
        "call": call, "content_hash": text_hash(call, canonical_json(content)), "sent_at": utc_now(),
    }  # fmt: skip
    started = time.perf_counter()

    def end(outcome: str, error: EndpointError | None = None) -> dict[str, Any]:
        return {
            "attempt_id": attempt_id, "outcome": outcome, "ended_at": utc_now(),
            "latency_ms": (time.perf_counter() - started) * 1000.0,
            "error_kind": error.kind if error else None, "error_message": error.message if error else None,
            "http_status": error.status if error else None, "request_id": error.request_id if error else None,
        }  # fmt: skip

    try:
        await commit(store, {"attempt": [row]})
        started = time.perf_counter()
        yield
    except EndpointError as error:
        _append(store, end("error", error))
        raise
    except asyncio.CancelledError:
        # Queued, not waited for: waiting inside a task that is being cancelled would be cut off too.
        _append(store, end("cancelled"))
        raise
    except StoreError:
        # The attempt's own row was not written, so nothing left.
        raise
    except BaseException:
        _append(store, end("interrupted"))
        raise
    # Not waited for: the row rides along with the commit of what the request brought.
    _append(store, end("ok"))


def _append(store: Store, row: Mapping[str, Any]) -> None:
    """Queue an attempt's end. A store that is closed already finds the open attempt at its next start."""
    with suppress(StoreClosedError):
        store.append({"attempt_end": [row]})
