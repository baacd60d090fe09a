package langfuse_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/langfuse"
	"tollgate/internal/prompt/template"
)

// shelf is a library of texts by name, each with version 1 in production.
type shelf map[string]prompt.Content

func (s shelf) Named(name string) (prompt.Prompt, bool) {
	_, ok := s[name]
	return prompt.Prompt{ID: id.Prompt("prompt_" + name), Name: name, Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}}, ok
}

func (s shelf) Prompt(which id.Prompt) (prompt.Prompt, bool) {
	return s.Named(strings.TrimPrefix(string(which), "prompt_"))
}

func (s shelf) Content(which id.Prompt, _ int) (prompt.Content, bool) {
	c, ok := s[strings.TrimPrefix(string(which), "prompt_")]
	return c, ok
}

func text(s string) json.RawMessage {
	raw, _ := json.Marshal(s)
	return raw
}

func told(t *testing.T, lib prompt.Library, c prompt.Content) (langfuse.Prompt, error) {
	t.Helper()
	kind := prompt.Text
	if c.Messages != nil {
		kind = prompt.Chat
	}
	p := prompt.Prompt{ID: "prompt_x", Name: "x", Kind: kind, Latest: 1}
	return langfuse.Resolved(lib, p, prompt.Version{Number: 1, Content: c})
}

// asSDK is what Langfuse's Python SDK makes of a text: the first two braces and the next two after them, and what stands between, trimmed.
func asSDK(content string, values map[string]string) string {
	var out strings.Builder
	for {
		from := strings.Index(content, "{{")
		if from < 0 {
			return out.String() + content
		}
		to := strings.Index(content[from:], "}}")
		if to < 0 {
			return out.String() + content
		}
		to += from
		out.WriteString(content[:from])
		if v, ok := values[strings.TrimSpace(content[from+2:to])]; ok {
			out.WriteString(v)
		} else {
			out.WriteString(content[from : to+2])
		}
		content = content[to+2:]
	}
}

// Whatever text a client sends: it is refused, or the gateway renders what the client's own SDK would have compiled, and what is handed out
// again compiles to the same.
func TestTextMeansTheSameOnBothSides(t *testing.T) {
	t.Parallel()
	parts := []string{"{{a}}", "{{ b }}", "{{", "}}", "{", "}", "\\", "\n", " ", "x", "é", "~", "#", "!", ">", "{{#a}}", "{{/a}}", "{{{a}}}", "\"", "{{if}}", "{{c d}}"}
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		sent := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 8).Draw(t, "parts"), "")
		d, err := langfuse.Read(langfuse.Said{Prompt: text(sent)})
		if err != nil {
			return
		}
		compiled, mistakes := prompt.Compile(d.Content, nil)
		if len(mistakes) > 0 {
			if strings.Contains(sent, "{{if}}") { // a word of our language is no name: saving it says so
				return
			}
			t.Fatalf("%q became %q, which does not compile: %v", sent, d.Content.Text, mistakes)
		}
		accepted++
		values := map[string]string{"a": "A{{b}}", "b": "", "if": "IF"}
		send := map[string]json.RawMessage{}
		for _, v := range d.Content.Variables {
			send[v.Name] = text(values[v.Name])
		}
		got, err := compiled.Render(send)
		if err != nil {
			t.Fatal(err)
		}
		if want := asSDK(sent, values); got[0].Text != want {
			t.Fatalf("%q: the gateway renders %q, the SDK %q", sent, got[0].Text, want)
		}
		back, err := langfuse.Resolved(shelf{}, prompt.Prompt{Kind: prompt.Text, Latest: 1}, prompt.Version{Number: 1, Content: d.Content})
		if err != nil {
			t.Fatalf("%q cannot be handed out again: %v", sent, err)
		}
		if again := asSDK(back.Prompt.(string), values); again != got[0].Text {
			t.Fatalf("%q is handed out as %q, which compiles to %q", sent, back.Prompt, again)
		}
	})
	if accepted == 0 {
		t.Error("no text was accepted")
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{{a}}", "{{ a }}b{{", "@@@langfusePrompt:name=a|version=1@@@", "@@@langfusePrompt:", `\{{a}}`, "{{{a}}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, names, err := langfuse.Template(s)
		if err == nil && len(names) > 0 && !strings.Contains(out, "{{"+names[0]+"}}") {
			t.Errorf("%q names %q and became %q", s, names, out)
		}
	})
}

func TestWhatHasNoMeaningIsRefusedByName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, kind, prompt, config, says string }{
		{"a section, which one SDK reads and the other does not", "text", `"{{#a}}x{{/a}}"`, "", "{{#a}} is no variable"},
		{"three braces", "text", `"{{{a}}}"`, "", "{{{a}}"},
		{"braces that stay open", "text", `"a {{b"`, "", "not closed"},
		{"a backslash that would eat the braces", "text", `"\\{{a}}"`, "", "backslash"},
		{"a path", "text", `"{{a.b}}"`, "", "{{a.b}} is no variable"},
		{"a tag without a name", "text", `"@@@langfusePrompt:version=1@@@"`, "", "names no prompt"},
		{"a tag that stays open", "text", `"@@@langfusePrompt:name=a"`, "", "names no prompt"},
		{"messages in a text prompt", "text", `[]`, "", "is a string"},
		{"a text in a chat prompt", "chat", `"x"`, "", "list of messages"},
		{"a message with more than we keep", "chat", `[{"role":"user","content":"x","tool_calls":[]}]`, "", "Nothing else can be kept"},
		{"a message without content", "chat", `[{"role":"user"}]`, "", "a role and a content"},
		{"another type", "image", `"x"`, "", "is no type"},
		{"a config that is no object", "text", `"x"`, `[1]`, "must be an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := langfuse.Read(langfuse.Said{Type: tt.kind, Prompt: json.RawMessage(tt.prompt), Config: json.RawMessage(tt.config)})
			if !errors.Is(err, langfuse.ErrSaid) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("err = %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// What the SDKs would make another text of is not handed out.
func TestWhatTheSDKsCannotCompileIsRefused(t *testing.T) {
	t.Parallel()
	declared := func(v template.Variable) []template.Variable { return []template.Variable{v} }
	s := template.Variable{Name: "a", Kind: template.String}
	tests := []struct {
		name string
		c    prompt.Content
		says string
	}{
		{"a condition", prompt.Content{Text: "{{#if a}}x{{/if}}", Variables: declared(s)}, "condition"},
		{"a loop", prompt.Content{Text: "{{#each a as b}}x{{/each}}", Variables: declared(template.Variable{Name: "a", Kind: template.List})}, "loop"},
		{"a section", prompt.Content{Text: "{{#a}}x{{/a}}", Variables: declared(s)}, "section"},
		{"an escaped hole", prompt.Content{Text: "{{a | json}}", Variables: declared(s)}, "json"},
		{"a version that escapes", prompt.Content{Text: "{{a}}", Escape: template.XML, Variables: declared(s)}, "xml"},
		{"a part of a value", prompt.Content{Text: "{{a.b}}", Variables: declared(template.Variable{Name: "a", Kind: template.Any})}, "part of the variable"},
		{"a kind that each language writes its own way", prompt.Content{Text: "{{a}}", Variables: declared(template.Variable{Name: "a", Kind: template.Boolean})}, "boolean"},
		{"a default that they do not know", prompt.Content{Text: "{{a}}", Variables: declared(template.Variable{Name: "a", Kind: template.String, Default: json.RawMessage(`"x"`)})}, "default"},
		{"two braces that mean nothing", prompt.Content{Text: `\{{x}}`}, "two braces"},
		{"a brace with a space before the hole of a part means nothing", prompt.Content{Text: "{ {{> part}}", Variables: declared(s)}, ""},
	}
	lib := shelf{"part": {Text: "{{a}}", Variables: declared(s)}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := told(t, lib, tt.c)
			if tt.says == "" {
				if err != nil {
					t.Errorf("err = %v", err)
				}
				return
			}
			if !errors.Is(err, langfuse.ErrLogic) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "x-tollgate-prompt") {
				t.Errorf("err = %v, want one that says %q and what to do", err, tt.says)
			}
		})
	}
}

// A brace that a part of a prompt puts before a hole would become a sign of Mustache's.
func TestABraceBeforeAHoleIsRefused(t *testing.T) {
	t.Parallel()
	lib := shelf{"brace": {Text: "{"}}
	_, err := told(t, lib, prompt.Content{Text: "{{> brace}}{{a}}", Variables: []template.Variable{{Name: "a", Kind: template.String}}})
	if !errors.Is(err, langfuse.ErrLogic) {
		t.Errorf("err = %v", err)
	}
}

func TestAChatPromptComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	sent := `[{"role":"system","content":"You are {{ who }}."},{"type":"placeholder","name":"history"},{"type":"chatmessage","role":"user","content":"{{q}}"}]`
	d, err := langfuse.Read(langfuse.Said{Type: "chat", Prompt: json.RawMessage(sent)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := told(t, shelf{}, d.Content)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		langfuse.Message{Type: "chatmessage", Role: "system", Content: "You are {{who}}."},
		langfuse.Placeholder{Type: "placeholder", Name: "history"},
		langfuse.Message{Type: "chatmessage", Role: "user", Content: "{{q}}"},
	}
	if diff := cmp.Diff(want, got.Prompt); diff != "" || got.Type != "chat" || got.ResolutionGraph != nil || got.Labels == nil || got.Tags == nil {
		t.Errorf("%s %+v", diff, got)
	}
	for _, v := range d.Content.Variables {
		if !v.Required || v.Kind != template.String {
			t.Errorf("%+v is not a text that is required", v)
		}
	}
}

// A config comes back as it was sent, and what calls can use is where they look for it.
func TestAConfigComesBackWhole(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{
		`{}`,
		`{"model":"gpt-4o","temperature":0.70,"top_p":1,"languages":["de","en"],"nested":{"a":null}}`,
		`{"model":"","temperature":"warm","stop":["\n"],"max_tokens":1e2,"seed":-1}`,
		`{"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto"}`,
		`{"tools":[],"tool_choice":7}`,
		`{"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}}`,
		`{"response_format":{"type":"json_object"}}`,
		`{"response_format":"text","model":{"name":"x"}}`,
	} {
		d, err := langfuse.Read(langfuse.Said{Prompt: text("x"), Config: json.RawMessage(sent)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := told(t, shelf{}, d.Content)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal([]byte(sent), &a) != nil || json.Unmarshal(got.Config, &b) != nil || !cmp.Equal(a, b) {
			t.Errorf("%s came back as %s", sent, got.Config)
		}
	}
	d, err := langfuse.Read(langfuse.Said{Prompt: text("x"), Config: json.RawMessage(
		`{"model":"fast","temperature":0.2,"tools":[{"type":"function"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"mine":1}`)})
	c := d.Content
	if err != nil || c.Alias != "fast" || string(c.Parameters) != `{"temperature":0.2}` || string(c.Tools) != `[{"type":"function"}]` || string(c.Schema) != `{"type":"object"}` ||
		!strings.Contains(string(c.Config), `"mine":1`) || strings.Contains(string(c.Config), "temperature") {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestOtherPromptsAreResolvedOrLeftAsTags(t *testing.T) {
	t.Parallel()
	a := template.Variable{Name: "a", Kind: template.Number, Required: true}
	lib := shelf{
		"inner": {Text: "[{{a}}]", Variables: []template.Variable{a}},
		"outer": {Text: "<{{> inner@1}}>", Variables: []template.Variable{a}, Refs: map[string]prompt.Ref{"inner@1": {Prompt: "prompt_inner", Version: 1}}},
	}
	sent := "A @@@langfusePrompt:name=outer|label=production@@@ B"
	d, err := langfuse.Read(langfuse.Said{Prompt: text(sent)})
	if err != nil {
		t.Fatal(err)
	}
	d.Complete(lib)
	if diff := cmp.Diff([]template.Variable{a}, d.Content.Variables); diff != "" {
		t.Error("what a part needs is not declared: " + diff)
	}
	d.Content.Refs = map[string]prompt.Ref{"outer:production": {Prompt: "prompt_outer", Label: "production"}}
	got, err := told(t, lib, d.Content)
	if err != nil || got.Prompt != "A <[{{a}}]> B" {
		t.Fatalf("%v, %v", got.Prompt, err)
	}
	want := &langfuse.Graph{
		Root: langfuse.Node{ID: "prompt_x@1", Name: "x", Version: 1},
		Dependencies: map[string][]langfuse.Node{
			"prompt_x@1":     {{ID: "prompt_outer@1", Name: "outer", Version: 1}},
			"prompt_outer@1": {{ID: "prompt_inner@1", Name: "inner", Version: 1}},
		},
	}
	if diff := cmp.Diff(want, got.ResolutionGraph); diff != "" {
		t.Error(diff)
	}
	raw, err := langfuse.Raw(lib, prompt.Prompt{Kind: prompt.Text}, prompt.Version{Number: 1, Content: d.Content})
	if err != nil || raw.Prompt != sent || raw.ResolutionGraph != nil {
		t.Errorf("raw: %v, %v", raw.Prompt, err)
	}
	delete(lib, "inner")
	if _, err := told(t, lib, d.Content); !errors.Is(err, prompt.ErrUnusable) {
		t.Errorf("without the inner part: %v", err)
	}
}

// A version that is written by an SDK keeps what the SDK cannot say.
func TestADraftKeepsWhatAnEarlierVersionSaid(t *testing.T) {
	t.Parallel()
	d, err := langfuse.Read(langfuse.Said{Prompt: text("{{a}} {{b}} {{c}}")})
	if err != nil {
		t.Fatal(err)
	}
	tone := template.Variable{Name: "a", Kind: template.Enum, Values: []string{"kind"}, Description: "tone"}
	cases := []prompt.Case{{Name: "c"}}
	d.Like(prompt.Content{Variables: []template.Variable{tone, {Name: "b", Kind: template.Boolean}}, Cases: cases})
	want := []template.Variable{tone, {Name: "b", Kind: template.String, Required: true}, {Name: "c", Kind: template.String, Required: true}}
	if diff := cmp.Diff(want, d.Content.Variables); diff != "" || len(d.Content.Cases) != 1 {
		t.Error(diff, d.Content.Cases)
	}
}

func TestAListTellsTheVersionsThatALabelSelects(t *testing.T) {
	t.Parallel()
	p := prompt.Prompt{Name: "x", Kind: prompt.Text, Latest: 3, Labels: map[string]int{"production": 2, "staging": 3}}
	all, err := langfuse.MetaOf(p, "", prompt.Version{Content: prompt.Content{Alias: "fast"}})
	if err != nil || !cmp.Equal(all.Versions, []int{1, 2, 3}) || !cmp.Equal(all.Labels, []string{"production", "staging", "latest"}) || string(all.LastConfig) != `{"model":"fast"}` {
		t.Errorf("%+v %v", all, err)
	}
	one, err := langfuse.MetaOf(p, "production", prompt.Version{})
	if err != nil || !cmp.Equal(one.Versions, []int{2}) || !cmp.Equal(one.Labels, []string{"production"}) || string(one.LastConfig) != `{}` {
		t.Errorf("%+v %v", one, err)
	}
}
