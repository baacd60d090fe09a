package prompt_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
)

func stored(t testing.TB, which id.Prompt, name string, labels map[string]int, texts ...string) *prompt.Stored {
	t.Helper()
	s := &prompt.Stored{Prompt: prompt.Prompt{ID: which, Name: name, Kind: prompt.Text, Latest: len(texts), Labels: labels}}
	for i, text := range texts {
		c := prompt.Content{Text: text}
		if strings.Contains(text, "{{> part}}") {
			c.Refs = map[string]prompt.Ref{"part": {Prompt: "prompt_part", Label: "production"}}
		}
		raw, err := prompt.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := prompt.HashOf(c)
		if err != nil {
			t.Fatal(err)
		}
		s.Versions = append(s.Versions, prompt.StoredVersion{Number: i + 1, Hash: hash, Content: raw})
	}
	return s
}

func at(n int) map[string]int { return map[string]int{"production": n} }

func text(t *testing.T, s *prompt.Shelf, w prompt.Wanted) (string, *prompt.Compiled) {
	t.Helper()
	c, err := s.Choose(w)
	if err != nil {
		return err.Error(), nil
	}
	out, err := c.Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Text, c.Compiled
}

// TestWhatDidNotChangeStaysCompiled from one shelf to the next, and what did, or names what did, is made anew.
func TestWhatDidNotChangeStaysCompiled(t *testing.T) {
	t.Parallel()
	plain := stored(t, "prompt_plain", "plain", at(1), "Plain.", "Plain > 2.")
	part := stored(t, "prompt_part", "part", at(1), "P1", "P2")
	pinned := stored(t, "prompt_pin", "pin", at(1), "Pinned {{> part@1}}")
	user := stored(t, "prompt_user", "user", at(1), "Uses {{> part}}")
	inner := stored(t, "prompt_inner", "inner", at(1), "In {{> user}}")
	all := []*prompt.Stored{plain, part, pinned, user, inner}
	first := prompt.Restock(nil, all, nil)
	before := map[string]*prompt.Compiled{}
	for name, want := range map[string]string{"plain": "Plain.", "pin": "Pinned P1", "user": "Uses P1", "inner": "In Uses P1"} {
		got, c := text(t, first, prompt.Wanted{Name: name})
		if got != want {
			t.Errorf("%s says %q, want %q", name, got, want)
		}
		before[name] = c
	}
	moved := *part
	moved.Prompt.Labels = at(2)
	next := prompt.Restock(first, []*prompt.Stored{plain, &moved, pinned, user, inner}, nil)
	for name, want := range map[string]string{"plain": "Plain.", "pin": "Pinned P1", "user": "Uses P2", "inner": "In Uses P2"} {
		got, c := text(t, next, prompt.Wanted{Name: name})
		if got != want {
			t.Errorf("%s says %q, want %q", name, got, want)
		}
		if same := c == before[name]; same != (name == "plain") {
			t.Errorf("%s: the same compiled form: %v", name, same)
		}
	}
	if got, _ := text(t, first, prompt.Wanted{Name: "user"}); got != "Uses P1" {
		t.Errorf("a shelf that is in use changed: %q", got)
	}
	third := prompt.Restock(next, []*prompt.Stored{plain, &moved, pinned, user, inner}, map[string]string{"x": "latest"})
	if _, c := text(t, third, prompt.Wanted{Name: "user"}); c == nil || c == before["user"] {
		t.Error("not what the second shelf compiled")
	} else if _, was := text(t, next, prompt.Wanted{Name: "user"}); c != was {
		t.Error("compiled again though nothing changed")
	}
	if got, _ := text(t, third, prompt.Wanted{Name: "plain", Environment: "x"}); got != "Plain > 2." {
		t.Errorf("an environment's label: %q", got)
	}
	// A name that comes to mean another prompt.
	other := stored(t, "prompt_other", "part", at(1), "Other")
	gone := moved
	gone.Prompt.Name = "renamed"
	last := prompt.Restock(third, []*prompt.Stored{plain, &gone, other, pinned, user, inner}, nil)
	if got, _ := text(t, last, prompt.Wanted{Name: "user"}); got != "Uses P2" {
		t.Errorf("after a rename: %q", got)
	}
	// Another content under the same number is another version: an organization may have been restored from elsewhere.
	if got, _ := text(t, prompt.Restock(last, []*prompt.Stored{stored(t, "prompt_plain", "plain", at(1), "Restored.")}, nil), prompt.Wanted{Name: "plain"}); got != "Restored." {
		t.Errorf("%q", got)
	}
	if got, _ := text(t, prompt.Restock(last, nil, nil), prompt.Wanted{Name: "plain"}); !strings.Contains(got, "prompt.unknown") {
		t.Errorf("a prompt that has gone: %q", got)
	}
}

func TestAVersionOfALaterReleaseIsUnusableAlone(t *testing.T) {
	t.Parallel()
	bad := stored(t, "prompt_a", "a", at(2), "One", "Two")
	bad.Versions[1].Content = []byte(`{"text":7}`)
	s := prompt.Restock(nil, []*prompt.Stored{bad}, nil)
	if got, _ := text(t, s, prompt.Wanted{Name: "a"}); !strings.Contains(got, "prompt.unusable") {
		t.Errorf("%q", got)
	}
	if got, _ := text(t, s, prompt.Wanted{Name: "a", Version: 1}); got != "One" {
		t.Errorf("%q", got)
	}
}

// TestAVersionThatNobodyAsksForWeighsLittle: it is not read before.
func TestAVersionThatNobodyAsksForWeighsLittle(t *testing.T) {
	const prompts, versions = 200, 5
	var all []*prompt.Stored
	body := strings.Repeat("What a prompt says to a model, with care. ", 48)
	for i := range prompts {
		s := &prompt.Stored{Prompt: prompt.Prompt{ID: id.Prompt(fmt.Sprintf("prompt_%06d", i)), Name: fmt.Sprintf("folder/%d", i), Kind: prompt.Text, Latest: versions, Labels: at(versions)}}
		for v := range versions {
			raw, err := json.Marshal(prompt.Content{Text: fmt.Sprint(body, i, v)})
			if err != nil {
				t.Fatal(err)
			}
			s.Versions = append(s.Versions, prompt.StoredVersion{Number: v + 1, Hash: fmt.Sprintf("%064d", i*versions+v), Content: raw})
		}
		all = append(all, s)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	raw := heap()
	start := time.Now()
	first := prompt.Restock(nil, all, nil)
	made := time.Since(start)
	shelf := heap() - raw
	moved := *all[0]
	moved.Prompt.Labels = at(1)
	all[0] = &moved
	start = time.Now()
	next := prompt.Restock(first, all, nil)
	followed := time.Since(start)
	if got, _ := text(t, next, prompt.Wanted{Name: "folder/0"}); !strings.HasSuffix(got, "0 0") {
		t.Errorf("%q", got[max(len(got)-10, 0):])
	}
	if each := shelf / uint64(prompts*versions); each > 600 {
		t.Errorf("a version weighs %d bytes beside its JSON", each)
	}
	t.Logf("%d prompts of %d versions: the shelf weighs %d KB beside %d MB of JSON, made in %s, followed in %s",
		prompts, versions, shelf>>10, prompts*versions*len(all[1].Versions[0].Content)>>20, made, followed)
	runtime.KeepAlive(first)
	runtime.KeepAlive(all)
}
