"""A prompt that is all of its conversation is kept once, whoever writes it; any other one in whole."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import FakeEndpoint
from tests.services.running import MODEL, wait_for
from tlm_dash.models import canonical_json, messages_identity, text_hash
from tlm_dash.services import dataset_inspection, dataset_upload, playground, runs
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import view
from tlm_dash.services.run_request import RunRequest

OTHERS = [
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
    [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
    [{"role": "user", "content": "Why?", "name": "Ann"}],
    [{"role": role, "content": "Why?"} for role in ("user", "assistant", "user")],
]  # fmt: skip


def test_the_playground(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    for system_prompt in ("", "Be brief."):
        asked = PlaygroundRequest("Why?\n", (MODEL,), ("low",), system_prompt=system_prompt)
        entry_id = playground.submit(dashboard, asked)
        wait_until(lambda entry_id=entry_id: not view(dashboard, entry_id).is_live, what="the answer")
        assert view(dashboard, entry_id).request == asked
    plain, whole = dashboard.store.read("SELECT messages, prompt, prompt_hash FROM item ORDER BY item_no")
    user = {"role": "user", "content": plain[1]}
    assert plain == (None, "Why?\n", text_hash(messages_identity([user])))
    assert json.loads(whole[0]) == [{"role": "system", "content": "Be brief."}, user]
    sent = [request.body["messages"] for request in fake_endpoint.requests_to("chat/completions")]
    assert sent == [[user], json.loads(whole[0])]


def test_a_file_of_conversations_and_a_run_over_it(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    path = tmp_path / "chats.jsonl"
    conversations = [[{"role": "user", "content": "Why,\r\nso?"}], *OTHERS]
    path.write_text("".join(json.dumps({"messages": said}) + "\n" for said in conversations))
    saved = dataset_upload.save(dashboard, dataset_inspection.inspect(dashboard, [path]))
    kept = [row[0] for row in dashboard.store.read("SELECT messages FROM item ORDER BY item_no")]
    assert kept == [None, *map(canonical_json, OTHERS)]
    wait_for(dashboard, runs.start(dashboard, RunRequest(saved.dataset_id, (MODEL,), ("low",))))
    sent = [request.body["messages"] for request in fake_endpoint.requests_to("chat/completions")]
    assert sorted(map(canonical_json, sent)) == sorted(map(canonical_json, conversations))
