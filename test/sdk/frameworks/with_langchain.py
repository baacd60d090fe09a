"""LangChain for Python: its own classes for OpenAI (chat completions and Responses), Anthropic and Google."""

import anthropic
import openai
from google.genai import errors as google
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from sights import Ticket, base, key, plan, refused, steps, stock, system

stock_tool = tool(stock)


def chat(model, **more):
    return ChatOpenAI(model=model, base_url=base + "/v1", api_key=key, max_retries=0, timeout=30, stream_usage=True, **more)


def responses(model):
    return chat(model, use_responses_api=True)


def messages(model):
    return ChatAnthropic(model=model, base_url=base, api_key=key, max_retries=0, timeout=30, max_tokens=1000)


def gemini(model):
    return ChatGoogleGenerativeAI(model=model, google_api_key=key, base_url=base, max_retries=1, timeout=30)


def said(text):
    return [SystemMessage(system), HumanMessage(text)]


def sight(m):
    return {"text": m.text if isinstance(m.text, str) else m.text(), "input": m.usage_metadata["input_tokens"], "output": m.usage_metadata["output_tokens"],
            "finish": m.response_metadata.get("finish_reason") or m.response_metadata.get("stop_reason") or m.response_metadata.get("status")}


def streamed(llm, messages):
    total, pieces = None, 0
    for chunk in llm.stream(messages):
        total = chunk if total is None else total + chunk
        pieces += bool(chunk.content or chunk.tool_call_chunks)
    return total, pieces


def loop(llm, text, send):
    bound = llm.bind_tools([stock_tool])
    conversation = said(text)
    first, pieces = send(bound, conversation)
    conversation.append(first)
    for call in first.tool_calls:
        conversation.append(ToolMessage(stock(**call["args"]), tool_call_id=call["id"], name=call["name"]))
    last, _ = send(bound, conversation)
    return {**sight(last), "calls": [{"name": c["name"], "args": c["args"]} for c in first.tool_calls], "pieces": pieces}


def on(make, raised):
    """The steps of one chat class."""
    def stream(model, text):
        answer, pieces = streamed(make(model), said(text))
        return {**sight(answer), "pieces": pieces}

    def image(model, text):
        content = [{"type": "text", "text": text}, {"type": "image", "base64": plan["image"], "mime_type": "image/png"}]
        return sight(make(model).invoke([HumanMessage(content)]))

    return {
        "whole": lambda model, text: sight(make(model).invoke(said(text))),
        "stream": stream,
        "tools": lambda model, text: loop(make(model), text, lambda llm, m: (llm.invoke(m), None)),
        "tools_stream": lambda model, text: loop(make(model), text, streamed),
        "structured": lambda model, text: {"parsed": make(model).with_structured_output(Ticket).invoke(text).model_dump()},
        "image": image,
        "limited": lambda model, text: refused(raised, lambda: make(model).invoke(text)),
        "limited_stream": lambda model, text: refused(raised, lambda: list(make(model).stream(text))),
    }


def by_function(model, text):
    return {"parsed": chat(model).with_structured_output(Ticket, method="function_calling").invoke(text).model_dump()}


def embed(model, _):
    got = OpenAIEmbeddings(model=model, base_url=base + "/v1", api_key=key, max_retries=0, check_embedding_ctx_length=False)
    return {"vectors": got.embed_documents(plan["texts"][:2])}


def embed_google(model, _):
    got = GoogleGenerativeAIEmbeddings(model=model, google_api_key=key, base_url=base)
    return {"vectors": got.embed_documents(plan["texts"][:2])}


steps("chat", **on(chat, openai.APIError), structured_by_function=by_function)
steps("responses", **on(responses, openai.APIError))
steps("messages", **on(messages, anthropic.APIError))
steps("gemini", **on(gemini, (google.APIError, ChatGoogleGenerativeAIError)))
steps("embeddings", embed=embed)
steps("gemini-embeddings", embed=embed_google)
