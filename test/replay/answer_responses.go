package replay

import (
	"encoding/json"
	"strings"
)

// responsesItem is one item of a Responses answer.
type responsesItem struct {
	Type    string `json:"type"`
	Content []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	} `json:"content"`
	Summary []struct {
		Text string `json:"text"`
	} `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Space     string          `json:"namespace"`
	Arguments json.RawMessage `json:"arguments"` // a string where a function is called
	Input     string          `json:"input"`
	Status    string          `json:"status"`
	Action    struct {
		Type string `json:"type"`
	} `json:"action"`
}

// name is the function's; one of a namespace has that in front, as clients of dialects without namespaces are told it.
func (it responsesItem) name() string {
	if it.Space != "" {
		return it.Space + "--ns--" + it.Name
	}
	return it.Name
}

type responsesObject struct {
	ID         string          `json:"id"`
	Model      string          `json:"model"`
	Status     string          `json:"status"`
	Output     []responsesItem `json:"output"`
	Usage      json.RawMessage `json:"usage"`
	Error      json.RawMessage `json:"error"`
	Incomplete struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

func (r responsesObject) finish() string {
	if r.Status == "incomplete" {
		return r.Incomplete.Reason
	}
	return r.Status
}

func responsesWhole(body []byte) Answer {
	var a Answer
	var r responsesObject
	if json.Unmarshal(body, &r) != nil {
		a.Error = "no JSON"
		return a
	}
	if present(r.Error) {
		a.Error = problem(r.Error)
		return a
	}
	if r.Output == nil && r.ID == "" { // another vendor's envelope
		a.Error = string(body)
		return a
	}
	a.ID, a.Model, a.Done, a.Finish, a.Usage = r.ID, r.Model, true, r.finish(), ResponsesUsage(r.Usage)
	for _, it := range r.Output {
		a.item(it)
	}
	a.Usage.WebSearch = searches(r.Usage, r.Output)
	return a
}

// item adds a whole item.
func (a *Answer) item(it responsesItem) {
	switch it.Type {
	case "message":
		for _, c := range it.Content {
			a.Text += c.Text
			a.Refusal += c.Refusal
		}
	case "reasoning":
		for _, s := range it.Summary {
			a.Reasoning += s.Text
		}
		for _, c := range it.Content {
			a.Reasoning += c.Text
		}
		a.sign(it.Encrypted)
	case "function_call":
		a.Tools = append(a.Tools, Tool{ID: it.CallID, Name: it.name(), Args: text(it.Arguments)})
	case "custom_tool_call":
		args, _ := json.Marshal(it.Input)
		a.Tools = append(a.Tools, Tool{ID: it.CallID, Name: it.Name, Args: string(args)})
	}
}

// searches counts hosted web searches.
func searches(usage json.RawMessage, items []responsesItem) int64 {
	var o object
	_ = json.Unmarshal(usage, &o)
	if n, ok := o.at("server_side_tool_usage_details", "web_search_calls"); ok {
		return n
	}
	var n int64
	for _, it := range items {
		if it.Type == "web_search_call" && (it.Action.Type == "" || it.Action.Type == "search") {
			n++
		}
	}
	return n
}

// responsesStream reads the deltas; what the last event repeats is not looked at, but for the usage.
func responsesStream(body []byte) Answer {
	var a Answer
	var items []responsesItem
	calls := map[int]int{}
	for _, ev := range Events(body) {
		var e struct {
			Type     string          `json:"type"`
			Index    int             `json:"output_index"`
			Delta    string          `json:"delta"`
			Item     responsesItem   `json:"item"`
			Response responsesObject `json:"response"`
			Message  string          `json:"message"`
			Error    json.RawMessage `json:"error"`
		}
		if ev.Data == "" || json.Unmarshal([]byte(ev.Data), &e) != nil {
			continue
		}
		switch e.Type {
		case "response.created":
			a.ID, a.Model = e.Response.ID, e.Response.Model
		case "response.output_text.delta":
			a.Text += e.Delta
		case "response.refusal.delta":
			a.Refusal += e.Delta
		case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
			a.Reasoning += e.Delta
		case "response.output_item.added":
			if e.Item.Type == "function_call" || e.Item.Type == "custom_tool_call" {
				calls[e.Index] = len(a.Tools)
				a.Tools = append(a.Tools, Tool{ID: e.Item.CallID, Name: e.Item.name()})
			}
		case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
			if i, ok := calls[e.Index]; ok {
				a.Tools[i].Args += e.Delta
			}
		case "response.output_item.done":
			items = append(items, e.Item)
			a.sign(e.Item.Encrypted)
			if i, ok := calls[e.Index]; ok && a.Tools[i].Args == "" {
				a.Tools[i].Args = text(e.Item.Arguments)
			}
			if e.Item.Type == "custom_tool_call" {
				if i, ok := calls[e.Index]; ok {
					args, _ := json.Marshal(e.Item.Input)
					a.Tools[i].Args = string(args)
				}
			}
		case "response.completed", "response.incomplete":
			a.Done, a.Finish, a.Usage = true, e.Response.finish(), ResponsesUsage(e.Response.Usage)
			a.Usage.WebSearch = searches(e.Response.Usage, items)
			if a.ID == "" {
				a.ID, a.Model = e.Response.ID, e.Response.Model
			}
		case "response.failed":
			a.Error = problem(e.Response.Error)
		case "error":
			if a.Error = e.Message; a.Error == "" {
				a.Error = problem(e.Error)
			}
		}
	}
	return a
}

// ResponsesUsage reads the usage object of the Responses API: cached and written tokens are inside input_tokens, reasoning inside
// output_tokens.
func ResponsesUsage(raw json.RawMessage) Usage {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return Usage{}
	}
	in, hasIn := o.at("input_tokens")
	out, hasOut := o.at("output_tokens")
	if !hasIn && !hasOut {
		return Usage{}
	}
	u := Usage{Known: true}
	thought, _ := o.at("output_tokens_details", "reasoning_tokens")
	if total, ok := o.at("total_tokens"); ok && total > in+out && total-in-out == thought {
		out += thought
	}
	u.CacheRead = min(o.most(path("input_tokens_details", "cached_tokens")), in)
	u.CacheWrite5m = min(o.most(path("input_tokens_details", "cache_write_tokens")), in-u.CacheRead)
	u.Input = in - u.CacheRead - u.CacheWrite5m
	u.Reasoning = min(thought, out)
	u.Output = out - u.Reasoning
	return u
}

// told is what a body says that its call cost, in dollars. It is looked for in its last JSON object with a usage.
func told(stream bool, body []byte) string {
	if !stream {
		return toldBy(body)
	}
	cost := ""
	for _, e := range Events(body) {
		if c := toldBy([]byte(e.Data)); c != "" {
			cost = c
		}
	}
	return cost
}

func toldBy(body []byte) string {
	var v struct {
		Usage    map[string]json.RawMessage `json:"usage"`
		Response struct {
			Usage map[string]json.RawMessage `json:"usage"`
		} `json:"response"`
		Metadata map[string]json.RawMessage `json:"usageMetadata"`
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, usage := range []map[string]json.RawMessage{v.Usage, v.Response.Usage, v.Metadata} {
		if raw := string(usage["cost"]); raw != "" && raw != "null" {
			var parts struct {
				Total json.Number `json:"total_cost"`
			}
			if strings.HasPrefix(raw, "{") {
				_ = json.Unmarshal([]byte(raw), &parts)
				return parts.Total.String()
			}
			return raw
		}
		var gateway struct {
			Estimate json.Number `json:"cost_estimate"`
		}
		if json.Unmarshal(usage["pydantic_ai_gateway"], &gateway) == nil && gateway.Estimate != "" {
			return gateway.Estimate.String()
		}
		if ticks := string(usage["cost_in_usd_ticks"]); ticks != "" {
			return ticks + "e-10"
		}
	}
	return ""
}
