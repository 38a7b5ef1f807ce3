"""What stands between an error and a person: a sentence and a next step, never a traceback.

Fragments run on their own later, outside the guard around the page, so each is guarded again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import streamlit as st

from tlm_dash.errors import StoreError, TlmDashError
from tlm_dash.ui.parts.notice import failure, waiting
from tlm_dash.ui.resources import dashboard

logger = logging.getLogger(__name__)


def guarded(draw: Callable[[], None]) -> None:
    """Draw something; an expected error becomes a notice, a bug a log entry and a plain sentence."""
    try:
        draw()
    except StoreError as error:
        _wait_for_store(error)
    except TlmDashError as error:
        failure(error.message, error.hint)
    except Exception:
        logger.exception("A page failed")
        failure(
            "Something went wrong inside tlm_dash.",
            "Reload the page. If it stays, report it with the last lines of the server's log.",
        )


def _wait_for_store(error: StoreError) -> None:
    """Say why the database is not open, and go on by itself as soon as it is."""
    if dashboard().store_problem is None:
        # The store is open: this one operation failed.
        failure(error.message, error.hint)
        return

    st.fragment(run_every=1)(lambda: guarded(_watch_store))()


def _watch_store() -> None:
    problem = dashboard().store_problem
    if problem is None:
        st.rerun()
    waiting(problem.message, problem.hint)
