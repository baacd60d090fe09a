package spell_test

import (
	"testing"

	"tollgate/internal/alias/spell"
)

func TestNear(t *testing.T) {
	t.Parallel()
	words := []string{"environment", "stream", "task", "tag"}
	for word, want := range map[string]string{
		"enviromment": "environment", "strem": "stream", "tasks": "task", "tga": "tag", "x": "", "prompt": "", "": "", "environmental": "environment",
	} {
		if got := spell.Near(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
