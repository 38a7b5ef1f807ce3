"""The embedded TLM endpoint: answers and scores over a small local model or any OpenAI-compatible server."""
