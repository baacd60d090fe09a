package gemini_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/providertest"
)

// Reasoning is asked for in the form that each generation of models takes.
func TestReasoningInTheFormOfTheModel(t *testing.T) {
	t.Parallel()
	off := &chat.ReasoningOptions{Effort: "none"}
	low, medium, most := &chat.ReasoningOptions{Effort: "low"}, &chat.ReasoningOptions{Effort: "medium"}, &chat.ReasoningOptions{Effort: "xhigh"}
	least, budget, adaptive := &chat.ReasoningOptions{Effort: "minimal"}, &chat.ReasoningOptions{Budget: 100}, &chat.ReasoningOptions{Adaptive: true}
	tests := []struct {
		model string
		asked *chat.ReasoningOptions
		want  string
	}{
		{"gemini-2.5-flash", nil, ``},
		{"gemini-2.5-flash", off, `{"thinkingBudget":0}`},
		{"gemini-2.5-pro", off, `{"thinkingBudget":128}`},
		{"gemini-2.5-flash", most, `{"thinkingBudget":24576,"includeThoughts":true}`},
		{"gemini-2.5-pro", most, `{"thinkingBudget":32768,"includeThoughts":true}`},
		{"gemini-2.5-pro", budget, `{"thinkingBudget":128,"includeThoughts":true}`},
		{"gemini-2.5-flash-lite", budget, `{"thinkingBudget":512,"includeThoughts":true}`},
		{"models/gemini-2.5-flash", budget, `{"thinkingBudget":100,"includeThoughts":true}`},
		{"gemini-2.5-flash", adaptive, `{"thinkingBudget":-1,"includeThoughts":true}`},
		{"gemini-2.5-flash-image", low, ``},
		{"gemini-2.5-flash-preview-tts", low, ``},
		{"gemini-2.0-flash-001", low, ``},
		{"gemini-1.5-pro", low, ``},
		{"gemma-3-27b-it", low, ``},
		{"tunedModels/mine", low, ``},
		{"gemini-exp-1206", low, ``},
		{"gemini-3-flash-preview", off, `{"thinkingLevel":"minimal"}`},
		{"gemini-3-pro-preview", off, `{"thinkingLevel":"low"}`},
		{"gemini-3-pro-preview", least, `{"thinkingLevel":"low","includeThoughts":true}`},
		{"gemini-3-flash-preview", least, `{"thinkingLevel":"minimal","includeThoughts":true}`},
		{"gemini-3-pro-preview", medium, `{"thinkingLevel":"high","includeThoughts":true}`},
		{"gemini-3.1-pro-preview", medium, `{"thinkingLevel":"medium","includeThoughts":true}`},
		{"gemini-3.5-flash", most, `{"thinkingLevel":"high","includeThoughts":true}`},
		{"gemini-3.5-flash", adaptive, `{"includeThoughts":true}`},
		{"gemini-flash-latest", budget, `{"thinkingLevel":"low","includeThoughts":true}`},
	}
	for _, tt := range tests {
		r := chat.Request{Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "Q"}}}}, Reasoning: tt.asked}
		built, err := gemini.Dialect{}.BuildRequest(r.Aimed(tt.model, false, chat.Encoding{}))
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Config struct {
				Thinking json.RawMessage `json:"thinkingConfig"`
			} `json:"generationConfig"`
		}
		if err := json.Unmarshal(built, &out); err != nil || string(out.Config.Thinking) != tt.want {
			t.Errorf("%s asked for %+v: %s, want %s", tt.model, tt.asked, out.Config.Thinking, tt.want)
		}
	}
}

// Where a call may lose what the API does not take, the rest of it is sent, and the loss is noted.
func TestTooManyStopSequencesAreCut(t *testing.T) {
	t.Parallel()
	var dropped []string
	r := chat.Request{
		Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "Q"}}}}, Stop: []string{"a", "b", "c", "d", "e", "f"},
	}
	built, err := gemini.Dialect{}.BuildRequest(r.Aimed("gemini-2.5-flash", false, chat.Encoding{DropUnsupported: true, Dropped: &dropped}))
	const want = `{"contents":[{"role":"user","parts":[{"text":"Q"}]}],"generationConfig":{"stopSequences":["a","b","c","d","e"]}}`
	if err != nil || string(built) != want || len(dropped) != 1 || dropped[0] != "stop" {
		t.Errorf("%s, %v, %v", built, dropped, err)
	}
}

func TestAllowedFunctionsAreAChoice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		names string
		want  chat.ToolChoice
		left  bool
	}{
		{`["f"]`, chat.ToolChoice{Mode: "tool", Name: "f"}, false},
		{`["f","g","h"]`, chat.ToolChoice{Mode: "required"}, false},
		{`["f","g"]`, chat.ToolChoice{Mode: "required"}, true},
		{`[]`, chat.ToolChoice{Mode: "required"}, false},
	}
	for _, tt := range tests {
		r, err := gemini.Dialect{}.ParseRequest([]byte(`{"contents":[{"parts":[{"text":"Q"}]}],"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}],` +
			`"toolConfig":{"functionCallingConfig":{"mode":"any","allowedFunctionNames":` + tt.names + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, left := r.Unmapped["toolConfig.functionCallingConfig.allowedFunctionNames"]; r.Choice != tt.want || left != tt.left {
			t.Errorf("%s: %+v, left over: %v", tt.names, r.Choice, left)
		}
	}
}

// Other candidates have no place in a translated answer; a picture counts as the tokens it is, not by its size, in what a cut stream
// is estimated from.
func TestOtherCandidatesAndPicturesInAStream(t *testing.T) {
	t.Parallel()
	stream := []byte("data: {\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"text\":\"no\"}]}},{\"index\":0,\"content\":{\"parts\":[{\"text\":\"yes\"}]},\"finishReason\":\"STOP\"}]}\n\n")
	events, err := providertest.Read(gemini.Dialect{}.NewReader(), stream)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := providertest.Fold(events); err != nil || saidOf(got).Text != "yes" {
		t.Errorf("%+v, %v", got, err)
	}
	picture, _ := json.Marshal(make([]byte, 1<<20))
	chunk := "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":" + string(picture) + "}}]}}]}\n\n"
	if _, seen := tapped(provider.Head{Stream: true}, []byte(chunk), 1<<20); seen.OutputBytes > 10000 || !seen.Started {
		t.Errorf("a picture counts %d bytes", seen.OutputBytes)
	}
}
