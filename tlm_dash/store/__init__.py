"""The store: everything that is kept, in one DuckDB file owned by one process.

May import duckdb, pyarrow, errors and models; nothing else of tlm_dash. Only this package knows
SQL: the layers above get frozen dataclasses, and DuckDB's exceptions become those of errors.py here.
Tested on real database files (tests/store), a killed writer, a full disk and damaged files included.
"""

from tlm_dash.store.database import Store

__all__ = ["Store"]
