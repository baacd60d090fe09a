"""Official SDKs for Python name prompts that live in the gateway. Arguments: base URL, key, model. Prints what they saw, by step."""

import json
import sys

import anthropic
import openai

base, key, model = sys.argv[1:]
client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=30)
claude = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=30)
said = [{"role": "user", "content": "Is it late?"}]
header = {"x-tollgate-prompt": "support/answer:staging", "x-tollgate-prompt-variables": json.dumps({"name": "Ada"})}
body = {"tollgate": {"prompt": {"name": "support/answer", "version": 1}, "variables": {"name": "Ada"}}}
saw = {}


def step(name, call):
    try:
        raw = call()
        raw.parse()
        saw[name] = {"status": 200, "prompt": raw.headers.get("x-tollgate-prompt"), "label": raw.headers.get("x-tollgate-prompt-label", "")}
    except (openai.APIStatusError, anthropic.APIStatusError) as e:
        saw[name] = {"status": e.status_code, "message": str(e)}


responses, chat, messages = client.responses.with_raw_response, client.chat.completions.with_raw_response, claude.messages.with_raw_response
step("responses, version", lambda: responses.create(model=model, input="Is it late?", prompt={"id": "support/answer", "version": "1", "variables": {"name": "Ada"}}))
step("responses, label", lambda: responses.create(model=model, input="Is it late?", prompt={"id": "support/answer", "variables": {"name": "Ada"}}))
step("responses, no variable", lambda: responses.create(model=model, input="Is it late?", prompt={"id": "support/answer", "variables": {}}))
step("responses, no prompt", lambda: responses.create(model=model, input="Is it late?", prompt={"id": "support/none"}))
step("chat, header", lambda: chat.create(model=model, messages=said, extra_headers=header))
step("chat, body", lambda: chat.create(model=model, messages=said, extra_body=body))
step("messages, header", lambda: messages.create(model=model, max_tokens=50, messages=said, extra_headers=header))
step("messages, body", lambda: messages.create(model=model, max_tokens=50, messages=said, extra_body=body))
print(json.dumps(saw))
