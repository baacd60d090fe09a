// The Vercel AI SDK with its providers: OpenAI (whose default is the Responses API), OpenAI-compatible, Anthropic, Google.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import * as ai from "ai";
import { Place, TOOL, Ticket, base, key, plan, refused, steps, stock, system, texts } from "./sights.mjs";

const { APICallError, Output, embedMany, generateText, stepCountIs, isStepCount, streamText, tool } = ai;
const openai = createOpenAI({ baseURL: base + "/v1", apiKey: key });
const compatible = createOpenAICompatible({ name: "tollgate", baseURL: base + "/v1", apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
const anthropic = createAnthropic({ baseURL: base + "/v1", apiKey: key });
const google = createGoogleGenerativeAI({ baseURL: base + "/v1beta", apiKey: key });

const three = (isStepCount ?? stepCountIs)(3);
const tools = { [TOOL.name]: tool({ description: TOOL.description, inputSchema: Place, execute: stock }) };
const sight = async (r) => {
  const usage = await r.usage;
  return { text: await r.text, finish: await r.finishReason, input: usage.inputTokens, output: usage.outputTokens };
};
const ask = (model, text, more = {}) => ({ model, system, prompt: text, maxRetries: 0, ...more });

async function looped(result) {
  const all = await result.steps;
  const calls = all.flatMap((s) => s.toolCalls).map((c) => ({ name: c.toolName, args: c.input }));
  const last = all.at(-1);
  return { text: last.text, finish: last.finishReason, input: last.usage.inputTokens, output: last.usage.outputTokens, calls, first: all[0].finishReason };
}

// flowing reads a stream as an application that wants its errors does.
async function flowing(request) {
  let failed;
  const result = streamText({ ...request, onError: ({ error }) => { failed = error; } });
  let pieces = 0;
  for await (const part of result.fullStream) {
    pieces += ["text-delta", "tool-input-delta"].includes(part.type) ? 1 : 0;
    if (part.type === "error") failed = part.error;
  }
  if (failed) throw failed;
  return [result, pieces];
}

const steppers = (make) => ({
  whole: async (name, text) => sight(await generateText(ask(make(name), text))),
  stream: async (name, text) => {
    const [result, pieces] = await flowing(ask(make(name), text));
    return { ...await sight(result), pieces };
  },
  tools: async (name, text) => looped(await generateText(ask(make(name), text, { tools, stopWhen: three }))),
  "tools-stream": async (name, text) => {
    const [result, pieces] = await flowing(ask(make(name), text, { tools, stopWhen: three }));
    return { ...await looped(result), pieces };
  },
  structured: async (name, text) => ({ parsed: (await generateText(ask(make(name), text, { output: Output.object({ schema: Ticket }) }))).output }),
  "structured-stream": async (name, text) => {
    const [result] = await flowing(ask(make(name), text, { output: Output.object({ schema: Ticket }) }));
    return { parsed: await result.output };
  },
  image: async (name, text) => sight(await generateText({
    model: make(name), maxRetries: 0, messages: [{ role: "user", content: [
      { type: "text", text }, { type: "file", data: Buffer.from(plan.image, "base64"), mediaType: "image/png" },
    ] }],
  })),
  limited: (name, text) => refused(APICallError, () => generateText(ask(make(name), text))),
  "limited-stream": (name, text) => refused(APICallError, () => flowing(ask(make(name), text))),
});

await steps("responses", steppers((name) => openai(name)));
await steps("chat", steppers((name) => compatible(name)));
await steps("messages", steppers((name) => anthropic(name)));
await steps("gemini", steppers((name) => google(name)));
await steps("embeddings", {
  embed: async (model) => {
    const got = await embedMany({ model: openai.textEmbeddingModel(model), values: texts.slice(0, 2), maxRetries: 0 });
    return { vectors: got.embeddings };
  },
});
