"""Measurements of what the product promises, run by hand; their tables go into the README."""
