"""Talk to TLM endpoints and other OpenAI-compatible providers.

May import: openai, httpx2 (the HTTP library under openai), aiohttp; of ours only the base modules.
Their exceptions end here: everything that leaves this package is an `EndpointError` of `tlm_dash.errors`.
Tested over real sockets against `tests/fake_endpoint.py`.

client        EndpointClient, the one public class
health        is it reachable, and if not why
address       base URL, login, headers                     transport   the connection pool (openai's client)
bodies        our requests → JSON                          wire        JSON → our types
answers       a good status → JSON, errors in disguise     refusals    an error answer → our error
error_bodies  what an error body says                      failures    others' exceptions → our errors
streaming     a streamed answer, piece by piece            streamed    chunks → one answer
sse           bytes → server-sent events                   pacing      how long to wait before the next try
redaction     no secret and no odd character in a message
"""
