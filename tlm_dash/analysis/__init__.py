"""Statistics of scores and labels: data in, frozen results out; no I/O, seeds given by the caller."""
