"""How much the embedded endpoint takes on at once: known to the process that serves and to the one that asks.

Light on purpose: nothing that serves or scores is imported here.
"""

from __future__ import annotations

SERVED_AT_ONCE = 4
"""Requests that the local model works on at once, over all its servers; llama.cpp queues the others."""
