package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider"
)

func TestMembersAreTakenOutReplacedAndAdded(t *testing.T) {
	t.Parallel()
	out := func(names ...string) (c []provider.Change) {
		for _, n := range names {
			c = append(c, provider.Change{Name: n})
		}
		return c
	}
	tests := []struct {
		name, body string
		changes    []provider.Change
		want       string
	}{
		{"the first", `{"a":1, "b":2}`, out("a"), `{"b":2}`},
		{"the last", `{"a":1, "b":2 }`, out("b"), `{"a":1 }`},
		{"in the middle", `{"a":1,"b":2,"c":3}`, out("b"), `{"a":1,"c":3}`},
		{"the only one", `{ "a" : 1 }`, out("a"), `{  }`},
		{"neighbours at the start", `{"a":1,"b":2,"c":3}`, out("a", "b"), `{"c":3}`},
		{"neighbours at the end", `{"a":1,"b":2,"c":3}`, out("c", "b"), `{"a":1}`},
		{"both ends", `{"a":1,"b":2,"c":3}`, out("a", "c"), `{"b":2}`},
		{"all", `{"a":1,"b":2,"c":3}`, out("a", "b", "c"), `{}`},
		{"one that is not there", `{"a":1}`, out("b"), `{"a":1}`},
		{"one in disguise", `{"\u0061":1,"b":2}`, out("a"), `{"b":2}`},
		{"one that is there twice", `{"a":1,"b":2,"a":3}`, []provider.Change{{Name: "a", Value: "4"}}, `{"a":4,"b":2}`},
		{"a new one", `{ "a":1}`, []provider.Change{{Name: "n", Value: `"x"`}}, `{"n":"x", "a":1}`},
		{"a new one in place of all", `{"a":1}`, []provider.Change{{Name: "a"}, {Name: "n", Value: "2"}}, `{"n":2}`},
		{"a new one in nothing", `{}`, []provider.Change{{Name: "n", Value: "2"}, {Name: "o", Value: "3"}}, `{"n":2,"o":3}`},
		{"nothing", `{"a":1}`, nil, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(provider.ApplyEdits([]byte(tt.body), provider.MemberEdits([]byte(tt.body), tt.changes...))); got != tt.want {
				t.Errorf("%s became %s, want %s", tt.body, got, tt.want)
			}
		})
	}
}

// Any object and any changes: decoded, the result differs in what was to change and in nothing else, and the values that stay are the
// same to the byte and in the same order.
func TestAnyChangesOfAnyObjectAreRight(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		space := func() string { return strings.Repeat(" ", r.IntN(3)) + strings.Repeat("\n", r.IntN(2)) }
		names := strings.Split("abcdef", "")
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var b strings.Builder
		want := map[string]any{}
		b.WriteString(space() + "{")
		for i, n := range names[:r.IntN(len(names)+1)] {
			if i > 0 {
				b.WriteString("," + space())
			}
			fmt.Fprintf(&b, `%s"%s"%s:%s{"x":[%d,"},"]}%s`, space(), n, space(), space(), r.IntN(100), space())
		}
		b.WriteString(space() + "}" + space())
		if err := json.Unmarshal([]byte(b.String()), &want); err != nil {
			t.Fatal(err)
		}
		var changes []provider.Change
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, n := range names[:r.IntN(len(names)+1)] {
			if r.IntN(2) == 0 {
				changes = append(changes, provider.Change{Name: n})
				delete(want, n)
				continue
			}
			changes = append(changes, provider.Change{Name: n, Value: "7"})
			want[n] = 7.0
		}
		body := []byte(b.String())
		before := bytes.Clone(body)
		out := provider.ApplyEdits(body, provider.MemberEdits(body, changes...))
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("seed %d: %v: %s with %+v became %s", seed, err, body, changes, out)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s with %+v became %s\n%s", seed, body, changes, out, diff)
		}
		if !bytes.Equal(before, body) {
			t.Fatalf("seed %d: the input changed", seed)
		}
	}
}

// Whatever bytes come, the edits are in order, within the body and do not overlap.
func FuzzMemberEdits(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":2}`))
	f.Add([]byte(`{"b":{},"a"`))
	f.Add([]byte(`[1]`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, body []byte) {
		edits := provider.MemberEdits(body, provider.Change{Name: "a"}, provider.Change{Name: "b", Value: "1"}, provider.Change{Name: "c", Value: `"x"`})
		at := 0
		for _, e := range edits {
			if e.From < at || e.To < e.From || e.To > len(body) {
				t.Fatalf("%+v on %q", edits, body)
			}
			at = e.To
		}
		if out := provider.ApplyEdits(body, edits); json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && !json.Valid(out) {
			t.Fatalf("%s became %s", body, out)
		}
	})
}
