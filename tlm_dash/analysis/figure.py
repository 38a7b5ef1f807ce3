"""An estimated figure with its interval, what it stands on, or why it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` lies in [`low`, `high`] with the stated confidence; None where it cannot be computed.

    `n` counts the rows it stands on, `method` names how the interval was made, `reason` says in plain words
    why a value or its interval is missing. `standard_error` is on the scale of the value, None without one.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    confidence: float = 0.95
    method: str = ""
    reason: str | None = None
    standard_error: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Give both ends, None where there is no interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)
