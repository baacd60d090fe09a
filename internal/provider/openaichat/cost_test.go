package openaichat_test

import (
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
)

func TestTheCostThatAProviderStatesIsKeptAsItWroteIt(t *testing.T) {
	t.Parallel()
	for usage, want := range map[string]string{
		`{"prompt_tokens":1,"cost":0.0000113}`:                                           "0.0000113",
		`{"prompt_tokens":1,"cost":0}`:                                                   "0",
		`{"prompt_tokens":1,"cost":{"input_tokens_cost":0.1,"total_cost":0.25}}`:         "0.25",
		`{"prompt_tokens":1,"cost_in_usd_ticks":11706000}`:                               "0.0011706",
		`{"prompt_tokens":1,"cost_in_usd_ticks":25000000000}`:                            "2.5",
		`{"prompt_tokens":1,"cost_in_usd_ticks":20000000000}`:                            "2",
		`{"prompt_tokens":1,"pydantic_ai_gateway":{"cost_estimate":0.00431125}}`:         "0.00431125",
		`{"prompt_tokens":1}`:                                                            "",
		`{"prompt_tokens":1,"cost":null}`:                                                "",
		`{"prompt_tokens":1,"cost":-1}`:                                                  "",
		`{"prompt_tokens":1,"cost":"1"}`:                                                 "",
		`{"prompt_tokens":1,"cost":0.1111111111111111111111111111111111111111111111111}`: "",
	} {
		body := `{"id":"c","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}],"usage":` + usage + `}`
		if got := (openaichat.Dialect{}).Inspect([]byte(body)).Cost; got != want {
			t.Errorf("%s: a whole answer costs %q, want %q", usage, got, want)
		}
		if r, err := (openaichat.Dialect{}).ParseResponse([]byte(body)); err != nil || r.Reported != want {
			t.Errorf("%s: reported %q (%v), want %q", usage, r.Reported, err, want)
		}
		tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true})
		tap.Feed([]byte(`data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":` + usage + "}\n\n"))
		if got := tap.Seen().Cost; got != want {
			t.Errorf("%s: a stream costs %q, want %q", usage, got, want)
		}
	}
}
