package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tollgate/test/replay"
)

// recordedFace is the end of the names of those surfaces on which clients read recordings: "chat-recorded".
const recordedFace = "-recorded"

// recorders are the providers whose recordings are read: the folder of the recordings, and who stands behind the alias.
func recorders() map[string]string {
	return map[string]string{"openai": "openai", "anthropic": "anthropic", "google-ai": "google-gemini"}
}

// readOn are the surfaces on which a dialect's recordings are what the provider is asked for.
func readOn(dialect string) []string {
	return map[string][]string{
		replay.OpenAI:    {"chat", "messages", "gemini"},
		replay.Responses: {"responses"},
		replay.Anthropic: {"chat", "messages", "responses", "gemini"},
		replay.Gemini:    {"messages", "responses", "gemini"},
	}[dialect]
}

// recordings chooses answers of real providers, whole and streamed, that are plain text with a usage, and names an alias for each in aliases.
func recordings(t *testing.T, aliases map[string]*replay.Case) []*replay.Case {
	t.Helper()
	const each = 6
	dir, err := replay.Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Log("there is no recorded traffic: the clients read none")
		return nil
	}
	all, err := replay.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b *replay.Case) int { return strings.Compare(a.Path, b.Path) })
	var chosen []*replay.Case
	count := map[string]int{}
	for _, c := range all {
		if recorders()[c.Meta.Provider] == "" || readOn(c.Meta.Dialect) == nil || c.Meta.Status != 200 || c.Meta.Fidelity.Response != "exact" {
			continue
		}
		a := replay.Read(c.Meta.Dialect, c.Meta.Stream, c.Response)
		kind := fmt.Sprintf("%s %t", c.Meta.Dialect, c.Meta.Stream)
		ended := slices.Contains([]string{"stop", "end_turn", "completed", "STOP"}, a.Finish) && a.Done && a.Error == ""
		plain := a.Text != "" && len(a.Tools)+len(a.Signs) == 0 && a.Reasoning+a.Refusal == ""
		if !ended || !plain || !a.Usage.Known || a.Usage.WebSearch > 0 || count[kind] == each {
			continue
		}
		count[kind]++
		chosen = append(chosen, c)
		aliases[fmt.Sprintf("recorded-%02d", len(chosen))] = c
	}
	if len(count) != 8 {
		t.Errorf("the recordings have %v", count)
	}
	return chosen
}

// addRecorded has the SDKs read the recordings on their own surface: whole ones by the step "whole", streams by "stream".
func (s *scene) addRecorded(models map[string][]string, due map[string]bool, c client) {
	for at := range c.faces {
		if !chats(at) || !strings.Contains(c.name, "SDK (") || c.in == "go" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.recorded)) {
			if !slices.Contains(readOn(s.recorded[name].Meta.Dialect), at) {
				continue
			}
			face, step := at+recordedFace, "whole"
			if s.recorded[name].Meta.Stream {
				face, step = at+"-stream"+recordedFace, "stream"
			}
			models[face] = append(models[face], name)
			due[face+" "+name+" "+step] = true
		}
	}
}

// checkRecorded compares what an SDK read with what the recording says.
func (s *scene) checkRecorded(t *testing.T, at string, saw seenStep) {
	t.Helper()
	c := s.recorded[saw.Model]
	where := at + " " + c.Path
	if saw.Saw.Raised != "" {
		t.Errorf("%s: %s", where, saw.Saw.Raised)
		return
	}
	want := replay.Read(c.Meta.Dialect, c.Meta.Stream, c.Response)
	if saw.Saw.Text != want.Text {
		t.Errorf("%s: the application read %.200q, the recording says %.200q", where, saw.Saw.Text, want.Text)
	}
	if orZero(saw.Saw.Input) != want.Usage.InputTotal() || orZero(saw.Saw.Output) != want.Usage.OutputTotal() {
		t.Errorf("%s: the application read %d tokens in and %d out, the recording says %d and %d", where,
			orZero(saw.Saw.Input), orZero(saw.Saw.Output), want.Usage.InputTotal(), want.Usage.OutputTotal())
	}
}
