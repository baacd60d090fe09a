// What the scripts of all clients for Node share: the plan on standard input, and one JSON line a step on standard output. A step is a function
// of a model and of the text to say; it returns what the application saw. What it raises is seen, too.
import { readFileSync } from "node:fs";
import { z } from "zod";

// A client that fails beside its own promises would end the script.
process.on("unhandledRejection", () => {});

export const plan = JSON.parse(readFileSync(0, "utf8"));
export const { base, key, system, texts } = plan;

export const Ticket = z.object({ sku: z.string(), count: z.number().int(), urgent: z.boolean() });
export const Place = z.object({ sku: z.string(), depot: z.string() });

export const TOOL = {
  name: "stock",
  description: "Counts what is in stock.",
  schema: {
    type: "object",
    properties: { sku: { type: "string" }, depot: { type: "string" } },
    required: ["sku", "depot"],
    additionalProperties: false,
  },
};

export const stock = ({ sku, depot }) => `${depot.length} of ${sku} in ${depot}`;

// steps runs the steps of a surface for each model that the plan has for it.
export async function steps(face, functions) {
  for (const model of plan.models[face] ?? []) {
    for (const [step, run] of Object.entries(functions)) {
      const ref = `${plan.client}.${face}.${model}.${step}`;
      const text = `${plan.asks[step.replace(/-stream$/, "")] ?? ""} ref=${ref}`;
      let saw;
      try {
        saw = await run(model, text);
      } catch (e) {
        saw = { raised: `${e?.stack ?? e}`.slice(0, 2000) };
      }
      console.log(JSON.stringify({ face, model, step, ref, saw }));
    }
  }
}

// refused is the error that an application catches, as the client's own class shows it. find leads from what was thrown to what the client
// documents: some wrap it.
export async function refused(expected, run, find = (e) => e) {
  let got;
  try {
    got = await run();
  } catch (thrown) {
    const e = find(thrown);
    if (!(e instanceof expected)) throw thrown;
    return { error: {
      class: e.constructor.name, status: e.status ?? e.statusCode, call: callOf(e), message: `${e.message}`.slice(0, 300),
    } };
  }
  return { raised: `nothing was raised: ${JSON.stringify(got)}` };
}

// callOf is the call id in an error's headers, in the body that the client kept, or in the text, where that is all it kept.
function callOf(e) {
  const headers = e.headers ?? e.responseHeaders ?? {};
  const told = typeof headers.get === "function" ? headers.get("x-tollgate-call-id") : headers["x-tollgate-call-id"];
  return told ?? inBody(e.error) ?? inBody(e.data) ?? /call_\w{20,}/.exec(e.message)?.[0] ?? "";
}

function inBody(body) {
  return body?.request_id ?? body?.error?.request_id;
}
