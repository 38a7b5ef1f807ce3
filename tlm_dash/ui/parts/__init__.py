"""The parts that pages are put together from; each can be used alone."""
