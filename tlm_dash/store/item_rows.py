"""The rows of an item in a run: which of several counts. A run only adds rows, it changes none."""

from __future__ import annotations

COUNTING_ROW = """QUALIFY row_number() OVER (
        PARTITION BY run_id, item_no
        ORDER BY (status = 'done') DESC, attempt_no DESC, status = 'pending', written_at DESC
    ) = 1"""
"""End of a query over rows of `run_item`: of each item in each run only the row that counts stays.

A failed try to score again takes no score away, and within one try a final row beats a pending one whatever
the clock said."""
