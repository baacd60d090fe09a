package client

import (
	"strings"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

// use is one thing to ask beside a chat completion. Its snippets have the gap {this} for the model.
type use struct {
	entry

	needs   key.Endpoint
	purpose purpose
	without string // what the key names no model for, in words
}

// endpoints are what the key may reach beside chat completions.
func (c Caller) endpoints() []entry {
	var out []entry
	for _, u := range []use{responses(), embeddings(), images(), speech(), transcription(), rerank(), moderation(), files()} {
		if !c.May(u.needs) {
			continue
		}
		m, ok := c.named(u.purpose)
		name := m.Name
		if !ok {
			name = u.purpose.example()
			if u.without != "" {
				u.notes = append(u.notes, "`"+name+"` is an example: the key names no model "+u.without+".")
			}
		}
		for i := range u.code {
			u.code[i].code = strings.ReplaceAll(u.code[i].code, "{this}", name)
		}
		out = append(out, u.entry)
	}
	if !c.May(key.ChatEndpoint) && c.May(key.ModelsEndpoint) { // else it stands among the chat requests
		out = append(out, list())
	}
	return out
}

const pythonClient = `import os
from openai import OpenAI

client = OpenAI(
    base_url="{openai}",
    api_key=os.environ["{var}"],
)
`

const nodeClient = `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "{openai}",
  apiKey: process.env.{var},
});
`

func python(code, adds string) snippet {
	return snippet{"Python", ui.Python, pythonClient + code, []string{adds}}
}

func node(code, adds string) snippet {
	return snippet{"Node", ui.Script, nodeClient + code, []string{adds}}
}

// post is a JSON body, without a library.
func post(path, body string) snippet {
	return curl(`curl {openai}` + path + ` \
  -H "Authorization: Bearer ${var}" \
  -H "Content-Type: application/json" \
  -d '` + body + `'`)
}

func responses() use {
	return use{entry: entry{name: "Responses", notes: []string{"With models of every provider; `previous_response_id` and `store` where the provider has them."}, code: []snippet{
		post(addsResponses, `{"model": "{this}", "input": "{question}"}`),
		python(`answer = client.responses.create(model="{this}", input="{question}")
print(answer.output_text)`, addsResponses),
		node(`const answer = await client.responses.create({ model: "{this}", input: "{question}" });
console.log(answer.output_text);`, addsResponses),
	}}, needs: key.ChatEndpoint, purpose: chatting}
}

func embeddings() use {
	const path = "/embeddings"
	return use{entry: entry{name: "Embeddings", code: []snippet{
		post(path, `{"model": "{this}", "input": ["a refund", "an invoice"]}`),
		python(`answer = client.embeddings.create(model="{this}", input=["a refund", "an invoice"])
print(len(answer.data), len(answer.data[0].embedding))`, path),
		node(`const answer = await client.embeddings.create({ model: "{this}", input: ["a refund", "an invoice"] });
console.log(answer.data.length, answer.data[0].embedding.length);`, path),
	}}, needs: key.EmbeddingsEndpoint, purpose: embedding, without: "for embeddings"}
}

func images() use {
	const path = "/images/generations"
	return use{entry: entry{name: "Images", code: []snippet{
		post(path, `{"model": "{this}", "prompt": "a toll gate at dawn, woodcut"}`),
		python(`import base64

answer = client.images.generate(model="{this}", prompt="a toll gate at dawn, woodcut")
with open("gate.png", "wb") as file:
    file.write(base64.b64decode(answer.data[0].b64_json))`, path),
		node(`import { writeFile } from "node:fs/promises";

const answer = await client.images.generate({ model: "{this}", prompt: "a toll gate at dawn, woodcut" });
await writeFile("gate.png", Buffer.from(answer.data[0].b64_json, "base64"));`, path),
	}}, needs: key.ImagesEndpoint, purpose: drawing, without: "for images"}
}

func speech() use {
	const path = "/audio/speech"
	request := post(path, `{"model": "{this}", "voice": "alloy", "input": "Your refund is on its way."}`)
	request.code += " \\\n  --output speech.mp3"
	return use{entry: entry{name: "Speech", code: []snippet{
		request,
		python(`answer = client.audio.speech.create(model="{this}", voice="alloy", input="Your refund is on its way.")
answer.write_to_file("speech.mp3")`, path),
		node(`import { writeFile } from "node:fs/promises";

const answer = await client.audio.speech.create({ model: "{this}", voice: "alloy", input: "Your refund is on its way." });
await writeFile("speech.mp3", Buffer.from(await answer.arrayBuffer()));`, path),
	}}, needs: key.AudioEndpoint, purpose: speaking, without: "for speech"}
}

func transcription() use {
	const path = "/audio/transcriptions"
	return use{entry: entry{name: "Transcription", code: []snippet{
		curl(`curl {openai}` + path + ` \
  -H "Authorization: Bearer ${var}" \
  -F model="{this}" \
  -F file=@call.mp3`),
		python(`with open("call.mp3", "rb") as file:
    answer = client.audio.transcriptions.create(model="{this}", file=file)
print(answer.text)`, path),
		node(`import { createReadStream } from "node:fs";

const answer = await client.audio.transcriptions.create({ model: "{this}", file: createReadStream("call.mp3") });
console.log(answer.text);`, path),
	}}, needs: key.AudioEndpoint, purpose: hearing, without: "for transcription"}
}

func rerank() use {
	const path = "/rerank"
	return use{entry: entry{name: "Rerank", notes: []string{"In Cohere's form. Cohere's own SDK adds `/v2/rerank` to its base URL."}, code: []snippet{
		post(path, `{"model": "{this}", "query": "refund",
       "documents": ["Invoice 12", "Refunds take 3 days"], "top_n": 1}`),
		{"Cohere SDK", ui.Python, `import os
import cohere

client = cohere.ClientV2(
    base_url="{root}",
    api_key=os.environ["{var}"],
)
answer = client.rerank(
    model="{this}",
    query="refund",
    documents=["Invoice 12", "Refunds take 3 days"],
    top_n=1,
)
print(answer.results[0].index, answer.results[0].relevance_score)`, []string{"/v2/rerank"}},
	}}, needs: key.RerankEndpoint, purpose: reranking, without: "for reranking"}
}

func moderation() use {
	const path = "/moderations"
	return use{entry: entry{name: "Moderation", code: []snippet{
		post(path, `{"model": "{this}", "input": "{question}"}`),
		python(`answer = client.moderations.create(model="{this}", input="{question}")
print(answer.results[0].flagged)`, path),
		node(`const answer = await client.moderations.create({ model: "{this}", input: "{question}" });
console.log(answer.results[0].flagged);`, path),
	}}, needs: key.ModerationsEndpoint, purpose: moderating, without: "for moderation"}
}

func files() use {
	const path = "/files"
	return use{entry: entry{name: "Files", notes: []string{
		"Files are kept by a provider. Where more than one connected provider keeps files, name it in the header `x-tollgate-provider`.",
	}, code: []snippet{
		curl(`curl {openai}` + path + ` \
  -H "Authorization: Bearer ${var}" \
  -F purpose=user_data \
  -F file=@terms.pdf`),
		python(`with open("terms.pdf", "rb") as file:
    answer = client.files.create(purpose="user_data", file=file)
print(answer.id)`, path),
	}}, needs: key.FilesEndpoint, purpose: chatting}
}
