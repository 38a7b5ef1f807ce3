"""The benchmark of laws of pace runs in its short form, and tells laws apart."""

from __future__ import annotations

from tests.benchmarks import pace_laws


def test_the_short_form_tells_laws_apart() -> None:
    found = pace_laws.compare(["ours", "aimd"], every=40)
    reached = {law: sum(not one.misses for one in found if one.law == law) for law in ("ours", "aimd")}
    assert reached["ours"] > 2 * reached["aimd"] > 0
    assert {one.family for one in found} >= {"refused at random", "a constant limit", "a limit that changes"}
    lines = pace_laws.table(found).splitlines()
    assert lines[-1].startswith("all") and "used" not in lines[0]
    assert all(str(one) for one in found)
