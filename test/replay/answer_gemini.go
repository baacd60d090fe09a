package replay

import (
	"bytes"
	"encoding/json"
	"strings"
)

type geminiObject struct {
	Candidates []struct {
		Index   int `json:"index"`
		Content struct {
			Parts []geminiPart `json:"parts"`
		} `json:"content"`
		Finish    geminiReason    `json:"finishReason"`
		Grounding json.RawMessage `json:"groundingMetadata"`
	} `json:"candidates"`
	Prompt struct {
		Block string `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage json.RawMessage `json:"usageMetadata"`
	Model string          `json:"modelVersion"`
	ID    string          `json:"responseId"`
	Error json.RawMessage `json:"error"`
}

// geminiReason is a word, or its number where the client asked for numbers.
type geminiReason string

func (r *geminiReason) UnmarshalJSON(raw []byte) error {
	words := map[string]geminiReason{"1": "STOP", "2": "MAX_TOKENS", "3": "SAFETY", "4": "RECITATION"}
	if w, ok := words[string(raw)]; ok {
		*r = w
		return nil
	}
	return json.Unmarshal(raw, (*string)(r))
}

type geminiPart struct {
	Text      string `json:"text"`
	Thought   bool   `json:"thought"`
	Signature string `json:"thoughtSignature"`
	Call      *struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
}

func geminiWhole(body []byte) Answer {
	var g geminiObject
	if json.Unmarshal(body, &g) != nil {
		return Answer{Error: "no JSON"}
	}
	var a Answer
	a.gemini(g)
	a.Done = a.Error == ""
	return a
}

func (a *Answer) gemini(g geminiObject) {
	if present(g.Error) {
		a.Error = problem(g.Error)
		return
	}
	if a.ID == "" {
		a.ID, a.Model = g.ID, g.Model
	}
	if u := GeminiUsage(g.Usage); u != (Usage{}) {
		a.Usage = u
	}
	defer func() {
		if a.searched { // a grounded prompt is one
			a.Usage.WebSearch = 1
		}
	}()
	if g.Prompt.Block != "" && a.Finish == "" {
		a.Finish = "SAFETY"
	}
	for _, c := range g.Candidates {
		if c.Index != 0 {
			continue
		}
		var grounds struct {
			Queries []string `json:"webSearchQueries"`
		}
		if _ = json.Unmarshal(c.Grounding, &grounds); len(grounds.Queries) > 0 {
			a.searched = true
		}
		if c.Finish != "" {
			a.Finish = string(c.Finish)
		}
		for _, p := range c.Content.Parts {
			switch {
			case p.Call != nil:
				args := string(p.Call.Args)
				if args == "" {
					args = "{}"
				}
				a.Tools = append(a.Tools, Tool{ID: p.Call.ID, Name: p.Call.Name, Args: args})
			case p.Thought:
				a.Reasoning += p.Text
			default:
				a.Text += p.Text
			}
			a.sign(p.Signature)
		}
	}
}

// geminiStream reads server-sent events, or one array of the same objects. Nothing stands behind the last: a stream is over when a
// candidate has finished and the array, if it is one, is closed.
func geminiStream(body []byte) Answer {
	var a Answer
	if trimmed := bytes.TrimSpace(body); bytes.HasPrefix(trimmed, []byte("[")) {
		var list []geminiObject
		closed := json.Unmarshal(trimmed, &list) == nil
		if !closed { // cut: what stands before the cut counts
			d := json.NewDecoder(bytes.NewReader(trimmed))
			_, _ = d.Token()
			for d.More() {
				var g geminiObject
				if d.Decode(&g) != nil {
					break
				}
				list = append(list, g)
			}
		}
		for _, g := range list {
			a.gemini(g)
		}
		a.Done = closed && a.Finish != "" && a.Error == ""
		return a
	}
	for _, e := range Events(body) {
		var g geminiObject
		if e.Data != "" && json.Unmarshal([]byte(e.Data), &g) == nil {
			a.gemini(g)
		} else if e.Data == "" && strings.HasPrefix(strings.TrimSpace(string(e.Raw)), "{") && json.Unmarshal(e.Raw, &g) == nil {
			a.gemini(g) // an error instead of a stream
		}
	}
	a.Done = a.Finish != "" && a.Error == ""
	return a
}

// GeminiUsage reads usageMetadata: cached tokens and audio are inside promptTokenCount; thoughts and what tools read stand beside the
// other counts, unless the total shows the thoughts inside.
func GeminiUsage(raw json.RawMessage) Usage {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return Usage{}
	}
	prompt, hasPrompt := o.at("promptTokenCount")
	out, hasOut := o.at("candidatesTokenCount")
	thoughts, hasThoughts := o.at("thoughtsTokenCount")
	if !hasPrompt && !hasOut && !hasThoughts {
		return Usage{}
	}
	tools, _ := o.at("toolUsePromptTokenCount")
	cached, _ := o.at("cachedContentTokenCount")
	u := Usage{Known: hasPrompt, Reasoning: thoughts, Output: out}
	if total, ok := o.at("totalTokenCount"); ok {
		switch rest := total - prompt - tools - thoughts - out; {
		case rest > 0:
			u.Output += rest
		case rest < 0 && rest == -thoughts:
			u.Output -= thoughts
		}
	}
	u.CacheRead = cached
	u.InputAudio = max(modality(o, "promptTokensDetails", "AUDIO")-modality(o, "cacheTokensDetails", "AUDIO"), 0)
	u.InputImage = max(modality(o, "promptTokensDetails", "IMAGE")-modality(o, "cacheTokensDetails", "IMAGE"), 0)
	u.Input = prompt + tools - cached - u.InputAudio - u.InputImage
	if o := modality(o, "candidatesTokensDetails", "IMAGE"); o > 0 {
		u.OutputImage = o
		u.Output -= o
	}
	return u
}

func modality(o object, list, kind string) int64 {
	var n int64
	parts, _ := o[list].([]any)
	for _, p := range parts {
		m, _ := p.(map[string]any)
		if m["modality"] == kind || m["modality"] == map[string]float64{"AUDIO": 4, "IMAGE": 2}[kind] {
			count, _ := object(m).at("tokenCount")
			n += count
		}
	}
	return n
}
