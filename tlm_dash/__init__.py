"""tlm_dash: decide which LLM responses can be trusted, with evidence."""

__version__ = "0.1.0"
