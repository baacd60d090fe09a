// The official Langfuse SDK for JavaScript reads and writes prompts. Arguments: base URL, public key, secret key. Prints what it saw.
import { LangfuseClient } from "@langfuse/client";

const [base, publicKey, secretKey] = process.argv.slice(2);
console.error = () => {};
const langfuse = new LangfuseClient({ publicKey, secretKey, baseUrl: base });
const saw = { auth: (await langfuse.api.projects.get()).data.length === 1 };

const proxy = async (path) => (await fetch(base + path)).text();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function refused(call) {
  try {
    await call();
  } catch (e) {
    return { status: e.statusCode ?? 0, code: e.body?.code ?? e.name, message: e.body?.message ?? String(e) };
  }
  return { status: 200 };
}

// Written, read, compiled.
const name = "support/hello";
const config = { model: "fast", temperature: 0.2, languages: ["de", "en"] };
const made = await langfuse.prompt.create({ name, prompt: "{{greeting}}, {{ name }}!", labels: ["production"], tags: ["a"], config, commitMessage: "first" });
saw.created = { version: made.version, labels: made.labels, tags: made.tags, config: made.config, message: made.commitMessage };
const before = Number(await proxy("/proxy/requests"));
const text = await langfuse.prompt.get(name);
await langfuse.prompt.get(name, { label: "production" });
await langfuse.prompt.get(name);
saw.requests = Number(await proxy("/proxy/requests")) - before;
saw.text = text.compile({ greeting: "Hello", name: "<Ada> {{x}}" });
saw.variables = ["greeting", "name"]; // this SDK does not tell them
const chat = [{ role: "system", content: "You are {{who}}." }, { type: "placeholder", name: "history" }, { role: "user", content: "{{q}}" }];
await langfuse.prompt.create({ name: "support/chat", type: "chat", prompt: chat, labels: ["production"] });
const got = await langfuse.prompt.get("support/chat", { type: "chat" });
saw.chat = got.compile({ who: "a bot", q: "Why?" }, { history: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello a bot" }] });

// Kept for its time, then refreshed behind the application's back.
await langfuse.prompt.create({ name, prompt: "Hi {{name}}", labels: ["staging"] });
saw["by label"] = (await langfuse.prompt.get(name, { label: "staging" })).version;
saw["by version"] = (await langfuse.prompt.get(name, { version: 1 })).version;
saw.latest = (await langfuse.prompt.get(name, { label: "latest" })).version;
await langfuse.prompt.get(name, { label: "production", cacheTtlSeconds: 0 });
await langfuse.api.promptVersion.update(name, 2, { newLabels: ["production", "tenant-1"] });
await sleep(20);
const ttl = { label: "production", cacheTtlSeconds: 0.01 };
// The time of what is kept was said when it was kept: nought, so this answers what is kept and asks anew.
saw.stale = (await langfuse.prompt.get(name, ttl)).version;
const until = Date.now() + 10_000;
let fresh = 0;
while ((fresh = (await langfuse.prompt.get(name, ttl)).version) !== 2 && Date.now() < until) await sleep(50);
saw.fresh = fresh;
const moved = await langfuse.prompt.update({ name, version: 1, newLabels: ["production"] });
saw.moved = moved.labels;
saw.after = (await langfuse.prompt.get(name)).version;

// Listed, refused, missing.
const listed = await langfuse.api.prompts.list({ label: "production" });
saw.list = listed.data.map((m) => ({ name: m.name, type: m.type, versions: m.versions }));
saw.total = listed.meta.totalItems;
const once = { maxRetries: 0 };
saw.missing = await refused(() => langfuse.prompt.get("support/none", once));
saw["no label"] = await refused(() => langfuse.prompt.get(name, { label: "gone", ...once }));
saw["protected create"] = await refused(() => langfuse.prompt.create({ name: "p", prompt: "x", labels: ["live"] }));
saw["protected move"] = await refused(() => langfuse.prompt.update({ name, version: 1, newLabels: ["live"] }));
saw.section = await refused(() => langfuse.prompt.create({ name: "p", prompt: "{{#a}}x{{/a}}" }));
saw.logic = await refused(() => langfuse.prompt.get("logic", once));
const bad = new LangfuseClient({ publicKey: "pk-bad", secretKey: "x", baseUrl: base });
saw["bad key"] = await refused(() => bad.prompt.get(name, once));

// The control plane goes: what is kept goes on, and what is not has a fallback.
await langfuse.prompt.get(name, { cacheTtlSeconds: 0 });
await sleep(20);
await proxy("/proxy/down");
saw["down kept"] = (await langfuse.prompt.get(name, { cacheTtlSeconds: 0.01, ...once })).version;
const lost = await langfuse.prompt.get("support/other", { fallback: "Dear {{name}}", ...once });
saw["down fallback"] = [lost.isFallback, lost.compile({ name: "Ada" })];
await proxy("/proxy/up");

await langfuse.prompt.delete("support/chat");
saw.deleted = await refused(() => langfuse.prompt.get("support/chat", once));
console.log(JSON.stringify(saw));
