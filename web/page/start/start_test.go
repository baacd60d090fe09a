package start

import (
	"testing"
	"time"

	"tollgate/internal/key"
	"tollgate/web/page/client"
	"tollgate/web/page/pagetest"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func TestPages(t *testing.T) {
	t.Parallel()
	v := view{Caller: client.Caller{Gateway: "https://gateway.example", Models: []client.Model{{Name: "sandbox/echo-mini", Context: 128_000, MaxOutput: 16_384}}}}
	if v.setup() != "1 of 3" {
		t.Errorf("a newcomer has done %q", v.setup())
	}
	pagetest.Golden(t, "newcomer", checklist(v))
	v.Providers, v.Key = []string{"Anthropic", "OpenAI"}, &key.Key{Name: "support-triage-prod", Prefix: "tg_live_9fK2", Last4: "6KjE"}
	pagetest.Golden(t, "waiting", checklist(v))
	v.First = first{Done: true, ID: "call_1", At: noon().Add(-time.Minute), Now: noon()}
	if v.setup() != "" {
		t.Errorf("who is done is told %q", v.setup())
	}
	pagetest.Golden(t, "received", checklist(v))
}
