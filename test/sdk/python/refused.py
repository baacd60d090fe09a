"""Makes a call that is refused, with the official SDKs for Python at their own settings, and prints what an application sees as one JSON line.

usage: refused.py BASE_URL KEY MODEL
"""

import json
import sys

import anthropic
import openai

base, key, model = sys.argv[1:4]
said = [{"role": "user", "content": "Is this ticket urgent? Answer yes or no."}]
out = {}


def told(error):
    body = error.body.get("error", error.body) if isinstance(error.body, dict) else {}
    return {"class": type(error).__name__, "status": error.status_code, "code": body.get("code"), "type": body.get("type"),
            "message": body.get("message"), "retry": error.response.headers.get("x-should-retry"),
            "call": error.response.headers.get("x-tollgate-call-id")}


try:
    openai.OpenAI(base_url=base + "/v1", api_key=key, timeout=30).chat.completions.create(model=model, messages=said)
except openai.APIStatusError as error:
    out["openai"] = told(error)

try:
    anthropic.Anthropic(base_url=base, api_key=key, timeout=30).messages.create(model=model, max_tokens=4000, messages=said)
except anthropic.APIStatusError as error:
    out["anthropic"] = told(error)

print(json.dumps(out))
