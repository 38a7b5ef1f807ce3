"""Figures: one module per kind of chart, each function with a text that says the same without a picture.

Plotly is imported inside the functions, so that a page without a chart does not pay for it.
"""
