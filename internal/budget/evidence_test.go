package budget_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

func TestEvidenceIsReadFromCSVAndJSON(t *testing.T) {
	t.Parallel()
	call := id.NewCall()
	want := []budget.Evidence{{Line: 2, Call: call, Cost: 123_456}, {Line: 3, Upstream: "chatcmpl-1", Cost: 2_500_000_000}}
	json := []budget.Evidence{{Line: 1, Call: call, Cost: 123_456}, {Line: 2, Upstream: "chatcmpl-1", Cost: 2_500_000_000}}
	tests := []struct {
		name, file string
		want       []budget.Evidence
	}{
		{"columns in any order, others ignored", "Cost_USD,model,upstream_id,call_id\n0.000123456,m,," + call.String() + "\n2.50,m,chatcmpl-1,\n", want},
		{"a byte order mark and spaces", "\ufeff call , cost_usd, upstream_id\r\n" + call.String() + ", 0.000123456,\r\n, 2.5,chatcmpl-1\r\n", want},
		{"objects on lines", `{"call_id":"` + call.String() + `","cost_usd":0.000123456,"x":1}` + "\n" + `{"upstream_id":"chatcmpl-1","cost_usd":"2.5"}`, json},
		{"an array", ` [{"call_id":"` + call.String() + `","cost_usd":"0.000123456"},{"upstream_id":"chatcmpl-1","cost_usd":2.5}]`, json},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := budget.ReadEvidence(strings.NewReader(tt.file))
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestEvidenceThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	call := id.NewCall().String()
	for name, file := range map[string]string{
		"nothing":                    "",
		"white space":                " \n",
		"no header":                  call + ",0.1\n",
		"no cost":                    "call_id\n" + call + "\n",
		"a negative cost":            "call_id,cost_usd\n" + call + ",-0.1\n",
		"a cost that is too fine":    "call_id,cost_usd\n" + call + ",0.0000000001\n",
		"a cost in another form":     `{"call_id":"` + call + `","cost_usd":1e-5}`,
		"a call that is none":        "call_id,cost_usd\nkey_1,0.1\n",
		"a call named twice":         "call_id,cost_usd\n" + call + ",0.1\n" + call + ",0.1\n",
		"an upstream id named twice": "upstream_id,cost_usd\nx,0.1\nx,0.2\n",
		"both names":                 "call_id,upstream_id,cost_usd\n" + call + ",x,0.1\n",
		"neither name":               "call_id,upstream_id,cost_usd\n,,0.1\n",
		"broken JSON":                `{"call_id":`,
		"a broken array":             `[{"call_id":"` + call + `","cost_usd":1}`,
		"broken CSV":                 "call_id,cost_usd\n\"" + call + "\n",
	} {
		got, err := budget.ReadEvidence(strings.NewReader(file))
		if !errors.Is(err, budget.ErrEvidence) {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
}

func FuzzReadEvidence(f *testing.F) {
	f.Add("call_id,cost_usd\ncall_0123456789abcdefghjkmnpqrs,0.1\n")
	f.Add(`[{"upstream_id":"x","cost_usd":"1"}]`)
	f.Fuzz(func(t *testing.T, file string) {
		got, err := budget.ReadEvidence(strings.NewReader(file))
		if err != nil && !errors.Is(err, budget.ErrEvidence) {
			t.Errorf("an undeclared error: %v", err)
		}
		for _, e := range got {
			if e.Cost < 0 || (e.Call == id.Call{}) == (e.Upstream == "") || e.Line < 1 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestADifferenceIsToldInWords(t *testing.T) {
	t.Parallel()
	d := budget.Difference{Rule: budget.RuleCharged, Pot: id.Pot{1}, Should: money.NanoUSD(2_000_000_000), Is: 1}
	if got, want := d.Text(), "pot 01000000000000000000000000000000: for calls was settled $0.000000001; its calls were charged $2.00"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
