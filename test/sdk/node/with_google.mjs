// The official Google Gen AI SDK for Node.
import { ApiError, GoogleGenAI } from "@google/genai";
import { z } from "zod";
import { TOOL, Ticket, base, key, plan, refused, steps, stock, system, texts } from "./sights.mjs";

const on = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base, timeout: 30_000 } });
const client = on(key);
const FUNCTION = { functionDeclarations: [{ name: TOOL.name, description: TOOL.description, parametersJsonSchema: TOOL.schema }] };

const sight = (r) => ({
  text: r.text, finish: r.candidates[0].finishReason, input: r.usageMetadata.promptTokenCount,
  output: (r.usageMetadata.candidatesTokenCount ?? 0) + (r.usageMetadata.thoughtsTokenCount ?? 0),
});

// streamed is the last chunk with all parts of the stream, and how many there were.
async function streamed(request) {
  let last, parts = [];
  for await (const chunk of await client.models.generateContentStream(request)) {
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []).filter((p) => p.text || p.functionCall));
    last = chunk;
  }
  last.candidates[0].content = { role: "model", parts };
  return [last, parts.length];
}

const plain = (model, text) => ({ model, contents: text, config: { systemInstruction: system } });
const whole = async (model, text) => sight(await client.models.generateContent(plain(model, text)));

async function stream(model, text) {
  const [answer, pieces] = await streamed(plain(model, text));
  return { ...sight(answer), pieces };
}

async function loop(model, text, send) {
  const contents = [{ role: "user", parts: [{ text }] }];
  const request = { model, contents, config: { systemInstruction: system, tools: [FUNCTION] } };
  const [first] = await send(request);
  const made = first.functionCalls;
  contents.push(first.candidates[0].content);
  contents.push({ role: "user", parts: made.map((c) => ({ functionResponse: { id: c.id, name: c.name, response: { result: stock(c.args) } } })) });
  const [last] = await send(request);
  return { ...sight(last), calls: made.map((c) => ({ name: c.name, args: c.args })), first: first.candidates[0].finishReason };
}

const shaped = (model, text) => ({ model, contents: text, config: { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(Ticket) } });

await steps("gemini", {
  whole, stream,
  tools: (model, text) => loop(model, text, async (r) => [await client.models.generateContent(r)]),
  "tools-stream": (model, text) => loop(model, text, streamed),
  structured: async (model, text) => ({ parsed: JSON.parse((await client.models.generateContent(shaped(model, text))).text) }),
  "structured-stream": async (model, text) => ({ parsed: JSON.parse((await streamed(shaped(model, text)))[0].text) }),
  image: async (model, text) => sight(await client.models.generateContent({
    model, contents: [{ role: "user", parts: [{ inlineData: { mimeType: "image/png", data: plan.image } }, { text }] }],
  })),
  limited: (model, text) => refused(ApiError, () => whole(model, text)),
  "limited-stream": (model, text) => refused(ApiError, () => stream(model, text)),
  "broken-stream": (model, text) => refused(Error, () => stream(model, text)),
  "bad-key": (model, text) => refused(ApiError, () => on("AIza-nothing").models.generateContent({ model, contents: text })),
  "bad-model": (_, text) => refused(ApiError, () => whole("no-such-model", text)),
});
await steps("gemini-tokens", { count: async (model, text) => ({ input: (await client.models.countTokens({ model, contents: text })).totalTokens }) });
await steps("gemini-embeddings", {
  embed: async (model) => ({ vectors: (await client.models.embedContent({ model, contents: texts.slice(0, 2) })).embeddings.map((e) => e.values) }),
});
await steps("gemini-models", {
  models: async (model) => {
    if (model !== "*") return { names: [(await client.models.get({ model })).name] };
    const names = [];
    for await (const m of await client.models.list()) names.push(m.name);
    return { names };
  },
});

// Recorded answers.

await steps("gemini-recorded", { whole: whole });
await steps("gemini-stream-recorded", { stream: stream });
