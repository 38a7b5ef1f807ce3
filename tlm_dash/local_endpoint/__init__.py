"""The embedded TLM endpoint: answers and scores over a small local model, or over any OpenAI-compatible server."""
