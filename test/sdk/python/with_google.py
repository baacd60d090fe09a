"""The official Google Gen AI SDK for Python."""

import base64

from google import genai
from google.genai import errors, types
from sights import TOOL, Ticket, base, key, plan, refused, steps, stock, system

client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base, timeout=30_000))
FUNCTION = types.Tool(function_declarations=[
    types.FunctionDeclaration(name=TOOL["name"], description=TOOL["description"], parameters_json_schema=TOOL["schema"])])


def sight(r):
    return {"text": r.text, "finish": r.candidates[0].finish_reason.value,
            "input": r.usage_metadata.prompt_token_count,
            "output": (r.usage_metadata.candidates_token_count or 0) + (r.usage_metadata.thoughts_token_count or 0)}


def config(**more):
    return types.GenerateContentConfig(system_instruction=system, **more)


def whole(model, text):
    return sight(client.models.generate_content(model=model, contents=text, config=config()))


def streamed(model, contents, settings):
    """The last chunk with all parts of the stream, and how many chunks had content."""
    last, parts, pieces = None, [], 0
    for chunk in client.models.generate_content_stream(model=model, contents=contents, config=settings):
        got = chunk.candidates[0].content if chunk.candidates else None
        for part in (got.parts if got else None) or []:
            if part.text or part.function_call:
                parts.append(part)
                pieces += 1
        last = chunk
    last.candidates[0].content = types.Content(role="model", parts=parts)
    return last, pieces


def stream(model, text):
    answer, pieces = streamed(model, text, config())
    return {**sight(answer), "pieces": pieces}


def loop(model, text, send):
    contents = [types.Content(role="user", parts=[types.Part(text=text)])]
    settings = config(tools=[FUNCTION], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    first, _ = send(model, contents, settings)
    made = first.function_calls
    contents.append(first.candidates[0].content)
    contents.append(types.Content(role="user", parts=[
        types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"result": stock(**c.args)})) for c in made]))
    last, _ = send(model, contents, settings)
    return {**sight(last), "calls": [{"name": c.name, "args": c.args} for c in made], "first": first.candidates[0].finish_reason.value}


def tools(model, text):
    return loop(model, text, lambda m, c, s: (client.models.generate_content(model=m, contents=c, config=s), None))


def tools_stream(model, text):
    return loop(model, text, streamed)


def automatic(model, text):
    """The SDK calls a Python function by itself."""
    return sight(client.models.generate_content(model=model, contents=text, config=config(tools=[stock])))


def structured(model, text):
    settings = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Ticket)
    return {"parsed": client.models.generate_content(model=model, contents=text, config=settings).parsed.model_dump()}


def structured_stream(model, text):
    settings = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=Ticket.model_json_schema())
    answer, _ = streamed(model, text, settings)
    return {"parsed": Ticket.model_validate_json(answer.text).model_dump()}


def image(model, text):
    picture = types.Part.from_bytes(data=base64.b64decode(plan["image"]), mime_type="image/png")
    return sight(client.models.generate_content(model=model, contents=[picture, text]))


def limited(model, text):
    return refused(errors.APIError, lambda: whole(model, text))


def limited_stream(model, text):
    return refused(errors.APIError, lambda: stream(model, text))


def broken_stream(model, text):
    return refused(errors.APIError, lambda: stream(model, text))


def bad_key(model, text):
    other = genai.Client(api_key="AIza-nothing", http_options=types.HttpOptions(base_url=base, timeout=30_000))
    return refused(errors.APIError, lambda: other.models.generate_content(model=model, contents=text))


def bad_model(_, text):
    return refused(errors.APIError, lambda: whole("no-such-model", text))


def count(model, text):
    return {"input": client.models.count_tokens(model=model, contents=text).total_tokens}


def embed(model, _):
    got = client.models.embed_content(model=model, contents=[plan["texts"][0], plan["texts"][1]])
    return {"vectors": [e.values for e in got.embeddings]}


def models(model, _):
    return {"names": [m.name for m in client.models.list()] if model == "*" else [client.models.get(model=model).name]}


steps("gemini", whole=whole, stream=stream, tools=tools, tools_stream=tools_stream, automatic=automatic, structured=structured,
      structured_stream=structured_stream, image=image, limited=limited, limited_stream=limited_stream, broken_stream=broken_stream,
      bad_key=bad_key, bad_model=bad_model)
steps("gemini-tokens", count=count)
steps("gemini-embeddings", embed=embed)
steps("gemini-models", models=models)

# Recorded answers.

steps("gemini-recorded", whole=whole)
steps("gemini-stream-recorded", stream=stream)
