"""Calls a model with the official SDKs for Python, streamed and not, and prints what an application sees as one JSON line.

usage: calls.py BASE_URL KEY MODEL
"""

import json
import sys

import anthropic
import openai

base, key, model = sys.argv[1:4]
said = [{"role": "user", "content": "Is this ticket urgent? Answer yes or no."}]
out = {}


def with_openai():
    client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=30)
    whole = client.chat.completions.create(model=model, messages=said)
    out["openai"] = {"text": whole.choices[0].message.content, "finish": whole.choices[0].finish_reason,
                     "input": whole.usage.prompt_tokens, "output": whole.usage.completion_tokens}
    text, finish, usage = "", None, None
    for chunk in client.chat.completions.create(model=model, messages=said, stream=True, stream_options={"include_usage": True}):
        if chunk.usage:
            usage = chunk.usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    out["openai-stream"] = {"text": text, "finish": finish, "input": usage.prompt_tokens, "output": usage.completion_tokens}
    raw = client.chat.completions.with_raw_response.create(model=model, messages=said)
    out["headers"] = {k: v for k, v in raw.headers.items() if k.startswith("x-tollgate-")}
    out["models"] = [m.id for m in client.models.list()]


def with_anthropic():
    client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=30)
    whole = client.messages.create(model=model, max_tokens=100, messages=said)
    out["anthropic"] = {"text": "".join(b.text for b in whole.content), "finish": whole.stop_reason,
                        "input": whole.usage.input_tokens + (whole.usage.cache_read_input_tokens or 0), "output": whole.usage.output_tokens}
    with client.messages.stream(model=model, max_tokens=100, messages=said) as stream:
        text = "".join(stream.text_stream)
        last = stream.get_final_message()
    out["anthropic-stream"] = {"text": text, "finish": last.stop_reason,
                               "input": last.usage.input_tokens + (last.usage.cache_read_input_tokens or 0), "output": last.usage.output_tokens}


def with_a_bad_key():
    try:
        openai.OpenAI(base_url=base + "/v1", api_key="sk-nothing", max_retries=0).chat.completions.create(model=model, messages=said)
    except openai.AuthenticationError as e:
        out["bad key"] = {"status": e.status_code, "code": e.code, "request": bool(e.response.headers.get("x-tollgate-call-id"))}
    try:
        anthropic.Anthropic(base_url=base, api_key=key, max_retries=0).messages.create(model="no-such-model", max_tokens=5, messages=said)
    except anthropic.NotFoundError as e:
        out["bad model"] = {"status": e.status_code, "type": e.body["error"]["type"]}


with_openai()
with_anthropic()
with_a_bad_key()
print(json.dumps(out))
