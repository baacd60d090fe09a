package prompt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

func stocked(name string, kind prompt.Kind, c prompt.Content) prompt.Stock {
	return prompt.Stock{
		Prompt:   prompt.Prompt{ID: id.Prompt("prompt_" + name), Name: name, Kind: kind, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: c}},
	}
}

// TestPromptsInOneAnotherHaveTheirBounds: a shelf takes what is stored, and still makes nothing of what should not be there.
func TestPromptsInOneAnotherHaveTheirBounds(t *testing.T) {
	t.Parallel()
	stock := []prompt.Stock{
		stocked("self", prompt.Text, prompt.Content{Text: "{{> self}}"}),
		stocked("a", prompt.Text, prompt.Content{Text: "{{> b}}"}), stocked("b", prompt.Text, prompt.Content{Text: "{{> a}}"}),
		stocked("talk", prompt.Chat, prompt.Content{Messages: []prompt.Message{{Role: "user", Text: "x"}}}),
		stocked("of-talk", prompt.Text, prompt.Content{Text: "{{> talk}}"}),
		stocked("number", prompt.Text, prompt.Content{Text: "{{v}}", Variables: []template.Variable{{Name: "v", Kind: template.Number}}}),
		stocked("of-number", prompt.Text, prompt.Content{Text: "{{> number}}", Variables: []template.Variable{{Name: "v", Kind: template.String}}}),
		stocked("twice", prompt.Text, prompt.Content{Text: "{{> deep0}}{{> deep0}}"}),
	}
	for n := range 8 {
		text := "x"
		if n > 0 {
			text = fmt.Sprintf("{{> deep%d}}", n-1)
		}
		stock = append(stock, stocked(fmt.Sprintf("deep%d", n), prompt.Text, prompt.Content{Text: text}))
	}
	s := prompt.NewShelf(stock, nil)
	for name, says := range map[string]string{"self": "in itself", "a": "in itself", "of-talk": "has messages", "of-number": "declares the variable", "deep7": "more than 5 deep"} {
		_, err := s.Choose(prompt.Wanted{Name: name})
		if !errors.Is(err, prompt.ErrUnusable) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	for _, name := range []string{"twice", "deep5"} {
		if _, err := s.Choose(prompt.Wanted{Name: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
