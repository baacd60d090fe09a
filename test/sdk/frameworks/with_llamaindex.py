"""LlamaIndex over its OpenAI-like classes: the others refuse model names that they do not know."""

import base64

import openai
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from sights import Ticket, base, key, plan, refused, steps, stock, system

stock_tool = FunctionTool.from_defaults(stock)


def llm(model):
    return OpenAILike(model=model, api_base=base + "/v1", api_key=key, max_retries=0, timeout=30, is_chat_model=True, is_function_calling_model=True,
                      should_use_structured_outputs=True, additional_kwargs={})


def said(text):
    return [ChatMessage(role="system", content=system), ChatMessage(role="user", content=text)]


def sight(r):
    usage = getattr(r.raw, "usage", None)
    out = {"text": r.message.content}
    if getattr(r.raw, "choices", None):
        out["finish"] = r.raw.choices[0].finish_reason
    if usage:
        out |= {"input": usage.prompt_tokens, "output": usage.completion_tokens}
    return out


def whole(model, text):
    return sight(llm(model).chat(said(text)))


def stream(model, text):
    last, pieces = None, 0
    for last in llm(model).stream_chat(said(text)):
        pieces += bool(last.delta)
    return {"text": last.message.content, "pieces": pieces}


def loop(model, text, send):
    client, conversation = llm(model), said(text)
    first = send(client, conversation)
    made = client.get_tool_calls_from_response(first)
    conversation.append(first.message)
    for call in made:
        conversation.append(ChatMessage(role="tool", content=stock(**call.tool_kwargs), additional_kwargs={"tool_call_id": call.tool_id}))
    last = send(client, conversation)
    return {"text": last.message.content, "calls": [{"name": c.tool_name, "args": c.tool_kwargs} for c in made]}


def tools(model, text):
    return loop(model, text, lambda client, c: client.chat_with_tools([stock_tool], chat_history=c, allow_parallel_tool_calls=True))


def tools_stream(model, text):
    def send(client, conversation):
        last = None
        for last in client.stream_chat_with_tools([stock_tool], chat_history=conversation, allow_parallel_tool_calls=True):
            pass
        return last
    return loop(model, text, send)


def structured(model, text):
    return {"parsed": llm(model).as_structured_llm(Ticket).complete(text).raw.model_dump()}


def image(model, text):
    blocks = [TextBlock(text=text), ImageBlock(image=base64.b64decode(plan["image"]), image_mimetype="image/png")]
    return sight(llm(model).chat([ChatMessage(role="user", blocks=blocks)]))


def limited(model, text):
    return refused(openai.APIError, lambda: whole(model, text))


def limited_stream(model, text):
    return refused(openai.APIError, lambda: stream(model, text))


def embed(model, _):
    got = OpenAILikeEmbedding(model_name=model, api_base=base + "/v1", api_key=key, max_retries=0)
    return {"vectors": got.get_text_embedding_batch(plan["texts"][:2])}


steps("chat", whole=whole, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured, image=image, limited=limited,
      limited_stream=limited_stream)
steps("embeddings", embed=embed)
