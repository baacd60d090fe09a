"""The official Anthropic SDK for Python."""

import anthropic
from sights import TOOL, Ticket, base, key, plan, refused, steps, stock, system

client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=30)
bearer = anthropic.Anthropic(base_url=base, auth_token=key, max_retries=0, timeout=30)
FUNCTION = {"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["schema"]}


def sight(m):
    return {"text": "".join(b.text for b in m.content if b.type == "text"), "finish": m.stop_reason,
            "input": m.usage.input_tokens + (m.usage.cache_read_input_tokens or 0) + (m.usage.cache_creation_input_tokens or 0),
            "output": m.usage.output_tokens}


def ask(model, messages, **more):
    return {"model": model, "max_tokens": 1000, "messages": messages, **more}


def user(text):
    return [{"role": "user", "content": text}]


def streamed(**request):
    pieces = 0
    with client.messages.stream(**request) as events:
        for event in events:
            pieces += event.type == "content_block_delta"
        return events.get_final_message(), pieces


def whole(model, text):
    return sight(client.messages.create(**ask(model, user(text), system=system)))


def stream(model, text):
    message, pieces = streamed(**ask(model, user(text), system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]))
    return {**sight(message), "pieces": pieces}


def loop(model, text, send):
    messages = user(text)
    first, pieces = send(**ask(model, messages, tools=[FUNCTION], system=system))
    made = [b for b in first.content if b.type == "tool_use"]
    messages.append({"role": "assistant", "content": [b.model_dump(exclude_none=True, exclude={"parsed_output"}) for b in first.content]})
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": b.id, "content": stock(**b.input)} for b in made]})
    last, _ = send(**ask(model, messages, tools=[FUNCTION], system=system))
    return {**sight(last), "calls": [{"name": b.name, "args": b.input} for b in made], "first": first.stop_reason, "pieces": pieces}


def tools(model, text):
    return loop(model, text, lambda **request: (client.messages.create(**request), None))


def tools_stream(model, text):
    return loop(model, text, streamed)


def structured(model, text):
    return {"parsed": client.messages.parse(**ask(model, user(text)), output_format=Ticket).parsed_output.model_dump()}


def structured_stream(model, text):
    message, _ = streamed(**ask(model, user(text)), output_format=Ticket)
    return {"parsed": message.parsed_output.model_dump()}


def image(model, text):
    source = {"type": "base64", "media_type": "image/png", "data": plan["image"]}
    return sight(client.messages.create(**ask(model, user([{"type": "image", "source": source}, {"type": "text", "text": text}]))))


def by_bearer(model, text):
    return sight(bearer.messages.create(**ask(model, user(text), system=system)))


def beta(model, text):
    return sight(client.beta.messages.create(**ask(model, user(text), system=system), betas=["context-management-2025-06-27"]))


def limited(model, text):
    return refused(anthropic.APIError, lambda: whole(model, text))


def limited_stream(model, text):
    return refused(anthropic.APIError, lambda: stream(model, text))


def overloaded(model, text):
    return refused(anthropic.APIError, lambda: whole(model, text))


def broken_stream(model, text):
    return refused(anthropic.APIError, lambda: stream(model, text))


def bad_key(model, text):
    other = anthropic.Anthropic(base_url=base, api_key="sk-ant-nothing", max_retries=0, timeout=30)
    return refused(anthropic.APIError, lambda: other.messages.create(**ask(model, user(text))))


def bad_model(_, text):
    return refused(anthropic.APIError, lambda: whole("no-such-model", text))


def count(model, text):
    return {"input": client.messages.count_tokens(model=model, messages=user(text), system=system).input_tokens}


def models(model, _):
    return {"names": [m.id for m in client.models.list()] if model == "*" else [client.models.retrieve(model).id]}


steps("messages", whole=whole, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured, structured_stream=structured_stream,
      image=image, by_bearer=by_bearer, beta=beta, limited=limited, limited_stream=limited_stream, overloaded=overloaded,
      broken_stream=broken_stream, bad_key=bad_key, bad_model=bad_model)
steps("tokens", count=count)
steps("models", models=models)

# Recorded answers.

steps("messages-recorded", whole=whole)
steps("messages-stream-recorded", stream=stream)
