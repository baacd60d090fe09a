"""LiteLLM's Python client, with the prefixes that choose the surface."""

import json

import litellm
from sights import TOOL, Ticket, base, key, plan, refused, steps, stock, system

litellm.suppress_debug_info = True
FUNCTION = {"type": "function", "function": {"name": TOOL["name"], "description": TOOL["description"], "parameters": TOOL["schema"]}}


def said(text):
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def sight(answer):
    choice = answer.choices[0]
    return {"text": choice.message.content, "finish": choice.finish_reason,
            "input": answer.usage.prompt_tokens, "output": answer.usage.completion_tokens}


def on(prefix, url):
    """The steps by one prefix."""
    def ask(model, messages, **more):
        return litellm.completion(model=prefix + model, api_base=url, api_key=key, messages=messages, num_retries=0, timeout=30, max_tokens=1000, **more)

    def streamed(model, messages, **more):
        chunks = list(ask(model, messages, stream=True, stream_options={"include_usage": True}, **more))
        pieces = sum(bool(c.choices and (c.choices[0].delta.content or c.choices[0].delta.tool_calls)) for c in chunks)
        return litellm.stream_chunk_builder(chunks, messages=messages), pieces

    def whole(model, text):
        return sight(ask(model, said(text)))

    def stream(model, text):
        answer, pieces = streamed(model, said(text))
        return {**sight(answer), "pieces": pieces}

    def loop(model, text, send):
        messages = said(text)
        first, pieces = send(model, messages, tools=[FUNCTION])
        message = first.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        calls = []
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            calls.append({"name": call.function.name, "args": arguments})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": stock(**arguments)})
        last, _ = send(model, messages, tools=[FUNCTION])
        return {**sight(last), "calls": calls, "first": first.choices[0].finish_reason, "pieces": pieces}

    def image(model, text):
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + plan["image"]}}
        return sight(ask(model, [{"role": "user", "content": [{"type": "text", "text": text}, picture]}]))

    def structured(model, text):
        answer = ask(model, said(text), response_format=Ticket)
        return {"parsed": json.loads(answer.choices[0].message.content)}

    return {
        "whole": whole, "stream": stream, "image": image, "structured": structured,
        "tools": lambda model, text: loop(model, text, lambda *a, **k: (ask(*a, **k), None)),
        "tools_stream": lambda model, text: loop(model, text, streamed),
        "limited": lambda model, text: refused(litellm.exceptions.RateLimitError, lambda: whole(model, text)),
        "limited_stream": lambda model, text: refused(litellm.exceptions.RateLimitError, lambda: stream(model, text)),
    }


def embed(model, _):
    got = litellm.embedding(model="openai/" + model, api_base=base + "/v1", api_key=key, input=plan["texts"][:2], num_retries=0, encoding_format="float")
    return {"vectors": [d["embedding"] for d in got.data], "input": got.usage.prompt_tokens}


def responses(model, text):
    got = litellm.responses(model="openai/" + model, api_base=base + "/v1", api_key=key, input=text, instructions=system, num_retries=0, timeout=30)
    return {"text": got.output_text, "finish": got.status, "input": got.usage.input_tokens, "output": got.usage.output_tokens}


steps("chat", **on("openai/", base + "/v1"))
steps("messages", **on("anthropic/", base))
steps("responses", whole=responses)
steps("embeddings", embed=embed)
