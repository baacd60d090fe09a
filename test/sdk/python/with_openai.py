"""The official OpenAI SDK for Python."""

import base64
import io
import json

import openai
from sights import TOOL, Ticket, base, key, plan, refused, steps, stock, system

client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=30)
FUNCTION = {"type": "function", "function": {"name": TOOL["name"], "description": TOOL["description"], "parameters": TOOL["schema"]}}
FLAT = {"type": "function", "name": TOOL["name"], "description": TOOL["description"], "parameters": TOOL["schema"]}
PICTURE = "data:image/png;base64," + plan["image"]


# Chat completions.

def said(text):
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def sight(answer):
    choice = answer.choices[0]
    return {"text": choice.message.content, "finish": choice.finish_reason,
            "input": answer.usage.prompt_tokens, "output": answer.usage.completion_tokens}


def whole(model, text):
    return sight(client.chat.completions.create(model=model, messages=said(text)))


def stream(model, text):
    out, finish, usage, pieces = "", None, None, 0
    for chunk in client.chat.completions.create(model=model, messages=said(text), stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            out += choice.delta.content or ""
            pieces += bool(choice.delta.content)
            finish = choice.finish_reason or finish
    return {"text": out, "finish": finish, "input": usage.prompt_tokens, "output": usage.completion_tokens, "pieces": pieces}


def loop(model, text, ask):
    messages = said(text)
    answer, pieces = ask(model, messages)
    choice = answer.choices[0]
    messages.append(choice.message.model_dump(exclude_none=True))
    calls = []
    for call in choice.message.tool_calls:
        arguments = json.loads(call.function.arguments)
        calls.append({"name": call.function.name, "args": arguments})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": stock(**arguments)})
    last, _ = ask(model, messages)
    return {**sight(last), "calls": calls, "first": choice.finish_reason, "pieces": pieces}


def tools(model, text):
    return loop(model, text, lambda m, messages: (client.chat.completions.create(model=m, messages=messages, tools=[FUNCTION]), None))


def tools_stream(model, text):
    def ask(m, messages):
        pieces = 0
        with client.chat.completions.stream(model=m, messages=messages, tools=[FUNCTION], stream_options={"include_usage": True}) as events:
            for event in events:
                pieces += event.type == "tool_calls.function.arguments.delta"
            return events.get_final_completion(), pieces
    return loop(model, text, ask)


def structured(model, text):
    answer = client.chat.completions.parse(model=model, messages=said(text), response_format=Ticket)
    return {"parsed": answer.choices[0].message.parsed.model_dump()}


def structured_stream(model, text):
    with client.chat.completions.stream(model=model, messages=said(text), response_format=Ticket) as events:
        return {"parsed": events.get_final_completion().choices[0].message.parsed.model_dump()}


def image(model, text):
    content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    return sight(client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}]))


def limited(model, text):
    return refused(openai.APIError, lambda: whole(model, text))


def limited_stream(model, text):
    return refused(openai.APIError, lambda: stream(model, text))


def broken_stream(model, text):
    return refused(openai.APIError, lambda: stream(model, text))


def bad_key(model, text):
    other = openai.OpenAI(base_url=base + "/v1", api_key="sk-nothing", max_retries=0, timeout=30)
    return refused(openai.APIError, lambda: other.chat.completions.create(model=model, messages=said(text)))


def bad_model(_, text):
    return refused(openai.APIError, lambda: whole("no-such-model", text))


def headers(model, text):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=said(text))
    return {"headers": {k: v for k, v in raw.headers.items() if k.startswith("x-tollgate-")}}


steps("chat", whole=whole, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured, structured_stream=structured_stream,
      image=image, limited=limited, limited_stream=limited_stream, broken_stream=broken_stream, bad_key=bad_key, bad_model=bad_model, headers=headers)


# Responses.

def seen(r):
    return {"text": r.output_text, "finish": r.status, "input": r.usage.input_tokens, "output": r.usage.output_tokens}


def r_whole(model, text):
    return seen(client.responses.create(model=model, instructions=system, input=text))


def r_streamed(**ask):
    pieces = 0
    with client.responses.stream(**ask) as events:
        for event in events:
            pieces += event.type in ("response.output_text.delta", "response.function_call_arguments.delta")
            if event.type == "error":  # the SDK hands it over, to raise is the application's business
                raise openai.APIError(event.message, None, body=event.model_dump())
            if event.type == "response.failed":
                raise openai.APIError(event.response.error.message, None, body=event.response.model_dump())
        return events.get_final_response(), pieces


def r_stream(model, text):
    answer, pieces = r_streamed(model=model, instructions=system, input=text)
    return {**seen(answer), "pieces": pieces}


def r_loop(model, text, ask):
    items = [{"role": "user", "content": text}]
    answer, pieces = ask(model=model, instructions=system, input=items, tools=[FLAT])
    calls = []
    for item in answer.output:
        items.append(item.model_dump(exclude_none=True, exclude={"parsed_arguments"}))
        if item.type == "function_call":
            arguments = json.loads(item.arguments)
            calls.append({"name": item.name, "args": arguments})
    outputs = [c for c in answer.output if c.type == "function_call"]
    for call, made in zip(outputs, calls):
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": stock(**made["args"])})
    last, _ = ask(model=model, instructions=system, input=items, tools=[FLAT])
    return {**seen(last), "calls": calls, "first": answer.status, "pieces": pieces}


def r_tools(model, text):
    return r_loop(model, text, lambda **ask: (client.responses.create(**ask), None))


def r_tools_stream(model, text):
    return r_loop(model, text, r_streamed)


def r_structured(model, text):
    return {"parsed": client.responses.parse(model=model, input=text, text_format=Ticket).output_parsed.model_dump()}


def r_structured_stream(model, text):
    return {"parsed": r_streamed(model=model, input=text, text_format=Ticket)[0].output_parsed.model_dump()}


def r_image(model, text):
    content = [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": PICTURE, "detail": "auto"}]
    return seen(client.responses.create(model=model, input=[{"role": "user", "content": content}]))


def r_limited(model, text):
    return refused(openai.APIError, lambda: r_whole(model, text))


def r_limited_stream(model, text):
    return refused(openai.APIError, lambda: r_stream(model, text))


def r_broken_stream(model, text):
    return refused(openai.APIError, lambda: r_stream(model, text))


steps("responses", whole=r_whole, stream=r_stream, tools=r_tools, tools_stream=r_tools_stream, structured=r_structured,
      structured_stream=r_structured_stream, image=r_image, limited=r_limited, limited_stream=r_limited_stream, broken_stream=r_broken_stream)


# Everything else. The texts are the plan's, so that the test knows what must come of them.

def embed(model, text):
    """The SDK asks for base64 by itself."""
    got = client.embeddings.create(model=model, input=[plan["texts"][0], plan["texts"][1]], user=text)
    return {"vectors": [d.embedding for d in got.data], "input": got.usage.prompt_tokens}


def embed_floats(model, _):
    got = client.embeddings.create(model=model, input=plan["texts"][0], encoding_format="float")
    return {"vectors": [got.data[0].embedding], "input": got.usage.prompt_tokens}


def completion(model, _):
    got = client.completions.create(model=model, prompt=plan["texts"][0])
    return {"text": got.choices[0].text, "finish": got.choices[0].finish_reason}


def generate(model, _):
    got = client.images.generate(model=model, prompt=plan["texts"][0])
    return {"text": base64.b64decode(got.data[0].b64_json).decode()}


def edit(model, _):
    file = ("cat.png", io.BytesIO(base64.b64decode(plan["image"])), "image/png")
    got = client.images.edit(model=model, image=file, prompt=plan["texts"][0])
    return {"text": base64.b64decode(got.data[0].b64_json).decode()}


def speech(model, _):
    got = client.audio.speech.create(model=model, voice="alloy", input=plan["texts"][0])
    return {"text": got.read().decode()}


def speech_stream(model, _):
    with client.audio.speech.with_streaming_response.create(model=model, voice="alloy", input=plan["texts"][0]) as got:
        return {"text": b"".join(got.iter_bytes()).decode()}


def sound():
    return ("note.wav", io.BytesIO(base64.b64decode(plan["image"])), "audio/wav")


def transcription(model, _):
    return {"text": client.audio.transcriptions.create(model=model, file=sound()).text}


def translation(model, _):
    return {"text": client.audio.translations.create(model=model, file=sound()).text}


def moderation(model, _):
    return {"flags": [client.moderations.create(model=model, input=t).results[0].flagged for t in plan["texts"]]}


def files(_, __):
    made = client.files.create(file=("notes.txt", plan["texts"][0].encode()), purpose="user_data")
    same = client.files.retrieve(made.id).id == made.id
    text = client.files.content(made.id).read().decode()
    gone = client.files.delete(made.id).deleted
    return {"text": text, "flags": [same, gone]}


def models(model, _):
    return {"names": [m.id for m in client.models.list()] if model == "*" else [client.models.retrieve(model).id]}


steps("embeddings", embed=embed, embed_floats=embed_floats)
steps("completions", completion=completion)
steps("images", generate=generate, edit=edit)
steps("speech", speech=speech, speech_stream=speech_stream)
steps("transcriptions", transcription=transcription, translation=translation)
steps("moderations", moderation=moderation)
steps("files", files=files)
steps("models", models=models)

# Recorded answers.

steps("chat-recorded", whole=whole)
steps("chat-stream-recorded", stream=stream)
steps("responses-recorded", whole=r_whole)
steps("responses-stream-recorded", stream=r_stream)
