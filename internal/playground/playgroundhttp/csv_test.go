package playgroundhttp

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
)

// What people and models write is text in a spreadsheet, never a formula.
func TestATableHoldsNoFormulas(t *testing.T) {
	t.Parallel()
	cost := "2000"
	rows := PlaygroundRows{Items: []PlaygroundRow{{
		Number: 1, Variables: map[string]json.RawMessage{"a": []byte(`"=1"`)}, Message: "=cmd|calc", Expected: "+1",
		Results: []PlaygroundResult{
			{Column: 0, Text: "@SUM(A1)", Model: "-m", Cost: &cost, Verdicts: []PlaygroundVerdict{{OK: true}, {}}},
			{Column: 1, Error: "\t=1", Text: "=a,\"b\"\nc"},
		},
	}, {Number: 2}}}
	var b bytes.Buffer
	if err := rows.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(got) != 3 {
		t.Fatalf("%d lines, %v: a line for each result, below the head", len(got), err)
	}
	for _, line := range got[1:] {
		for i, cell := range line {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("%s is a formula: %q", got[0][i], cell)
			}
		}
	}
	if got[1][1] != "A" || got[1][8] != "2000" || got[1][13] != "1" || got[1][14] != "2" || got[2][8] != "" {
		t.Errorf("lines = %q", got[1:])
	}
}
