// LangChain for JavaScript: its own classes for OpenAI (chat completions and Responses), Anthropic and Google.
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { tool } from "@langchain/core/tools";
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from "@langchain/google-genai";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { Place, TOOL, Ticket, base, key, plan, refused, steps, stock, system, texts } from "./sights.mjs";

const stockTool = tool(stock, { name: TOOL.name, description: TOOL.description, schema: Place });
const openai = { apiKey: key, maxRetries: 0, timeout: 30_000, configuration: { baseURL: base + "/v1" } };

const makers = {
  chat: (model) => new ChatOpenAI({ model, ...openai, useResponsesApi: false }),
  responses: (model) => new ChatOpenAI({ model, ...openai, useResponsesApi: true }),
  messages: (model) => new ChatAnthropic({ model, apiKey: key, anthropicApiUrl: base, maxRetries: 0, maxTokens: 1000 }),
  gemini: (model) => new ChatGoogleGenerativeAI({ model, apiKey: key, baseUrl: base, maxRetries: 0 }),
};

const said = (text) => [new SystemMessage(system), new HumanMessage(text)];
const sight = (m) => ({
  text: m.text, input: m.usage_metadata?.input_tokens, output: m.usage_metadata?.output_tokens,
  finish: m.response_metadata.finish_reason ?? m.response_metadata.finishReason ?? m.response_metadata.stop_reason ?? m.additional_kwargs.stop_reason ?? m.response_metadata.status,
});

async function streamed(llm, messages) {
  let total, pieces = 0;
  for await (const chunk of await llm.stream(messages)) {
    total = total === undefined ? chunk : concat(total, chunk);
    pieces += chunk.content.length || chunk.tool_call_chunks?.length ? 1 : 0;
  }
  return [total, pieces];
}

async function loop(llm, text, send) {
  const bound = llm.bindTools([stockTool]);
  const conversation = said(text);
  const [first, pieces] = await send(bound, conversation);
  conversation.push(first);
  for (const call of first.tool_calls) {
    conversation.push(new ToolMessage({ content: stock(call.args), tool_call_id: call.id, name: call.name }));
  }
  const [last] = await send(bound, conversation);
  return { ...sight(last), calls: first.tool_calls.map((c) => ({ name: c.name, args: c.args })), pieces };
}

const steppers = (make) => ({
  whole: async (model, text) => sight(await make(model).invoke(said(text))),
  stream: async (model, text) => {
    const [answer, pieces] = await streamed(make(model), said(text));
    return { ...sight(answer), pieces };
  },
  tools: (model, text) => loop(make(model), text, async (llm, m) => [await llm.invoke(m)]),
  "tools-stream": (model, text) => loop(make(model), text, streamed),
  structured: async (model, text) => ({ parsed: await make(model).withStructuredOutput(Ticket, { name: "ticket" }).invoke(text) }),
  image: async (model, text) => sight(await make(model).invoke([new HumanMessage({ content: [
    { type: "text", text }, { type: "image_url", image_url: { url: "data:image/png;base64," + plan.image } },
  ] })])),
  limited: (model, text) => refused(Error, () => make(model).invoke(text)),
  "limited-stream": (model, text) => refused(Error, async () => { for await (const _ of await make(model).stream(text)); }),
});

for (const [face, make] of Object.entries(makers)) {
  const functions = steppers(make);
  if (face === "gemini") delete functions.image; // refused by the client itself for models whose names it does not know
  await steps(face, functions);
}
await steps("embeddings", {
  embed: async (model) => ({ vectors: await new OpenAIEmbeddings({ model, ...openai }).embedDocuments(texts.slice(0, 2)) }),
});
await steps("gemini-embeddings", {
  embed: async (model) => ({ vectors: await new GoogleGenerativeAIEmbeddings({ model, apiKey: key, baseUrl: base }).embedDocuments(texts.slice(0, 2)) }),
});
