package providertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Case is one recorded exchange.
type Case struct {
	Name     string // "openai/openai-chat-…"
	Provider string
	Dialect  string
	Path     string // of the request
	Status   int
	Stream   bool
	Request  []byte // nil when none was recorded
	Response []byte
	Kind     string // "json", "sse", "jsonl", "txt"
	Exact    bool   // the bytes of the answer are the provider's
	Features []string
}

// Has reports whether the case has a feature.
func (c Case) Has(feature string) bool { return slices.Contains(c.Features, feature) }

// Recorded loads the recorded exchanges of a dialect from the folder that TOLLGATE_FIXTURES names, or ../shared/fixtures beside
// the repository. Where there is none it gives nothing and says so; in CI that is a failure.
func Recorded(t *testing.T, dialect string) []Case {
	t.Helper()
	root := fixtures()
	metas, err := filepath.Glob(filepath.Join(root, "*", "*", "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(metas) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no recorded exchanges under %s", root)
		}
		t.Logf("no recorded exchanges under %s: only our own cases run", root)
		return nil
	}
	var cases []Case
	for _, meta := range metas {
		if c, ok := load(t, meta, dialect); ok {
			cases = append(cases, c)
		}
	}
	return cases
}

func fixtures() string {
	if dir := os.Getenv("TOLLGATE_FIXTURES"); dir != "" {
		return dir
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "shared", "fixtures")
}

func load(t *testing.T, meta, dialect string) (Case, bool) {
	t.Helper()
	raw, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Provider     string   `json:"provider"`
		Dialect      string   `json:"dialect"`
		Path         string   `json:"path"`
		Status       int      `json:"status"`
		Stream       bool     `json:"stream"`
		RequestFile  string   `json:"request_file"`
		ResponseFile string   `json:"response_file"`
		Features     []string `json:"features"`
		Fidelity     struct {
			Response string `json:"response"`
		} `json:"fidelity"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("%s: %v", meta, err)
	}
	if m.Dialect != dialect {
		return Case{}, false
	}
	dir := filepath.Dir(meta)
	c := Case{
		Name: m.Provider + "/" + filepath.Base(dir), Provider: m.Provider, Dialect: m.Dialect, Path: m.Path, Status: m.Status, Stream: m.Stream,
		Exact: m.Fidelity.Response == "exact", Features: m.Features,
	}
	if strings.HasSuffix(m.RequestFile, ".json") {
		c.Request = read(t, filepath.Join(dir, m.RequestFile))
	}
	if m.ResponseFile != "" {
		c.Response = read(t, filepath.Join(dir, m.ResponseFile))
		c.Kind = strings.TrimPrefix(filepath.Ext(m.ResponseFile), ".")
	}
	if c.Kind == "jsonl" { // the framing was not kept: any will do
		c.Response, c.Kind = frame(c.Response), "sse"
	}
	return c, true
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func frame(lines []byte) []byte {
	var out []byte
	for line := range strings.Lines(string(lines)) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, "data: "+line+"\n\n"...)
		}
	}
	return out
}
