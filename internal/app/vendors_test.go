package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/provider/catalog"
)

func vendorsOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := vendorsCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if err := cmd.Execute(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

func TestTheVendorsCommandListsEveryVendor(t *testing.T) {
	t.Parallel()
	text := vendorsOutput(t)
	for _, v := range catalog.Vendors() {
		if !strings.Contains("\n"+text, "\n"+v.ID+" ") {
			t.Errorf("%s is not in the list", v.ID)
		}
	}
	if !strings.Contains(text, "ANTHROPIC_API_KEY") || !strings.Contains(text, "header:x-api-key") {
		t.Errorf("Anthropic is listed without its key variable or its header:\n%s", text)
	}
}

func TestTheVendorsCommandSearches(t *testing.T) {
	t.Parallel()
	text := vendorsOutput(t, "moonshot", "china")
	if !strings.Contains(text, "moonshotai-cn") || strings.Contains(text, "groq") || !strings.Contains(text, "\n1 in the list") {
		t.Errorf("found:\n%s", text)
	}
}

func TestTheVendorsCommandSpeaksJSON(t *testing.T) {
	t.Parallel()
	var list []vendorLine
	if err := json.Unmarshal([]byte(vendorsOutput(t, "--json", "deepseek")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].ID != "deepseek" || len(list[0].Operations) == 0 || len(list[0].Sources) == 0 || list[0].Docs == "" {
		t.Errorf("%+v", list)
	}
	if text := vendorsOutput(t, "--json", "nobody at all"); strings.TrimSpace(text) != "[]" {
		t.Errorf("nothing found is %s", text)
	}
}
