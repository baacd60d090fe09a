package prompt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

func shelf() *prompt.Shelf {
	mood := []template.Variable{{Name: "mood", Kind: template.String}}
	tone := prompt.Stock{
		Prompt:   prompt.Prompt{ID: "prompt_tone", Name: "tone", Kind: prompt.Text, Latest: 2, Labels: map[string]int{"production": 1, "staging": 2}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "Be {{mood}}.", Variables: mood}}, {Number: 2, Content: prompt.Content{Text: "Stay {{mood}}!", Variables: mood}}},
	}
	refs := map[string]prompt.Ref{"old-name": {Prompt: "prompt_tone", Label: "production"}}
	user := prompt.Stock{
		Prompt:   prompt.Prompt{ID: "prompt_answer", Name: "support/answer", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "{{> old-name}} Answer.", Variables: mood, Refs: refs}}},
	}
	gone := prompt.Stock{
		Prompt:   prompt.Prompt{ID: "prompt_gone", Name: "gone", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}, ArchivedAt: time.Unix(1, 0)},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "x"}}},
	}
	broken := prompt.Stock{
		Prompt:   prompt.Prompt{ID: "prompt_broken", Name: "broken", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "{{nobody}}"}}},
	}
	return prompt.NewShelf([]prompt.Stock{tone, user, gone, broken}, nil)
}

func TestACallFindsItsVersion(t *testing.T) {
	t.Parallel()
	s := shelf()
	for _, tt := range []struct {
		want prompt.Wanted
		text string
		err  error
	}{
		{prompt.Wanted{Name: "tone"}, "Be kind.", nil},
		{prompt.Wanted{Name: "prompt_tone", Label: "staging"}, "Stay kind!", nil},
		{prompt.Wanted{Name: "tone", Label: prompt.Latest}, "Stay kind!", nil},
		{prompt.Wanted{Name: "tone", Version: 1}, "Be kind.", nil},
		{prompt.Wanted{Name: "support/answer"}, "Be kind. Answer.", nil}, // its part was renamed since
		{prompt.Wanted{Name: "tone", Version: 1, Label: "x"}, "", prompt.ErrBoth},
		{prompt.Wanted{Name: "tone", Version: 9}, "", prompt.ErrVersion},
		{prompt.Wanted{Name: "tone", Label: "nowhere"}, "", prompt.ErrLabel},
		{prompt.Wanted{Name: "nobody"}, "", prompt.ErrUnknown},
		{prompt.Wanted{Name: "gone"}, "", prompt.ErrUnknown},
		{prompt.Wanted{Name: "prompt_gone"}, "", prompt.ErrUnknown},
		{prompt.Wanted{Name: "broken"}, "", prompt.ErrUnusable},
	} {
		c, err := s.Choose(tt.want)
		if !errors.Is(err, tt.err) {
			t.Errorf("%+v: %v, want %v", tt.want, err, tt.err)
			continue
		}
		if err != nil {
			continue
		}
		got, err := c.Render(map[string]json.RawMessage{"mood": json.RawMessage(`"kind"`)})
		if err != nil || len(got) != 1 || got[0].Text != tt.text {
			t.Errorf("%+v: %+v %v, want %q", tt.want, got, err, tt.text)
		}
	}
	if _, err := (*prompt.Shelf)(nil).Choose(prompt.Wanted{Name: "x"}); !errors.Is(err, prompt.ErrUnknown) {
		t.Error(err)
	}
}

func TestAVersionIsCompiledOnceByMany(t *testing.T) {
	t.Parallel()
	s := shelf()
	var wg sync.WaitGroup
	seen := make([]*prompt.Compiled, 16)
	for i := range seen {
		wg.Go(func() {
			c, err := s.Choose(prompt.Wanted{Name: "tone"})
			if err != nil {
				t.Error(err)
			}
			seen[i] = c.Compiled
		})
	}
	wg.Wait()
	for _, c := range seen {
		if c != seen[0] {
			t.Fatal("compiled twice")
		}
	}
}

func BenchmarkPromptOf8KB(b *testing.B) {
	text := strings.Repeat("Some words of a prompt, then {{mood}} and more of it, as prompts have. ", 115)
	s := prompt.NewShelf([]prompt.Stock{{
		Prompt:   prompt.Prompt{ID: id.Prompt("prompt_x"), Name: "x", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: text, Variables: []template.Variable{{Name: "mood", Kind: template.String}}}}},
	}}, nil)
	vars := map[string]json.RawMessage{"mood": json.RawMessage(`"kind"`)}
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.Choose(prompt.Wanted{Name: "x"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Render(vars); err != nil {
			b.Fatal(err)
		}
	}
}
