"""Sending requests: one background loop, the ledger of attempts, answering and scoring. May import endpoint
and store. Tested against a real HTTP server with scripted misbehaviour and real DuckDB files."""
