// The official OpenAI SDK for Node.
import OpenAI, { toFile } from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { TOOL, Ticket, base, key, plan, refused, steps, stock, system, texts } from "./sights.mjs";

const client = new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0, timeout: 30_000 });
const FUNCTION = { type: "function", function: { name: TOOL.name, description: TOOL.description, parameters: TOOL.schema } };
const FLAT = { type: "function", name: TOOL.name, description: TOOL.description, parameters: TOOL.schema, strict: false };
const PICTURE = "data:image/png;base64," + plan.image;

// Chat completions.

const said = (text) => [{ role: "system", content: system }, { role: "user", content: text }];
const sight = (r) => ({
  text: r.choices[0].message.content, finish: r.choices[0].finish_reason, input: r.usage.prompt_tokens, output: r.usage.completion_tokens,
});
const usage = { stream_options: { include_usage: true } };

const whole = async (model, text) => sight(await client.chat.completions.create({ model, messages: said(text) }));

async function stream(model, text) {
  const saw = { text: "", pieces: 0 };
  for await (const chunk of await client.chat.completions.create({ model, messages: said(text), stream: true, ...usage })) {
    if (chunk.usage) [saw.input, saw.output] = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens];
    for (const choice of chunk.choices) {
      saw.text += choice.delta.content ?? "";
      saw.pieces += choice.delta.content ? 1 : 0;
      saw.finish = choice.finish_reason ?? saw.finish;
    }
  }
  return saw;
}

async function loop(model, text, ask) {
  const messages = said(text);
  const [first, pieces] = await ask({ model, messages, tools: [FUNCTION] });
  const choice = first.choices[0];
  messages.push(choice.message);
  const calls = choice.message.tool_calls.map((c) => ({ name: c.function.name, args: JSON.parse(c.function.arguments) }));
  choice.message.tool_calls.forEach((c, i) => messages.push({ role: "tool", tool_call_id: c.id, content: stock(calls[i].args) }));
  const [last] = await ask({ model, messages, tools: [FUNCTION] });
  return { ...sight(last), calls, first: choice.finish_reason, pieces };
}

async function streamed(request) {
  let pieces = 0;
  const events = client.chat.completions.stream({ ...request, ...usage });
  events.on("tool_calls.function.arguments.delta", () => pieces++);
  events.on("content", () => pieces++);
  return [await events.finalChatCompletion(), pieces];
}

await steps("chat", {
  whole, stream,
  tools: (model, text) => loop(model, text, async (r) => [await client.chat.completions.create(r)]),
  "tools-stream": (model, text) => loop(model, text, streamed),
  structured: async (model, text) => ({
    parsed: (await client.chat.completions.parse({ model, messages: said(text), response_format: zodResponseFormat(Ticket, "ticket") })).choices[0].message.parsed,
  }),
  "structured-stream": async (model, text) => ({
    parsed: (await streamed({ model, messages: said(text), response_format: zodResponseFormat(Ticket, "ticket") }))[0].choices[0].message.parsed,
  }),
  image: async (model, text) => sight(await client.chat.completions.create({
    model, messages: [{ role: "user", content: [{ type: "text", text }, { type: "image_url", image_url: { url: PICTURE } }] }],
  })),
  limited: (model, text) => refused(OpenAI.APIError, () => whole(model, text)),
  "limited-stream": (model, text) => refused(OpenAI.APIError, () => stream(model, text)),
  "broken-stream": (model, text) => refused(OpenAI.APIError, () => stream(model, text)),
  "bad-key": (model, text) => {
    const other = new OpenAI({ baseURL: base + "/v1", apiKey: "sk-nothing", maxRetries: 0 });
    return refused(OpenAI.APIError, () => other.chat.completions.create({ model, messages: said(text) }));
  },
  "bad-model": (_, text) => refused(OpenAI.APIError, () => whole("no-such-model", text)),
  headers: async (model, text) => {
    const { response } = await client.chat.completions.create({ model, messages: said(text) }).withResponse();
    return { headers: Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("x-tollgate-"))) };
  },
});

// Responses.

const seen = (r) => ({ text: r.output_text, finish: r.status, input: r.usage.input_tokens, output: r.usage.output_tokens });

async function flowing(request) {
  let pieces = 0;
  const events = client.responses.stream(request);
  for await (const event of events) {
    pieces += ["response.output_text.delta", "response.function_call_arguments.delta"].includes(event.type) ? 1 : 0;
    if (event.type === "error") throw new OpenAI.APIError(undefined, event, event.message, undefined);
    if (event.type === "response.failed") throw new OpenAI.APIError(undefined, event.response.error, event.response.error.message, undefined);
  }
  return [await events.finalResponse(), pieces];
}

const responded = async (model, text) => seen(await client.responses.create({ model, instructions: system, input: text }));

async function respondedStream(model, text) {
  const [answer, pieces] = await flowing({ model, instructions: system, input: text });
  return { ...seen(answer), pieces };
}

async function rounds(model, text, ask) {
  const input = [{ role: "user", content: text }];
  const [first, pieces] = await ask({ model, instructions: system, input, tools: [FLAT] });
  const made = first.output.filter((item) => item.type === "function_call");
  const calls = made.map((c) => ({ name: c.name, args: JSON.parse(c.arguments) }));
  input.push(...first.output.map(({ parsed_arguments, ...item }) => item));
  made.forEach((c, i) => input.push({ type: "function_call_output", call_id: c.call_id, output: stock(calls[i].args) }));
  const [last] = await ask({ model, instructions: system, input, tools: [FLAT] });
  return { ...seen(last), calls, first: first.status, pieces };
}

const format = { text: { format: zodTextFormat(Ticket, "ticket") } };

await steps("responses", {
  whole: responded, stream: respondedStream,
  tools: (model, text) => rounds(model, text, async (r) => [await client.responses.create(r)]),
  "tools-stream": (model, text) => rounds(model, text, flowing),
  structured: async (model, text) => ({ parsed: (await client.responses.parse({ model, input: text, ...format })).output_parsed }),
  "structured-stream": async (model, text) => ({ parsed: (await flowing({ model, input: text, ...format }))[0].output_parsed }),
  image: async (model, text) => seen(await client.responses.create({
    model, input: [{ role: "user", content: [{ type: "input_text", text }, { type: "input_image", image_url: PICTURE, detail: "auto" }] }],
  })),
  limited: (model, text) => refused(OpenAI.APIError, () => responded(model, text)),
  "limited-stream": (model, text) => refused(OpenAI.APIError, () => respondedStream(model, text)),
  "broken-stream": (model, text) => refused(OpenAI.APIError, () => respondedStream(model, text)),
});

// Everything else.

const picture = () => toFile(Buffer.from(plan.image, "base64"), "cat.png", { type: "image/png" });
const sound = () => toFile(Buffer.from(plan.image, "base64"), "note.wav", { type: "audio/wav" });
const decoded = (r) => ({ text: Buffer.from(r.data[0].b64_json, "base64").toString() });

await steps("embeddings", {
  embed: async (model) => {
    const got = await client.embeddings.create({ model, input: texts.slice(0, 2) }); // asks for base64 by itself
    return { vectors: got.data.map((d) => d.embedding), input: got.usage.prompt_tokens };
  },
  "embed-floats": async (model) => {
    const got = await client.embeddings.create({ model, input: texts[0], encoding_format: "float" });
    return { vectors: [got.data[0].embedding], input: got.usage.prompt_tokens };
  },
});
await steps("completions", {
  completion: async (model) => {
    const got = await client.completions.create({ model, prompt: texts[0] });
    return { text: got.choices[0].text, finish: got.choices[0].finish_reason };
  },
});
await steps("images", {
  generate: async (model) => decoded(await client.images.generate({ model, prompt: texts[0] })),
  edit: async (model) => decoded(await client.images.edit({ model, prompt: texts[0], image: await picture() })),
});
await steps("speech", {
  speech: async (model) => ({ text: await (await client.audio.speech.create({ model, voice: "alloy", input: texts[0] })).text() }),
  "speech-stream": async (model) => {
    const parts = [];
    for await (const part of (await client.audio.speech.create({ model, voice: "alloy", input: texts[0] })).body) parts.push(part);
    return { text: Buffer.concat(parts).toString() };
  },
});
await steps("transcriptions", {
  transcription: async (model) => ({ text: (await client.audio.transcriptions.create({ model, file: await sound() })).text }),
  translation: async (model) => ({ text: (await client.audio.translations.create({ model, file: await sound() })).text }),
});
await steps("moderations", {
  moderation: async (model) => {
    const flags = [];
    for (const input of texts) flags.push((await client.moderations.create({ model, input })).results[0].flagged);
    return { flags };
  },
});
await steps("files", {
  files: async () => {
    const made = await client.files.create({ file: await toFile(Buffer.from(texts[0]), "notes.txt"), purpose: "user_data" });
    const same = (await client.files.retrieve(made.id)).id === made.id;
    const text = await (await client.files.content(made.id)).text();
    return { text, flags: [same, (await client.files.delete(made.id)).deleted] };
  },
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

await steps("chat-recorded", { whole: whole });
await steps("chat-stream-recorded", { stream: stream });
await steps("responses-recorded", { whole: responded });
await steps("responses-stream-recorded", { stream: respondedStream });
