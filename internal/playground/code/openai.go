package code

import (
	"encoding/json"
	"strconv"
	"strings"
)

func openaiPython(c Call, body map[string]json.RawMessage) string {
	return `import os
from openai import OpenAI

client = OpenAI(
    base_url=` + text(c.Gateway+"/v1") + `,
    api_key=os.environ["TOLLGATE_KEY"],
)
answer = client.chat.completions.create(
` + pythonArguments(body) + `)
print(answer.choices[0].message.content)
`
}

func openaiScript(c Call, body map[string]json.RawMessage) string {
	return `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: ` + text(c.Gateway+"/v1") + `,
  apiKey: process.env.TOLLGATE_KEY,
});
const answer = await client.chat.completions.create({
` + scriptMembers(body) + `});
console.log(answer.choices[0].message.content);
`
}

// curl sends the body by a here-document whose word is quoted: nothing in it is read by the shell.
func curl(c Call, body map[string]json.RawMessage) string {
	word := "JSON"
	all := ordered(body)
	for strings.Contains("\n"+all+"\n", "\n"+word+"\n") {
		word += "_"
	}
	return "curl " + quoted(c.Gateway+"/v1/chat/completions") + ` \
  -H "Authorization: Bearer $TOLLGATE_KEY" \
  -H "Content-Type: application/json" \
  --data-binary @- <<'` + word + "'\n" + all + "\n" + word + "\n"
}

// quoted is a word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func plainGo(c Call, body map[string]json.RawMessage) string {
	return `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

const body = ` + strconv.Quote(compact(body)) + `

func main() {
	req, err := http.NewRequest(http.MethodPost, ` + text(c.Gateway+"/v1/chat/completions") + `, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("TOLLGATE_KEY"))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, string(answer))
}
`
}

func compact(body map[string]json.RawMessage) string {
	parts := make([]string, 0, len(body))
	for _, name := range members(body) {
		parts = append(parts, text(name)+":"+string(body[name]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// vercel names the prompt by headers: the library sends no members of ours.
func vercel(c Call, body map[string]json.RawMessage) string {
	var b strings.Builder
	b.WriteString(`import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";

const tollgate = createOpenAICompatible({
  name: "tollgate",
  baseURL: ` + text(c.Gateway+"/v1") + `,
  apiKey: process.env.TOLLGATE_KEY,
});
const { text } = await generateText({
  model: tollgate(` + string(body["model"]) + `),
`)
	for _, p := range [][2]string{{"temperature", "temperature"}, {"top_p", "topP"}, {"max_tokens", "maxOutputTokens"}} {
		if v, ok := body[p[0]]; ok {
			b.WriteString("  " + p[1] + ": " + string(v) + ",\n")
		}
	}
	system, rest := spoken(body["messages"])
	if system != "" {
		b.WriteString("  system: " + text(system) + ",\n")
	}
	if len(rest) == 0 { // the library wants a message; behind a prompt that says everything it may be a space
		b.WriteString("  prompt: \" \",\n")
	} else {
		b.WriteString("  messages: " + script(joined(rest), "  ") + ",\n")
	}
	if h := headers(body["tollgate"]); h != "" {
		b.WriteString("  headers: " + h + ",\n")
	}
	b.WriteString("});\nconsole.log(text);\n")
	return b.String()
}

// headers name a prompt and its variables. Header values are ASCII: what is not is escaped as JSON does.
func headers(own json.RawMessage) string {
	var t struct {
		Prompt struct {
			ID      string `json:"id"`
			Version int    `json:"version"`
			Label   string `json:"label"`
		} `json:"prompt"`
		Variables json.RawMessage `json:"variables"`
	}
	if len(own) == 0 || json.Unmarshal(own, &t) != nil {
		return ""
	}
	named := t.Prompt.ID
	if t.Prompt.Version > 0 {
		named += "@" + strconv.Itoa(t.Prompt.Version)
	} else if t.Prompt.Label != "" {
		named += ":" + t.Prompt.Label
	}
	out := "{\n    \"x-tollgate-prompt\": " + text(named) + ",\n"
	if len(t.Variables) > 0 {
		out += "    \"x-tollgate-prompt-variables\": " + text(ascii(string(t.Variables))) + ",\n"
	}
	return out + "  }"
}

// ascii writes characters beyond ASCII as JSON's escapes.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			b.WriteString(`\u` + strconv.FormatInt(int64(0xd800+(r>>10)), 16) + `\u` + strconv.FormatInt(int64(0xdc00+(r&0x3ff)), 16))
		default:
			b.WriteString(`\u` + ("000" + strconv.FormatInt(int64(r), 16))[len(strconv.FormatInt(int64(r), 16))-1:])
		}
	}
	return b.String()
}

// langfuse reads the prompt where the application runs, with Langfuse's own library, and asks with it.
func langfuse(c Call, body map[string]json.RawMessage) string {
	which := "label=" + text(c.Label)
	if c.Label == "" {
		which = "version=" + strconv.Itoa(c.Version)
	}
	var t struct {
		Variables map[string]json.RawMessage `json:"variables"`
	}
	_ = json.Unmarshal(body["tollgate"], &t) // none: nothing is filled in
	variables := "{}"
	if raw, err := json.Marshal(t.Variables); err == nil && len(t.Variables) > 0 {
		variables = python(raw, "")
	}
	return `# pip install langfuse openai
# LANGFUSE_HOST=` + c.Site + `
# LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY: a management token of Tollgate, as the page of the prompt says.
import os
from langfuse import get_client
from openai import OpenAI

prompt = get_client().get_prompt(` + text(c.Prompt) + `, ` + which + `)
filled = prompt.compile(**` + variables + `)
messages = filled if isinstance(filled, list) else [{"role": "system", "content": filled}]
messages += ` + python(joined(list(body["messages"])), "") + `

client = OpenAI(base_url=` + text(c.Gateway+"/v1") + `, api_key=os.environ["TOLLGATE_KEY"])
answer = client.chat.completions.create(model=` + string(body["model"]) + `, messages=messages)
print(answer.choices[0].message.content)
`
}
