package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// told is what an official SDK makes of a refusal.
type told struct {
	Class   string `json:"class"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Type    string `json:"type"`
	Message string `json:"message"`
	Retry   string `json:"retry"`
	Call    string `json:"call"`
}

// A call that a budget refuses: whoever sees the error knows which budget, what is left, when there is more and what to do; its address
// leads to a page that shows the call; and no SDK asks again.
func TestWhoeverIsRefusedCanTellWhyAndWhatToDo(t *testing.T) {
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, harness.Config{})
	b := openBrowser(t, app.API)
	signUp(b)
	connect(b, "openai", provider.Base("openai"))
	connect(b, "anthropic", provider.Base("anthropic"))
	team(b, "Support")
	alias(b)
	key := issue(b)
	owner, _ := tokenOf(t, app)
	budget := owner.Budget(harness.Budget{Name: "Triage of support", On: map[string]string{"workflow": "triage"}, Limits: map[string]int64{"day": 100_000}})
	time.Sleep(time.Second) // what propagation promises

	refusals := refused(t, app.Gateway, key, "fast-classifier")
	for sdk, want := range map[string]told{
		"openai":    {Class: "APIStatusError", Status: http.StatusPaymentRequired, Code: "budget.exceeded", Type: "insufficient_quota"},
		"anthropic": {Class: "PaymentRequiredError", Status: http.StatusPaymentRequired, Type: "billing_error"},
	} {
		got := refusals[sdk]
		if got.Class != want.Class || got.Status != want.Status || got.Type != want.Type || want.Code != "" && got.Code != want.Code || got.Retry != "false" {
			t.Errorf("%s: %+v, want %+v", sdk, got, want)
		}
		for _, part := range []string{"Triage of support", "$0.0001", "day", "max", app.API + "/budgets/" + budget} {
			if !strings.Contains(got.Message, part) {
				t.Errorf("%s is not told %q: %s", sdk, part, got.Message)
			}
		}
		t.Logf("%s: %d %s: %s", sdk, got.Status, got.Type, got.Message)
	}
	if n := provider.Ledger.Len(); n != 0 {
		t.Errorf("%d refused calls reached a provider", n)
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if calls := owner.Calls(url.Values{}); len(calls) != 2 { // one of each SDK: neither asked again
			return fmt.Errorf("%d calls are in the log", len(calls))
		}
		return nil
	})

	b.open("/budgets/" + budget)
	b.says("Triage of support", 5*time.Second)
	page := b.text("main")
	for _, part := range []string{"$0.0001 a day", "2 calls"} {
		if !strings.Contains(page, part) {
			t.Errorf("the budget's page does not say %q:\n%s", part, page)
		}
	}
	if !strings.Contains(do(b, "read the links", chromedp.Evaluate[string](`document.querySelector("main").innerHTML`)), "/requests/"+refusals["openai"].Call) {
		t.Error("the budget's page does not lead to the refused call")
	}
	b.open("/requests/" + refusals["openai"].Call)
	if page := b.text("main"); !strings.Contains(page, "Triage of support") {
		t.Errorf("the request's page does not name the budget:\n%s", page)
	}
	b.content("the refused call")
}

// refused runs the script that is refused.
func refused(t *testing.T, gateway, key, model string) map[string]told {
	t.Helper()
	sdk := sdkDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter(t, sdk, "python")[0], "refused.py", gateway, key, model)
	cmd.Dir, cmd.Env = filepath.Join(sdk, "python"), quiet(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the SDKs (test/setup.sh installs them): %v\n%s", err, stderr.String())
	}
	var got map[string]told
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("printed %q: %v", out, err)
	}
	return got
}
