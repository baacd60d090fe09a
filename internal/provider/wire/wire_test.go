package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider/wire"
)

func TestWalkGivesEachMemberOnce(t *testing.T) {
	t.Parallel()
	body := " {\"a\" : 1 ,\"b\\u0062\":\"x\\\"}\",\n\"c\":[{\"d\":\"]\"},[]],\"e\":null, \"f\":{}} "
	var got []string
	w := wire.Walk([]byte(body))
	for w.Next() {
		got = append(got, string(w.Key)+"="+string(w.Value()))
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	want := []string{"a=1", `bb="x\"}"`, `c=[{"d":"]"},[]]`, "e=null", "f={}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWalkRefusesWhatIsNoJSONAndSaysWhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		at         int
	}{
		{"nothing", "", 0},
		{"a string", `"x"`, 0},
		{"no end", `{"a":1`, 6},
		{"a string without end", `{"a":"x\"}`, 10},
		{"a missing comma", `{"a":1 "b":2}`, 7},
		{"a comma too many", `{"a":1,}`, 7},
		{"a bare key", `{a:1}`, 1},
		{"a missing colon", `{"a" 1}`, 5},
		{"a missing value", `{"a":}`, 5},
		{"a wrong literal", `{"a":nul}`, 5},
		{"a number with a leading zero", `{"a":01}`, 5},
		{"a number without digits", `{"a":-}`, 5},
		{"brackets that cross", `{"a":[{]}}`, 7},
		{"text behind the end", `{} x`, 3},
		{"a key with a broken escape", `{"\u00":1}`, 1},
		{"nesting without end", `{"a":` + strings.Repeat("[", 1025) + strings.Repeat("]", 1025) + "}", 5 + 1024},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := wire.Walk([]byte(tt.body))
			for w.Next() {
			}
			var syntax *wire.SyntaxError
			if !errors.As(w.Err(), &syntax) {
				t.Fatalf("err = %v", w.Err())
			}
			if syntax.Offset != tt.at {
				t.Errorf("at %d (%v), want %d", syntax.Offset, syntax, tt.at)
			}
		})
	}
}

func TestAppendStringIsReadBackTheSame(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "a\"b\\c\n\t\r\x00\x1f", "<&>\u2028", "日本 🎉", "\xff broken"} {
		raw := wire.AppendString(nil, s)
		var got string
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	}
}

// TestNonsenseIsNoCount: one absurd count would break every sum that it comes into.
func TestNonsenseIsNoCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]wire.Count{
		"0": {Known: true}, "12": {N: 12, Known: true}, "1e3": {N: 1000, Known: true}, "1099511627776": {N: 1 << 40, Known: true},
		"1099511627777": {}, "9000000000000000000": {}, "1e15": {}, "-1": {}, "1.5": {}, "null": {}, `"7"`: {},
	} {
		var c wire.Count
		if c.Read([]byte(text)); c != want {
			t.Errorf("%s is read as %+v, want %+v", text, c, want)
		}
	}
}

func TestApplyReplacesSpansOnly(t *testing.T) {
	t.Parallel()
	got := wire.Apply([]byte("0123456789"), []wire.Edit{{From: 0, To: 0, With: "<"}, {From: 2, To: 4, With: ""}, {From: 9, To: 10, With: "end"}})
	if string(got) != "<0145678end" {
		t.Errorf("got %q", got)
	}
}

// What the walker takes, the decoder takes too, when the values below are sound; and the members are the same.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `[1,"x",null]`, `{"a":{"b":[{}]},"c":"\""}`, `{"a":1,"a":2}`, `{"\u0061":-1.5e+3}`, "{\"a\":\"\\\\\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := wire.Walk(b)
		n := 0
		for w.Next() {
			n++
			if w.From < 0 || w.To > len(b) || w.From >= w.To || !bytes.Equal(w.Value(), b[w.From:w.To]) {
				t.Fatalf("value [%d:%d] of %d bytes", w.From, w.To, len(b))
			}
		}
		if json.Valid(b) && len(b) < 1000 {
			if trimmed := bytes.TrimSpace(b); trimmed[0] != '{' && trimmed[0] != '[' {
				return
			}
			if w.Err() != nil {
				t.Fatalf("valid JSON is refused: %v", w.Err())
			}
			var list []json.RawMessage
			if json.Unmarshal(b, &list) == nil && list != nil && len(list) != n {
				t.Fatalf("%d elements, want %d", n, len(list))
			}
		}
	})
}

func TestElementsAreCutWithTheirCommas(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`[ 1, 2 ,3 ]`: `[ 2  ]`, `[1,3]`: `[]`, `[2,4]`: `[2,4]`, `[1 , 2]`: `[2]`, `[2, 1, 3, 4]`: `[2, 4]`, `[]`: `[]`, `[4,[1],3]`: `[4,[1]]`, `[1,3,5,2,7]`: `[2]`,
	} {
		edits, left := wire.CutElements([]byte(list), 0, func(e []byte) bool { return len(e) == 1 && (e[0]-'0')%2 == 1 })
		got := string(wire.Apply([]byte(list), edits))
		if got != want {
			t.Errorf("%s became %s (%d left), want %s", list, got, left, want)
		}
	}
}
