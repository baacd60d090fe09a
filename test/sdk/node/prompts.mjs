// Official SDKs for JavaScript name prompts that live in the gateway. Arguments: base URL, key, model. Prints what they saw, by step.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [base, key, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0, timeout: 30_000 });
const claude = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0, timeout: 30_000 });
const input = "Is it late?";
const messages = [{ role: "user", content: input }];
const headers = { "x-tollgate-prompt": "support/answer:staging", "x-tollgate-prompt-variables": JSON.stringify({ name: "Ada" }) };
const tollgate = { prompt: { name: "support/answer", version: 1 }, variables: { name: "Ada" } };
const saw = {};

async function step(name, call) {
  try {
    const { response } = await call().withResponse();
    saw[name] = { status: 200, prompt: response.headers.get("x-tollgate-prompt"), label: response.headers.get("x-tollgate-prompt-label") ?? "" };
  } catch (e) {
    saw[name] = { status: e.status ?? 0, message: e.message };
  }
}

await step("responses, version", () => client.responses.create({ model, input, prompt: { id: "support/answer", version: "1", variables: { name: "Ada" } } }));
await step("responses, label", () => client.responses.create({ model, input, prompt: { id: "support/answer", variables: { name: "Ada" } } }));
await step("responses, no variable", () => client.responses.create({ model, input, prompt: { id: "support/answer", variables: {} } }));
await step("responses, no prompt", () => client.responses.create({ model, input, prompt: { id: "support/none" } }));
await step("chat, header", () => client.chat.completions.create({ model, messages }, { headers }));
await step("chat, body", () => client.chat.completions.create({ model, messages, tollgate }));
await step("messages, header", () => claude.messages.create({ model, max_tokens: 50, messages }, { headers }));
await step("messages, body", () => claude.messages.create({ model, max_tokens: 50, messages, tollgate }));
console.log(JSON.stringify(saw));
