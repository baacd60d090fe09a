package bound_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/bound"
	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// field is what a refusal names.
func field(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code + " " + f.Field
	}
	return err.Error()
}

type rates map[chat.Class]money.Price

func (r rates) list() (out price.Rates) {
	for c, p := range r {
		out = out.Set(c, p)
	}
	return out
}

// The prices of these tests: whole dollars a million, so that a token costs a thousand nano-dollars a dollar.
const dollar money.Price = 1_000_000

var (
	plainRates = rates{chat.Input: dollar, chat.CacheRead: dollar / 10, chat.Output: 5 * dollar}
	toolRates  = rates{
		chat.Input: dollar, chat.CacheRead: dollar / 10, chat.CacheWrite5m: dollar * 5 / 4, chat.CacheWrite1h: 2 * dollar, chat.Output: 5 * dollar,
		chat.WebSearch: 10_000 * dollar, chat.FileSearch: 2_500 * dollar, chat.CodeSession: 30_000 * dollar,
	}
)

func prices() *price.Book {
	model := func(provider, name string, r rates) price.Record {
		return price.Record{Provider: provider, Model: name, Rates: r.list(), ContextWindow: 100_000, MaxOutput: 8_000}.Stamp()
	}
	wide := model("openai", "no-window", plainRates)
	wide.ContextWindow, wide.MaxOutput = 0, 0
	old, dear := model("openai", "dearer-soon", plainRates), model("openai", "dearer-soon", rates{chat.Input: 2 * dollar, chat.Output: 10 * dollar})
	old.To, dear.From = noon.Add(10*time.Minute), noon.Add(10*time.Minute)
	tiered := model("openai", "tiered", plainRates)
	tiered.Tiers = []price.Tier{{AboveInput: 5_000, Rates: rates{chat.Input: 2 * dollar, chat.Output: 10 * dollar}.list()}}
	picture := model("google-gemini", "painter", rates{chat.Input: dollar, chat.Output: 5 * dollar, chat.OutputImage: 30 * dollar})
	free := model("ollama", "llama", rates{chat.Input: 0, chat.Output: 0})
	free.ContextWindow, free.MaxOutput = 0, 0
	return price.NewBook([]price.Record{
		model("openai", "gpt-4o", toolRates), model("anthropic", "claude-sonnet-4-5", toolRates), model("google-gemini", "gemini-2.5-flash", plainRates),
		model("xai", "grok-4", plainRates), model("openai", "input-only", rates{chat.Input: dollar}), model("openai", "gpt-4o-search-preview", toolRates),
		model("groq", "llama", plainRates), model("anthropic", "claude-opus-9", toolRates), model("openai", "gpt-4o-mini", plainRates),
		wide, old, dear, tiered, picture, free,
		{Provider: "openai", Model: "embedder", Rates: rates{chat.Input: dollar}.list()},
		{Provider: "cohere", Model: "ranker", Rates: rates{chat.SearchUnits: 2_000 * dollar}.list()},
		{Provider: "voyage", Model: "ranker", Rates: rates{chat.Input: dollar}.list()},
		{Provider: "openai", Model: "dall-e-3", Rates: rates{chat.Images: 40_000 * dollar}.list()},
		{Provider: "openai", Model: "hd/1024-x-1792/dall-e-3", Rates: rates{chat.Images: 120_000 * dollar}.list()},
		{Provider: "openai", Model: "gpt-image-1", Rates: rates{chat.Input: 5 * dollar, chat.InputImage: 10 * dollar, chat.OutputImage: 40 * dollar}.list()},
		{Provider: "openai", Model: "gpt-image-9", Rates: rates{chat.Input: 5 * dollar, chat.OutputImage: 40 * dollar}.list()},
		{Provider: "openai", Model: "tts-1", Rates: rates{chat.Characters: 15 * dollar}.list()},
		{Provider: "openai", Model: "gpt-4o-mini-tts", Rates: rates{chat.Input: dollar, chat.OutputAudio: 12 * dollar}.list()},
		{Provider: "openai", Model: "whisper-1", Rates: rates{chat.AudioMS: 100_000}.list()},
	})
}

// ask makes an ask as the gateway does: the head is what the dialect's probe finds.
func ask(t testing.TB, vendor, model string, dialect provider.Name, body string) bound.Ask {
	t.Helper()
	client, ok := catalog.Client(dialect)
	if !ok {
		t.Fatalf("no dialect %s", dialect)
	}
	line := provider.Line{Model: model}
	if dialect != provider.Gemini && dialect != provider.GeminiEmbed {
		line.Model = ""
		body = strings.Replace(body, "{", `{"model":"`+model+`",`, 1)
	}
	head, err := client.Probe([]byte(body), line)
	if err != nil {
		t.Fatalf("probe of %s: %v", body, err)
	}
	return bound.Ask{
		Provider: vendor, Model: model, Operation: client.Operation(), Body: []byte(body), Head: head, Dialect: dialect, From: noon, For: time.Hour,
	}
}

const window = 100_000

// Each body of B9 is bounded by at least what it can cost, or refused by the field that takes the bound away.
func TestB9WhatACallCanCostIsBoundedOrRefused(t *testing.T) {
	t.Parallel()
	const (
		gpt    = "openai/gpt-4o"
		claude = "anthropic/claude-sonnet-4-5"
		gemini = "google-gemini/gemini-2.5-flash"
		hi     = `"messages":[{"role":"user","content":"hi"}]`
	)
	data := strings.Repeat("A", 300_000)
	tests := []struct {
		name, model string
		dialect     provider.Name
		body        string
		in, out     int64  // at least this, times the rates of the model
		cap         int64  // put in
		field       string // of the refusal
		under       money.NanoUSD
	}{
		{name: "a cap bounds the output", model: gpt, body: `{` + hi + `,"max_tokens":100}`, in: 10, out: 100, under: 3_000_000},
		{name: "its new name too", model: gpt, body: `{` + hi + `,"max_completion_tokens":100}`, in: 10, out: 100, under: 3_000_000},
		{name: "of two caps the larger counts", model: gpt, body: `{` + hi + `,"max_tokens":100,"max_completion_tokens":900}`, in: 10, out: 900},
		{name: "no cap: the model's longest answer is put in", model: gpt, body: `{` + hi + `}`, in: 10, out: 8000, cap: 8000},
		{name: "a cap of nothing is none", model: gpt, body: `{` + hi + `,"max_tokens":0}`, in: 10, out: 8000, cap: 8000},
		{name: "a cap below nothing is none", model: gpt, body: `{` + hi + `,"max_tokens":-1}`, in: 10, out: 8000, cap: 8000},
		{name: "a null cap is none", model: gpt, body: `{` + hi + `,"max_tokens":null}`, in: 10, out: 8000, cap: 8000},
		{name: "a cap beside one that is no cap is none", model: gpt, body: `{` + hi + `,"max_tokens":0,"max_completion_tokens":50}`, in: 10, out: 8000, cap: 8000},
		{name: "no cap and no longest answer", model: "openai/no-window", body: `{` + hi + `}`, field: "max_completion_tokens"},
		{name: "a cap alone is enough", model: "openai/no-window", body: `{` + hi + `,"max_tokens":50}`, in: 10, out: 50},
		{name: "eight answers cost eight times", model: gpt, body: `{` + hi + `,"max_tokens":100,"n":8}`, in: 10, out: 800},
		{name: "the cap's name with an escape", model: gpt, body: `{` + hi + `,"max_\u0074okens":100}`, field: "max_tokens"},
		{name: "the cap in capitals", model: gpt, body: `{` + hi + `,"max_tokens":100,"MAX_TOKENS":90000}`, field: "MAX_TOKENS"},
		{name: "the number of answers in capitals", model: "groq/llama", body: `{` + hi + `,"max_tokens":100,"N":8}`, field: "N"},
		{name: "another word for the cap", model: gpt, body: `{` + hi + `,"max_tokens":100,"max_new_tokens":9000}`, field: "max_new_tokens"},

		{name: "a picture by address", model: gpt, body: `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}],"max_tokens":1}`, in: 1445, out: 1, under: 5_000_000},
		{name: "a picture at a model of whose eyes nothing is known", model: "groq/llama", body: `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "… whose window is not known", model: "openai/no-window", body: `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}],"max_tokens":1}`, field: "messages.0.content.0.image_url"},
		{name: "a picture in the body is not text", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + data + `"}}]}],"max_tokens":1}`, in: 4784, out: 1, under: 8_000_000},
		{name: "a picture by address at Anthropic", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"source":{"type":"url","url":"https://x/y.png"},"type":"image"}]}],"max_tokens":1}`, in: 4784, out: 1, under: 8_000_000},
		{name: "a document by address at Anthropic", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x/y.pdf"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "… that says it is a picture too", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"image","type":"document","source":{"type":"url","url":"https://x/y.pdf"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a document in the body", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a document disguised as a picture", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a document of text is read", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}}]}],"max_tokens":1}`, in: 5, out: 1, under: 3_000_000},
		{name: "a file by its id", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "sound", model: gpt, body: `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a kind written with an escape", model: "groq/llama", body: `{"messages":[{"role":"user","content":[{"type":"te\u0078t","text":"a"},{"\u0074ype":"\u0069mage_url","\u0069mage_url":{"url":"https://x"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "text that says a picture is beside it", model: "groq/llama", body: `{"messages":[{"role":"user","content":[{"type":"text","text":"a","image_url":{"url":"https://x"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a kind given twice", model: "groq/llama", body: `{"messages":[{"role":"user","content":[{"type":"text","type":"video_url","text":"a"}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a member of a message that nobody knows", model: gpt, body: `{"messages":[{"role":"user","content":"a","attachments":["x"]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a member of the body that nobody knows", model: "groq/llama", body: `{` + hi + `,"zzz":1,"max_tokens":1}`, in: window, out: 1},
		{name: "… to a model whose provider's tools take fees", model: gpt, body: `{` + hi + `,"zzz":1,"max_tokens":1}`, field: "zzz"},
		{name: "an earlier answer's sound by its id", model: gpt, body: `{"messages":[{"role":"assistant","audio":{"id":"a"}}],"max_tokens":1}`, in: window, out: 1},
		{name: "a picture in what a tool found", model: "groq/llama", dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"url","url":"https://x"}}]}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "what nests too deep", model: gpt, body: `{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"tool_result","content":[`, 40) + `"x"` + strings.Repeat(`]}`, 40) + `]}],"max_tokens":1}`, in: window, out: 1},

		{name: "an earlier response by its id", model: gpt, dialect: provider.OpenAIResponses, body: `{"input":"hi","previous_response_id":"resp_1","max_output_tokens":10}`, in: window, out: 10},
		{name: "a conversation", model: gpt, dialect: provider.OpenAIResponses, body: `{"input":"hi","conversation":"conv_1","max_output_tokens":10}`, in: window, out: 10},
		{name: "an item by reference", model: gpt, dialect: provider.OpenAIResponses, body: `{"input":[{"type":"item_reference","id":"x"}],"max_output_tokens":10}`, in: window, out: 10},
		{name: "a stored prompt", model: gpt, dialect: provider.OpenAIResponses, body: `{"prompt":{"id":"p"},"input":"x","max_output_tokens":10}`, field: "prompt"},
		{name: "cached content", model: gemini, dialect: provider.Gemini, body: `{"contents":[{"parts":[{"text":"a"}]}],"cachedContent":"cachedContents/x","generationConfig":{"maxOutputTokens":10}}`, in: window, out: 10},
		{name: "a file at Google", model: gemini, dialect: provider.Gemini, body: `{"contents":[{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"x"}}]}],"generationConfig":{"maxOutputTokens":10}}`, in: window, out: 10},
		{name: "candidates", model: gemini, dialect: provider.Gemini, body: `{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":10,"candidateCount":4}}`, in: 1, out: 40},
		{name: "Gemini without a cap", model: gemini, dialect: provider.Gemini, body: `{"contents":[{"parts":[{"text":"a"}]}]}`, in: 1, out: 8000, cap: 8000},
		{name: "a model that paints is bounded by its window", model: "google-gemini/painter", dialect: provider.Gemini, body: `{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":10}}`, in: 1, out: window * 6},

		{name: "a search without max_uses", model: claude, dialect: provider.AnthropicMessages, body: `{` + hi + `,"tools":[{"type":"web_search_20250305","name":"web_search"}],"max_tokens":10}`, field: "tools.0.max_uses"},
		{name: "a search with max_uses costs its fees and what it reads", model: claude, dialect: provider.AnthropicMessages, body: `{` + hi + `,"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}],"max_tokens":10}`, in: 4*window + 30_000, out: 40},
		{name: "code that the provider runs", model: claude, dialect: provider.AnthropicMessages, body: `{` + hi + `,"tools":[{"type":"code_execution_20250825","name":"code_execution"}],"max_tokens":10}`, field: "tools.0.type"},
		{name: "servers of tools", model: claude, dialect: provider.AnthropicMessages, body: `{` + hi + `,"mcp_servers":[{"type":"url","url":"https://x"}],"max_tokens":10}`, field: "mcp_servers"},
		{name: "OpenAI's search without max_tool_calls", model: gpt, dialect: provider.OpenAIResponses, body: `{"input":"x","tools":[{"type":"web_search"}],"max_output_tokens":10}`, field: "max_tool_calls"},
		{name: "OpenAI's search with it", model: gpt, dialect: provider.OpenAIResponses, body: `{"input":"x","tools":[{"type":"web_search"}],"max_tool_calls":2,"max_output_tokens":10}`, in: 3*window + 20_000, out: 30},
		{name: "search options", model: gpt, body: `{` + hi + `,"web_search_options":{},"max_tokens":10}`, field: "web_search_options"},
		{name: "a model that searches", model: "openai/gpt-4o-search-preview", body: `{` + hi + `,"max_tokens":10}`, field: "model"},
		{name: "Google's search", model: gemini, dialect: provider.Gemini, body: `{"contents":[{"parts":[{"text":"a"}]}],"tools":[{"googleSearch":{}}],"generationConfig":{"maxOutputTokens":10}}`, field: "tools.0.googleSearch"},
		{name: "Google's search in OpenAI's words", model: gpt, body: `{` + hi + `,"tools":[{"google_search":{}}],"max_tokens":10}`, field: "tools.0.google_search"},
		{name: "a model of Anthropic's whose eyes nobody knows", model: "anthropic/claude-opus-9", dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}],"max_tokens":1}`, in: window, out: 1},
		{name: "a server of tools in chat", model: gpt, body: `{` + hi + `,"tools":[{"type":"mcp"}],"max_tokens":10}`, field: "tools.0.type"},
		{name: "functions are text", model: gpt, body: `{` + hi + `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"max_tokens":10}`, in: 350, out: 10, under: 5_000_000},

		{name: "a mark for the cache", model: claude, dialect: provider.AnthropicMessages, body: `{"messages":[{"role":"user","content":[{"type":"text","text":"` + strings.Repeat("long ", 400) + `","cache_control":{"type":"ephemeral","ttl":"1h"}}]}],"max_tokens":10}`, in: 4000, out: 10},
		{name: "predicted output is billed where it is not taken", model: gpt, body: `{` + hi + `,"prediction":{"type":"content","content":"` + strings.Repeat("x", 500) + `"},"max_tokens":10}`, in: 10, out: 510},
		{name: "priority", model: gpt, body: `{` + hi + `,"service_tier":"priority","max_tokens":10}`, field: "service_tier"},
		{name: "speed", model: claude, dialect: provider.AnthropicMessages, body: `{` + hi + `,"speed":"fast","max_tokens":10}`, field: "speed"},
		{name: "reasoning outside the cap", model: "xai/grok-4", body: `{` + hi + `,"max_tokens":10}`, in: 10, out: window},
		{name: "a price that begins while the call is under way", model: "openai/dearer-soon", body: `{` + hi + `,"max_tokens":100}`, in: 20, out: 200},
		{name: "a tier for long contexts", model: "openai/tiered", body: `{"messages":[{"role":"user","content":"` + strings.Repeat("long ", 1200) + `"}],"max_tokens":100}`, in: 2 * 6000, out: 200},
		{name: "a tier that cannot be reached", model: "openai/tiered", body: `{` + hi + `,"max_tokens":100}`, in: 10, out: 100, under: 1_500_000},
		{name: "no price at all", model: "openai/unheard-of", body: `{` + hi + `,"max_tokens":100}`, field: ""},
		{name: "no price for what is written", model: "openai/input-only", body: `{` + hi + `,"max_tokens":100}`, field: ""},
		{name: "free is free", model: "ollama/llama", body: `{` + hi + `,"zzz":1}`, under: 1},

		{name: "several prompts have an answer each", model: gpt, dialect: provider.OpenAICompletions, body: `{"prompt":["a","b","c"],"max_tokens":100,"n":2,"best_of":4}`, in: 10, out: 1200},
		{name: "completions without a cap", model: gpt, dialect: provider.OpenAICompletions, body: `{"prompt":"a"}`, in: 1, out: 16, cap: 16},

		{name: "vectors", model: "openai/embedder", dialect: provider.OpenAIEmbeddings, body: `{"input":["some text","more"]}`, in: 13},
		{name: "vectors of pictures", model: "openai/embedder", dialect: provider.OpenAIEmbeddings, body: `{"input":[{"image_url":"https://x"}]}`, field: "image_url"},
		{name: "documents are ranked a hundred a unit", model: "cohere/ranker", dialect: provider.CohereRerank, body: `{"query":"q","documents":[` + strings.Repeat(`"d",`, 250) + `"d"]}`, in: 3 * 2000},
		{name: "a long document is several", model: "cohere/ranker", dialect: provider.CohereRerank, body: `{"query":"q","documents":["` + strings.Repeat("x", 120_000) + `"]}`, in: 3 * 2000},
		{name: "the query is read with each document", model: "voyage/ranker", dialect: provider.CohereRerank, body: `{"query":"` + strings.Repeat("q", 500) + `","documents":["a","b","c"]}`, in: 1500},
		{name: "three images", model: "openai/dall-e-3", dialect: provider.OpenAIImages, body: `{"prompt":"p","n":3}`, in: 3 * 120_000},
		{name: "an image of a size", model: "openai/dall-e-3", dialect: provider.OpenAIImages, body: `{"prompt":"p","size":"1024x1792","quality":"hd"}`, in: 120_000},
		{name: "an image by tokens", model: "openai/gpt-image-1", dialect: provider.OpenAIImages, body: `{"prompt":"p","n":2}`, out: 2 * 6240 * 8},
		{name: "an image by tokens nobody knows", model: "openai/gpt-image-9", dialect: provider.OpenAIImages, body: `{"prompt":"p"}`, field: "model"},
		{name: "another word for the number of images", model: "openai/dall-e-3", dialect: provider.OpenAIImages, body: `{"prompt":"p","num_images":9}`, field: "num_images"},
		{name: "speech by the character", model: "openai/tts-1", dialect: provider.OpenAISpeech, body: `{"input":"héllo","voice":"x"}`, in: 5 * 15},
		{name: "speech by its length", model: "openai/gpt-4o-mini-tts", dialect: provider.OpenAISpeech, body: `{"input":"hello","voice":"x"}`, field: "model"},
		{name: "counting is not billed", model: "openai/unheard-of", dialect: provider.AnthropicCount, body: `{` + hi + `}`, under: 1},
		{name: "moderation is not billed", model: "openai/unheard-of", dialect: provider.OpenAIModerations, body: `{"input":"x"}`, under: 1},
	}
	book := prices()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vendor, model, _ := strings.Cut(tt.model, "/")
			if tt.dialect == "" {
				tt.dialect = provider.OpenAIChat
			}
			b, err := bound.Of(book, ask(t, vendor, model, tt.dialect, tt.body))
			least := money.NanoUSD(1000*tt.in + 5000*tt.out)
			if tt.in+tt.out == 0 && tt.under == 0 {
				if err == nil {
					t.Fatalf("bounded by %s", b.Cost.USD())
				}
				if want := "budget.unbounded " + tt.field; tt.field != "" && field(err) != want {
					t.Errorf("refused for %q, want %q", field(err), want)
				}
				if tt.field == "" && !errors.Is(err, budget.ErrUnpriced) {
					t.Errorf("refused for %v", err)
				}
				if f := (*fault.Error)(nil); errors.As(err, &f) && (!strings.HasSuffix(f.Message, ".") || !strings.Contains(f.Message, tt.field)) {
					t.Errorf("the sentence is %q", f.Message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Cost < least || tt.under > 0 && b.Cost >= tt.under || b.Cap != tt.cap {
				t.Errorf("bound %s with cap %d of %d in and %d out; want at least %s, under %s, cap %d", b.Cost.USD(), b.Cap, b.Input, b.Output, least.USD(), tt.under.USD(), tt.cap)
			}
		})
	}
}

func TestTheAlternativeDialectOfTheProviderTakesItsToolsBoundAway(t *testing.T) {
	t.Parallel()
	a := ask(t, "google-gemini", "gemini-2.5-flash", provider.AnthropicMessages,
		`{"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}],"max_tokens":10}`)
	a.Into = provider.Gemini // which has no word for max_uses
	if _, err := bound.Of(prices(), a); field(err) != "budget.unbounded tools.0.type" {
		t.Errorf("%v", err)
	}
}

func TestEachSearchCostsItsFee(t *testing.T) {
	t.Parallel()
	cost := func(dialect provider.Name, vendor, model, body string) money.NanoUSD {
		t.Helper()
		b, err := bound.Of(prices(), ask(t, vendor, model, dialect, body))
		if err != nil {
			t.Fatal(err)
		}
		return b.Cost
	}
	claude := func(kind string) money.NanoUSD {
		return cost(provider.AnthropicMessages, "anthropic", "claude-sonnet-4-5",
			`{"messages":[],"tools":[{"type":"`+kind+`","name":"x","max_uses":3}],"max_tokens":10}`)
	}
	if fees := claude("web_search_20250305") - claude("web_fetch_20250910"); fees != 30_000_000 { // reading a page is free
		t.Errorf("three searches cost %s", fees.USD())
	}
	gpt := func(kind string) money.NanoUSD {
		return cost(provider.OpenAIResponses, "openai", "gpt-4o", `{"input":"x","tools":[{"type":"`+kind+`"}],"max_tool_calls":4,"max_output_tokens":10}`)
	}
	if fees := gpt("code_interpreter") - gpt("file_search"); fees != 4*(30_000_000-2_500_000) {
		t.Errorf("four sessions and four searches of files differ by %s", fees.USD())
	}
}

func TestAnOptInToALongerWindowMakesItUnknown(t *testing.T) {
	t.Parallel()
	a := ask(t, "anthropic", "claude-sonnet-4-5", provider.AnthropicMessages, `{"messages":[{"role":"user","content":"`+strings.Repeat("x", 200_000)+`"}],"max_tokens":10}`)
	b, err := bound.Of(prices(), a)
	if err != nil || b.Input != window {
		t.Fatalf("%+v, %v", b, err)
	}
	a.Head.Betas = []string{"context-1m-2025-08-07"}
	if b, err = bound.Of(prices(), a); err != nil || b.Input < 200_000 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestACapThatTheVendorDoesNotGetIsNone(t *testing.T) {
	t.Parallel()
	a := ask(t, "groq", "llama", provider.OpenAIChat, `{"max_completion_tokens":50,"messages":[],"max_tokens":null}`)
	if b, err := bound.Of(prices(), a); err != nil || b.Cap != 0 || b.Output != 50 {
		t.Errorf("%+v, %v", b, err)
	}
	a.Head.OldMaxTokens = true
	if b, err := bound.Of(prices(), a); err != nil || b.Cap != 8000 {
		t.Errorf("to a vendor that knows max_tokens only: %+v, %v", b, err)
	}
}

func TestAListOfModelsThatGoesToTheProviderHasNoBound(t *testing.T) {
	t.Parallel()
	a := ask(t, "openai", "gpt-4o", provider.OpenAIChat, `{"models":["a/b"],"messages":[],"max_tokens":10}`)
	if _, err := bound.Of(prices(), a); err != nil {
		t.Errorf("the gateway takes the list out, and still: %v", err)
	}
	a.Head.KeepRouting = true
	if _, err := bound.Of(prices(), a); field(err) != "budget.unbounded models" {
		t.Errorf("%v", err)
	}
}

func TestSoundHasNoBoundBeforeItWasHeard(t *testing.T) {
	t.Parallel()
	a := bound.Ask{Provider: "openai", Model: "whisper-1", Operation: provider.Transcribe, Dialect: provider.OpenAITranscriptions, From: noon}
	if _, err := bound.Of(prices(), a); field(err) != "budget.unbounded file" {
		t.Errorf("%v", err)
	}
}

func TestABatchIsBoundedByItsPrice(t *testing.T) {
	t.Parallel()
	a := ask(t, "openai", "gpt-4o", provider.OpenAIChat, `{"messages":[{"role":"user","content":"hi"}],"max_tokens":1000}`)
	list, err := bound.Of(prices(), a)
	if err != nil {
		t.Fatal(err)
	}
	a.Batched = true
	if _, err := bound.Of(prices(), a); !errors.Is(err, budget.ErrUnpriced) {
		t.Errorf("a batch without a price: %v", err)
	}
	a.Discount.Percent = 50
	if b, err := bound.Of(prices(), a); err != nil || b.Cost != (list.Cost+1)/2 {
		t.Errorf("%s, %v; want half of %s", b.Cost.USD(), err, list.Cost.USD())
	}
}

func TestFitIsTheLargestCapThatFits(t *testing.T) {
	t.Parallel()
	book := prices()
	a := ask(t, "openai", "gpt-4o", provider.OpenAIChat, `{"messages":[{"role":"user","content":"hi"}],"max_tokens":4000}`)
	whole, err := bound.Of(book, a)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []money.NanoUSD{whole.Cost, whole.Cost + 1, whole.Cost - 1, whole.Cost / 2, whole.Cost / 3, 3_000_000} {
		b, ok := bound.Fit(book, a, room, 1)
		if !ok || b.Cost > room || b.Cap != b.Output || b.Cap > 4000 {
			t.Fatalf("room %d: %+v, %v", room, b, ok)
		}
		if next := b.Cost + 5000; b.Cap < 4000 && next <= room { // one more token costs 5000
			t.Errorf("room %d: cap %d costs %d, and one more would have fitted", room, b.Cap, b.Cost)
		}
	}
	if b, ok := bound.Fit(book, a, whole.Cost/2, 3999); ok {
		t.Errorf("below the floor: %+v", b)
	}
	if b, ok := bound.Fit(book, a, 100, 1); ok {
		t.Errorf("not even the input fits: %+v", b)
	}
	thinking := ask(t, "anthropic", "claude-sonnet-4-5", provider.AnthropicMessages,
		`{"messages":[{"role":"user","content":"hi"}],"max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000}}`)
	if b, ok := bound.Fit(book, thinking, 8_000_000, 1); ok { // room for 1500 tokens
		t.Errorf("a cap below the thinking budget is refused by the provider: %+v", b)
	}
	if b, ok := bound.Fit(book, thinking, 14_000_000, 1); !ok || b.Cap <= 2000 {
		t.Errorf("there is room above the thinking budget: %+v, %v", b, ok)
	}
	grok := ask(t, "xai", "grok-4", provider.OpenAIChat, `{"messages":[{"role":"user","content":"hi"}],"max_tokens":4000}`)
	if b, ok := bound.Fit(book, grok, 1_000_000_000, 1); ok {
		t.Errorf("the cap does not bound this model: %+v", b)
	}
}

func BenchmarkOf(b *testing.B) {
	book := prices()
	for _, size := range []int{4 << 10, 200 << 10} {
		var turns []string
		for i := 0; i*1000 < size; i++ {
			turns = append(turns, `{"role":"user","content":[{"type":"text","text":"`+strings.Repeat("word by word ", 75)+`"}]}`)
		}
		a := ask(b, "anthropic", "claude-sonnet-4-5", provider.AnthropicMessages, `{"messages":[`+strings.Join(turns, ",")+`],"max_tokens":1000,"temperature":1,"stream":true}`)
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(a.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bound.Of(book, a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
