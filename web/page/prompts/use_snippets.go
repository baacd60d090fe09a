package prompts

import "tollgate/web/ui"

// groups are the ways to call the prompt, by client.
func (u use) groups() []ui.SnippetGroup {
	return []ui.SnippetGroup{
		{Name: "OpenAI", Clients: []ui.SnippetClient{u.responses(), u.chats()}},
		{Name: "Anthropic", Clients: []ui.SnippetClient{u.messages()}},
		{Name: "Any client", Clients: []ui.SnippetClient{u.headers(), u.curl()}},
	}
}

func (u use) responses() ui.SnippetClient {
	return ui.SnippetClient{Name: "Responses", Notes: []string{"The SDK’s own `prompt`: it reaches every model, not only OpenAI’s. Its `id` is the name or the id of the prompt."}, Tabs: []ui.SnippetTab{
		u.tab("Python", ui.Python, `import os
from openai import OpenAI

client = OpenAI(base_url="{gateway}/v1", api_key=os.environ["TOLLGATE_KEY"])
answer = client.responses.create(
    model="{model}",
    prompt={"id": "{id}", "variables": {python}},
)
print(answer.output_text)`),
		u.tab("Node", ui.Script, `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{gateway}/v1", apiKey: process.env.TOLLGATE_KEY });
const answer = await client.responses.create({
  model: "{model}",
  prompt: { id: "{id}", variables: {variables} },
});
console.log(answer.output_text);`),
	}}
}

func (u use) chats() ui.SnippetClient {
	return ui.SnippetClient{Name: "Chat completions", Notes: []string{"What the call says in `messages` comes behind the prompt’s own."}, Tabs: []ui.SnippetTab{
		u.tab("Python", ui.Python, `import os
from openai import OpenAI

client = OpenAI(base_url="{gateway}/v1", api_key=os.environ["TOLLGATE_KEY"])
answer = client.chat.completions.create(
    model="{model}",
    messages=[],
    extra_body={"tollgate": {"prompt": "{ref}", "variables": {python}}},
)
print(answer.choices[0].message.content)`),
		u.tab("Node", ui.Script, `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{gateway}/v1", apiKey: process.env.TOLLGATE_KEY });
const answer = await client.chat.completions.create({
  model: "{model}",
  messages: [],
  tollgate: { prompt: "{ref}", variables: {variables} },
});
console.log(answer.choices[0].message.content);`),
	}}
}

func (u use) messages() ui.SnippetClient {
	return ui.SnippetClient{Name: "Messages", Notes: []string{"By headers, so that the SDK stays as it is. A system message becomes `system`."}, Tabs: []ui.SnippetTab{
		u.tab("Python", ui.Python, `import os
from anthropic import Anthropic

client = Anthropic(base_url="{gateway}", api_key=os.environ["TOLLGATE_KEY"])
answer = client.messages.create(
    model="{model}",
    max_tokens=800,
    messages=[],
    extra_headers={
        "x-tollgate-prompt": "{ref}",
        "x-tollgate-prompt-variables": {variables-text},
    },
)
print(answer.content[0].text)`),
		u.tab("Node", ui.Script, `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "{gateway}", apiKey: process.env.TOLLGATE_KEY });
const answer = await client.messages.create(
  { model: "{model}", max_tokens: 800, messages: [] },
  { headers: { "x-tollgate-prompt": "{ref}", "x-tollgate-prompt-variables": {variables-text} } },
);
console.log(answer.content[0].text);`),
	}}
}

func (u use) headers() ui.SnippetClient {
	return ui.SnippetClient{Name: "Headers", Notes: []string{"Every client that can send headers: `x-tollgate-prompt` names it, `x-tollgate-prompt-variables` holds a JSON object.", "The answer says which version it was: `x-tollgate-prompt: name@7`, and by which label."}, Tabs: []ui.SnippetTab{
		u.tab("Headers", ui.Text, "x-tollgate-prompt: {ref}\nx-tollgate-prompt-variables: {variables}"),
	}}
}

func (u use) curl() ui.SnippetClient {
	return ui.SnippetClient{Name: "curl", Tabs: []ui.SnippetTab{
		u.tab("Shell", ui.Shell, `curl "{gateway}/v1/chat/completions" \
  -H "Authorization: Bearer $TOLLGATE_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "{model}", "messages": [], "tollgate": {"prompt": "{ref}", "variables": {variables}}}'`),
	}}
}

// fetch are the ways to read the prompt without calling it.
func (u use) fetch() []ui.SnippetTab {
	compile := "prompt.compile(**" + u.python + ")"
	return []ui.SnippetTab{
		u.tab("curl", ui.Shell, `curl "{dashboard}{api}/prompts/{path}?{query}" \
  -H "Authorization: Bearer $TOLLGATE_TOKEN"`),
		u.tab("Langfuse, Python", ui.Python, `from langfuse import Langfuse

langfuse = Langfuse(host="{dashboard}", public_key="pk-tollgate", secret_key=os.environ["TOLLGATE_TOKEN"])
prompt = langfuse.get_prompt("{name}", {named})
print(`+compile+`)`),
		u.tab("Langfuse, Node", ui.Script, `import { LangfuseClient } from "@langfuse/client";

const langfuse = new LangfuseClient({ baseUrl: "{dashboard}", publicKey: "pk-tollgate", secretKey: process.env.TOLLGATE_TOKEN });
const prompt = await langfuse.prompt.get("{name}", {js-named});
console.log(prompt.compile({variables}));`),
		u.tab("Command line", ui.Shell, "tollgate prompts pull ./prompts\ntollgate prompts diff ./prompts\ntollgate prompts apply ./prompts"),
	}
}
