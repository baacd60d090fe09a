package traits_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/provider/traits"
)

func TestTraitsOfEveryDialect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       traits.Traits
	}{
		{
			"openai-chat", `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What is \"this\"?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]}`,
			traits.Traits{Messages: 2, Images: true, Tools: 2, System: "Be brief.", Text: `What is "this"?`},
		},
		{
			"openai-chat with a schema", `{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"label":{"type":"string","enum":["a","b"]}}}}}}`,
			traits.Traits{Messages: 1, JSON: true, Enum: true, Fields: 2, Text: "a"},
		},
		{
			"openai-chat with files and sound", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"x"}},{"type":"input_audio","input_audio":{"data":"x"}},{"type":"text","text":"t"}]}]}`,
			traits.Traits{Messages: 1, Audio: true, Documents: 1, Text: "t"},
		},
		{
			"openai-responses", `{"instructions":"Sys","input":[{"role":"user","content":[{"type":"input_text","text":"hello"},{"type":"input_file","file_id":"f"},{"type":"input_image","image_url":"u"}]},{"type":"function_call_output","call_id":"c","output":"found"}],"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"}}}}`,
			traits.Traits{Messages: 2, Images: true, Documents: 1, JSON: true, Fields: 1, System: "Sys", Text: "hello"},
		},
		{"openai-responses, a text", `{"input":"hello"}`, traits.Traits{Messages: 1, Text: "hello"}},
		{"openai-completions", `{"prompt":["one","two"]}`, traits.Traits{Messages: 1, Text: "two"}},
		{
			"anthropic-messages", `{"system":[{"type":"text","text":"Sys"}],"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"x"}},{"type":"text","text":"Read it."}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"a result"}]}]}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`,
			traits.Traits{Messages: 3, Images: true, Documents: 1, JSON: true, Fields: 1, System: "Sys", Text: "Read it."},
		},
		{
			"gemini", `{"systemInstruction":{"parts":[{"text":"Sys"}]},"contents":[{"role":"user","parts":[{"text":"hi"},{"inlineData":{"mimeType":"image/png","data":"x"}},{"fileData":{"mimeType":"application/pdf","fileUri":"u"}}]},{"role":"model","parts":[{"text":"ok"}]},{"role":"user","parts":[{"text":"and now?"}]}],"tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"}]}],"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"STRING","enum":["a"]}}}`,
			traits.Traits{Messages: 3, Images: true, Documents: 1, Tools: 2, JSON: true, Enum: true, Fields: 1, System: "Sys", Text: "and now?"},
		},
		{
			"cohere", `{"messages":[{"role":"user","content":"q"}],"documents":["a",{"data":"b"}],"response_format":{"type":"json_object"}}`,
			traits.Traits{Messages: 1, Documents: 2, JSON: true, Text: "q"},
		},
		{"ollama", `{"messages":[{"role":"user","content":"q","images":["x"]}],"format":"json"}`, traits.Traits{Messages: 1, JSON: true, Text: "q"}},
		{"plain text is no JSON", `{"messages":[{"role":"user","content":"q"}],"response_format":{"type":"text"},"text":{"verbosity":"low"}}`, traits.Traits{Messages: 1, Text: "q"}},
		{"embeddings", `{"input":["a","b"]}`, traits.Traits{Messages: 1, Text: "b"}},
		{"garbage", `[1,2`, traits.Traits{}},
		{"wrong types", `{"messages":7,"tools":{"a":1},"system":true,"response_format":[1],"input":[1,[2]]}`, traits.Traits{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := traits.Scan([]byte(tt.body))
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(traits.Traits{}, "TextBytes")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextIsCountedAndPicturesAreNot(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("x", 1000)
	got := traits.Scan([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"` + words + `"},{"type":"image_url","image_url":{"url":"data:` + strings.Repeat("A", 50_000) + `"}}]},{"role":"assistant","content":"` + words + `"}]}`))
	if got.TextBytes != 2000 {
		t.Errorf("%d bytes of text", got.TextBytes)
	}
}

func TestALongPromptIsKeptByItsBeginningAndItsEnd(t *testing.T) {
	t.Parallel()
	text := "Summarize this: " + strings.Repeat("wörter \\n ", 5000) + " In three points."
	got := traits.Scan([]byte(`{"messages":[{"role":"user","content":"` + text + `"}],"system":"` + strings.Repeat("s", 5000) + `"}`))
	if len(got.Text) > traits.TextMax || !strings.HasPrefix(got.Text, "Summarize this: ") || !strings.HasSuffix(got.Text, " In three points.") || !utf8.ValidString(got.Text) {
		t.Errorf("%d bytes: %.40q … %q", len(got.Text), got.Text, got.Text[max(0, len(got.Text)-40):])
	}
	if len(got.System) > traits.SystemMax {
		t.Errorf("%d bytes of instructions", len(got.System))
	}
}

func TestEscapesAreRead(t *testing.T) {
	t.Parallel()
	got := traits.Scan([]byte(`{"prompt":"a\tb\u00e9\ud83d\ude00\/\\ \ud83d x"}`))
	if got.Text != "a\tbé😀/\\ \ufffd x" {
		t.Errorf("%q", got.Text)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"a\u00"}]}],"tools":[{}],"generationConfig":{"responseSchema":{}}}`))
	f.Add([]byte(`{"prompt":"\ud83d\`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := traits.Scan(body)
		if len(got.Text) > traits.TextMax || len(got.System) > traits.SystemMax+len("\n") {
			t.Errorf("%d and %d bytes are kept", len(got.Text), len(got.System))
		}
		if got.TextBytes < 0 || got.Tools < 0 || got.TextBytes > 8*int64(len(body)) {
			t.Errorf("%+v of %d bytes", got, len(body))
		}
	})
}

func BenchmarkScan(b *testing.B) {
	body := []byte(`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"` + strings.Repeat("word ", 40_000) + `"}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		traits.Scan(body)
	}
}
