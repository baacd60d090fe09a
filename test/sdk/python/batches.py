"""Runs a batch with OpenAI's SDK and one with Anthropic's, each over both providers, and prints what came back as one JSON line.

usage: batches.py BASE_URL KEY
"""

import json
import sys
import time

import anthropic
import openai

base, key = sys.argv[1:3]
models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
out = {}


def wait(look, over):
    for _ in range(600):
        seen = look()
        if over(seen):
            return seen
        time.sleep(0.1)
    raise SystemExit("the batch is not over: %r" % seen)


def with_openai():
    client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=30)
    lines = "".join(json.dumps({
        "custom_id": "line-%d" % i, "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": models[i % 2], "max_tokens": 9, "messages": [{"role": "user", "content": "%d?" % i}]},
    }) + "\n" for i in range(6))
    file = client.files.create(file=("in.jsonl", lines.encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"job": "nightly"})
    batch = wait(lambda: client.batches.retrieve(batch.id), lambda b: b.status == "completed")
    answers = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
    listed = [b.id for b in client.batches.list(limit=1)]
    files = sorted(f.purpose for f in client.files.list())
    deleted = client.files.delete(file.id).deleted
    out["openai"] = {
        "completed": batch.request_counts.completed, "metadata": batch.metadata, "listed": listed == [batch.id], "files": files, "deleted": deleted,
        "answers": {a["custom_id"]: openai.types.chat.ChatCompletion.model_validate(a["response"]["body"]).choices[0].message.content != "" for a in answers},
    }
    try:
        client.batches.retrieve("batch_none")
    except openai.NotFoundError as e:
        out["openai"]["missing"] = e.code


def with_anthropic():
    client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=30)
    batch = client.messages.batches.create(requests=[{
        "custom_id": "request-%d" % i, "params": {"model": models[i % 2], "max_tokens": 9, "messages": [{"role": "user", "content": "%d?" % i}]},
    } for i in range(4)])
    batch = wait(lambda: client.messages.batches.retrieve(batch.id), lambda b: b.processing_status == "ended")
    out["anthropic"] = {
        "succeeded": batch.request_counts.succeeded,
        "listed": [b.id for b in client.messages.batches.list(limit=1)] == [batch.id],
        "answers": {r.custom_id: r.result.message.content[0].text != "" for r in client.messages.batches.results(batch.id)},
    }


with_openai()
with_anthropic()
print(json.dumps(out))
