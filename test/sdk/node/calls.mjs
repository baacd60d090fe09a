// Calls a model with the official SDKs for Node, streamed and not, and prints what an application sees as one JSON line.
// usage: calls.mjs BASE_URL KEY MODEL
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [base, key, model] = process.argv.slice(2);
const said = [{ role: "user", content: "Is this ticket urgent? Answer yes or no." }];
const out = {};

async function withOpenAI() {
  const client = new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0, timeout: 30_000 });
  const whole = await client.chat.completions.create({ model, messages: said });
  out["openai"] = {
    text: whole.choices[0].message.content, finish: whole.choices[0].finish_reason,
    input: whole.usage.prompt_tokens, output: whole.usage.completion_tokens,
  };
  let text = "", finish = null, usage = null;
  for await (const chunk of await client.chat.completions.create({ model, messages: said, stream: true, stream_options: { include_usage: true } })) {
    usage = chunk.usage ?? usage;
    for (const choice of chunk.choices) {
      text += choice.delta.content ?? "";
      finish = choice.finish_reason ?? finish;
    }
  }
  out["openai-stream"] = { text, finish, input: usage.prompt_tokens, output: usage.completion_tokens };
  const { response } = await client.chat.completions.create({ model, messages: said }).withResponse();
  out["headers"] = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("x-tollgate-")));
  out["models"] = [];
  for await (const m of client.models.list()) out["models"].push(m.id);
}

async function withAnthropic() {
  const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0, timeout: 30_000 });
  const ask = { model, max_tokens: 100, messages: said };
  const seen = (m) => ({
    text: m.content.map((b) => b.text).join(""), finish: m.stop_reason,
    input: m.usage.input_tokens + (m.usage.cache_read_input_tokens ?? 0), output: m.usage.output_tokens,
  });
  out["anthropic"] = seen(await client.messages.create(ask));
  out["anthropic-stream"] = seen(await client.messages.stream(ask).finalMessage());
}

async function withABadKey() {
  try {
    await new OpenAI({ baseURL: base + "/v1", apiKey: "sk-nothing", maxRetries: 0 }).chat.completions.create({ model, messages: said });
  } catch (e) {
    if (!(e instanceof OpenAI.AuthenticationError)) throw e;
    out["bad key"] = { status: e.status, code: e.code, request: Boolean(e.headers.get("x-tollgate-call-id")) };
  }
  try {
    await new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 }).messages.create({ model: "no-such-model", max_tokens: 5, messages: said });
  } catch (e) {
    if (!(e instanceof Anthropic.NotFoundError)) throw e;
    out["bad model"] = { status: e.status, type: e.error.error.type };
  }
}

await withOpenAI();
await withAnthropic();
await withABadKey();
console.log(JSON.stringify(out));
