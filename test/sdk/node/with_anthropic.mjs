// The official Anthropic SDK for Node.
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { TOOL, Ticket, base, key, plan, refused, steps, stock, system } from "./sights.mjs";

const options = { baseURL: base, maxRetries: 0, timeout: 30_000 };
const client = new Anthropic({ ...options, apiKey: key, authToken: null });
const bearer = new Anthropic({ ...options, apiKey: null, authToken: key });
const FUNCTION = { name: TOOL.name, description: TOOL.description, input_schema: TOOL.schema };

const sight = (m) => ({
  text: m.content.filter((b) => b.type === "text").map((b) => b.text).join(""), finish: m.stop_reason,
  input: m.usage.input_tokens + (m.usage.cache_read_input_tokens ?? 0) + (m.usage.cache_creation_input_tokens ?? 0), output: m.usage.output_tokens,
});
const user = (content) => [{ role: "user", content }];
const ask = (model, messages, more = {}) => ({ model, max_tokens: 1000, messages, ...more });

async function streamed(request) {
  let pieces = 0;
  const events = client.messages.stream(request);
  events.on("streamEvent", (e) => { pieces += e.type === "content_block_delta" ? 1 : 0; });
  return [await events.finalMessage(), pieces];
}

const whole = async (model, text) => sight(await client.messages.create(ask(model, user(text), { system })));

async function stream(model, text) {
  const [message, pieces] = await streamed(ask(model, user(text), { system }));
  return { ...sight(message), pieces };
}

async function loop(model, text, send) {
  const messages = user(text);
  const [first, pieces] = await send(ask(model, messages, { system, tools: [FUNCTION] }));
  const made = first.content.filter((b) => b.type === "tool_use");
  messages.push({ role: "assistant", content: first.content });
  messages.push({ role: "user", content: made.map((b) => ({ type: "tool_result", tool_use_id: b.id, content: stock(b.input) })) });
  const [last] = await send(ask(model, messages, { system, tools: [FUNCTION] }));
  return { ...sight(last), calls: made.map((b) => ({ name: b.name, args: b.input })), first: first.stop_reason, pieces };
}

await steps("messages", {
  whole, stream,
  tools: (model, text) => loop(model, text, async (r) => [await client.messages.create(r)]),
  "tools-stream": (model, text) => loop(model, text, streamed),
  structured: async (model, text) => ({
    parsed: (await client.messages.parse(ask(model, user(text), { output_config: { format: zodOutputFormat(Ticket) } }))).parsed_output,
  }),
  "structured-stream": async (model, text) => ({
    parsed: (await streamed(ask(model, user(text), { output_config: { format: zodOutputFormat(Ticket) } })))[0].parsed_output,
  }),
  image: async (model, text) => sight(await client.messages.create(ask(model, user([
    { type: "image", source: { type: "base64", media_type: "image/png", data: plan.image } }, { type: "text", text },
  ])))),
  "by-bearer": async (model, text) => sight(await bearer.messages.create(ask(model, user(text), { system }))),
  beta: async (model, text) => sight(await client.beta.messages.create(ask(model, user(text), { system, betas: ["context-management-2025-06-27"] }))),
  limited: (model, text) => refused(Anthropic.APIError, () => whole(model, text)),
  "limited-stream": (model, text) => refused(Anthropic.APIError, () => stream(model, text)),
  overloaded: (model, text) => refused(Anthropic.APIError, () => whole(model, text)),
  "broken-stream": (model, text) => refused(Anthropic.APIError, () => stream(model, text)),
  "bad-key": (model, text) => {
    const other = new Anthropic({ ...options, apiKey: "sk-ant-nothing", authToken: null });
    return refused(Anthropic.APIError, () => other.messages.create(ask(model, user(text))));
  },
  "bad-model": (_, text) => refused(Anthropic.APIError, () => whole("no-such-model", text)),
});
await steps("tokens", {
  count: async (model, text) => ({ input: (await client.messages.countTokens({ model, system, messages: user(text) })).input_tokens }),
});
await steps("models", {
  models: async (model) => {
    if (model !== "*") return { names: [(await client.models.retrieve(model)).id] };
    const names = [];
    for await (const m of client.models.list()) names.push(m.id);
    return { names };
  },
});

// Recorded answers.

await steps("messages-recorded", { whole: whole });
await steps("messages-stream-recorded", { stream: stream });
