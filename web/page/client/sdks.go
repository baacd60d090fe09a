package client

import (
	"strconv"

	"tollgate/web/ui"
)

// What the SDKs add to their base URLs.
const (
	addsChat      = "/chat/completions"
	addsResponses = "/responses"
	addsMessages  = "/v1/messages"
	addsGemini    = "/v1beta/models/m:generateContent"
)

func openaiPython() snippet {
	return snippet{"Python", ui.Python, `import os
from openai import OpenAI

client = OpenAI(
    base_url="{openai}",
    api_key=os.environ["{var}"],
)
answer = client.chat.completions.create(
    model="{model}",
    messages=[{"role": "user", "content": "{question}"}],
)
print(answer.choices[0].message.content)`, []string{addsChat}}
}

func (c Caller) sdks() []entry {
	return []entry{openaiSDK(), anthropicSDK(), googleSDK(), langchain(), c.llamaindex(), vercel(), litellm()}
}

func openaiSDK() entry {
	return entry{name: "OpenAI", code: []snippet{
		openaiPython(),
		{"Node", ui.Script, `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "{openai}",
  apiKey: process.env.{var},
});
const answer = await client.chat.completions.create({
  model: "{model}",
  messages: [{ role: "user", content: "{question}" }],
});
console.log(answer.choices[0].message.content);`, []string{addsChat}},
		{"Go", ui.Golang, `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	client := openai.NewClient(
		option.WithBaseURL("{openai}"),
		option.WithAPIKey(os.Getenv("{var}")),
	)
	answer, err := client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{
		Model:    "{model}",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("{question}")},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Choices[0].Message.Content)
}`, []string{addsChat}},
	}}
}

func anthropicSDK() entry {
	return entry{name: "Anthropic", notes: []string{"The base URL has no `/v1`: the SDK adds it. Any model can be asked, not only Claude."}, code: []snippet{
		{"Python", ui.Python, `import os
from anthropic import Anthropic

client = Anthropic(
    base_url="{root}",
    api_key=os.environ["{var}"],
)
answer = client.messages.create(
    model="{model}",
    max_tokens=200,
    messages=[{"role": "user", "content": "{question}"}],
)
print(answer.content[0].text)`, []string{addsMessages}},
		{"Node", ui.Script, `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "{root}",
  apiKey: process.env.{var},
});
const answer = await client.messages.create({
  model: "{model}",
  max_tokens: 200,
  messages: [{ role: "user", content: "{question}" }],
});
console.log(answer.content[0].text);`, []string{addsMessages}},
		{"Go", ui.Golang, `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func main() {
	client := anthropic.NewClient(
		option.WithBaseURL("{root}"),
		option.WithAPIKey(os.Getenv("{var}")),
	)
	answer, err := client.Messages.New(context.Background(), anthropic.MessageNewParams{
		Model:     "{model}",
		MaxTokens: 200,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("{question}"))},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Content[0].Text)
}`, []string{addsMessages}},
	}}
}

func googleSDK() entry {
	return entry{name: "Google Gen AI", notes: []string{"The base URL has no `/v1beta`: the SDK adds it. Any model can be asked, not only Gemini."}, code: []snippet{
		{"Python", ui.Python, `import os
from google import genai
from google.genai import types

client = genai.Client(
    api_key=os.environ["{var}"],
    http_options=types.HttpOptions(base_url="{root}"),
)
answer = client.models.generate_content(
    model="{model}",
    contents="{question}",
)
print(answer.text)`, []string{addsGemini}},
		{"Node", ui.Script, `import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({
  apiKey: process.env.{var},
  httpOptions: { baseUrl: "{root}" },
});
const answer = await client.models.generateContent({
  model: "{model}",
  contents: "{question}",
});
console.log(answer.text);`, []string{addsGemini}},
	}}
}

func langchain() entry {
	return entry{name: "LangChain", notes: []string{
		"In Python `stream_usage=True` is needed: the class stops telling tokens of streams once a base URL is set. " +
			"`ChatAnthropic` and `ChatGoogleGenerativeAI` take `{root}` as their base URL.",
	}, code: []snippet{
		{"Python", ui.Python, `import os
from langchain_openai import ChatOpenAI

llm = ChatOpenAI(
    base_url="{openai}",
    api_key=os.environ["{var}"],
    model="{model}",
    stream_usage=True,
)
print(llm.invoke("{question}").content)`, []string{addsChat}},
		{"JavaScript", ui.Script, `import { ChatOpenAI } from "@langchain/openai";

const llm = new ChatOpenAI({
  configuration: { baseURL: "{openai}" },
  apiKey: process.env.{var},
  model: "{model}",
});
const answer = await llm.invoke("{question}");
console.log(answer.text);`, []string{addsChat}},
	}}
}

func (c Caller) llamaindex() entry {
	window := ""
	if m, ok := c.named(chatting); ok && m.Context > 0 {
		window = "\n    context_window=" + strconv.FormatInt(m.Context, 10) + ","
	}
	return entry{name: "LlamaIndex", notes: []string{
		"`OpenAILike`, not `OpenAI`: that one refuses names of models that it does not know, so every alias. Embeddings have `OpenAILikeEmbedding`.",
	}, code: []snippet{{"Python", ui.Python, `import os
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    api_base="{openai}",
    api_key=os.environ["{var}"],
    model="{model}",` + window + `
    is_chat_model=True,
    is_function_calling_model=True,
)
print(llm.complete("{question}"))`, []string{addsChat}}}}
}

func vercel() entry {
	call := `
const { text } = await generateText({
  model: tollgate("{model}"),
  prompt: "{question}",
});
console.log(text);`
	return entry{name: "Vercel AI SDK", notes: []string{
		"`@ai-sdk/openai` asks the Responses API, `@ai-sdk/openai-compatible` asks chat completions. Here the Anthropic provider, too, wants `/v1`.",
	}, code: []snippet{
		{"openai", ui.Script, `import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";

const tollgate = createOpenAI({
  baseURL: "{openai}",
  apiKey: process.env.{var},
});` + call, []string{addsResponses}},
		{"openai-compatible", ui.Script, `import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";

const tollgate = createOpenAICompatible({
  name: "tollgate",
  baseURL: "{openai}",
  apiKey: process.env.{var},
  includeUsage: true,
  supportsStructuredOutputs: true,
});` + call, []string{addsChat}},
		{"anthropic", ui.Script, `import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText } from "ai";

const tollgate = createAnthropic({
  baseURL: "{openai}",
  apiKey: process.env.{var},
});` + call, []string{"/messages"}},
	}}
}

func litellm() entry {
	return entry{name: "LiteLLM", notes: []string{
		"The prefix `openai/` chooses the dialect and is not sent. With `anthropic/` the base URL is `{root}`. Calls with tools need the package `mcp`.",
	}, code: []snippet{{"Python", ui.Python, `import os
import litellm

answer = litellm.completion(
    model="openai/{model}",
    api_base="{openai}",
    api_key=os.environ["{var}"],
    messages=[{"role": "user", "content": "{question}"}],
)
print(answer.choices[0].message.content)`, []string{addsChat}}}}
}
