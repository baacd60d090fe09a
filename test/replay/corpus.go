// Package replay is a provider that exists only for tests: it speaks openai-chat and anthropic-messages, plays recorded answers
// back byte by byte in any cutting, fails like a real one on request, and keeps its own ledger of what it was asked, what it
// answered and what it billed. The ledger is the oracle that the call log is compared with.
//
// It shares no code with the product: what a body means is worked out here a second time, plainly.
package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Case is one recorded exchange.
type Case struct {
	Path     string // "openai/openai-chat-gpt-4-1a2b3c": folder of the provider, folder of the case
	Meta     Meta
	Request  []byte // nil: none was recorded
	Response []byte
	Header   map[string]string // lower-case names, as the provider sent them
}

// Meta is what a case says about itself.
type Meta struct {
	Provider     string   `json:"provider"`
	Dialect      string   `json:"dialect"`
	Method       string   `json:"method"`
	Path         string   `json:"path"`
	Query        string   `json:"query"`
	Status       int      `json:"status"`
	Model        string   `json:"model"`
	Stream       bool     `json:"stream"`
	RequestFile  string   `json:"request_file"`
	ResponseFile string   `json:"response_file"`
	Features     []string `json:"features"`
	ContentType  string   `json:"content_type"`

	RequestHeaders map[string]string `json:"request_headers"`

	Fidelity struct {
		Request  string `json:"request"`
		Response string `json:"response"`
	} `json:"fidelity"`
}

// Has reports whether the case shows a feature.
func (c *Case) Has(feature string) bool { return slices.Contains(c.Meta.Features, feature) }

// Load reads the cases of the dialects that this package can play below dir: <provider>/<case>/meta.json and the bodies beside it.
func Load(dir string) ([]*Case, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "meta.json"))
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, at := range found {
		c, err := load(dir, at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if c != nil {
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// load reads one case; nil when it is of another dialect.
func load(root, metaFile string) (*Case, error) {
	raw, err := os.ReadFile(metaFile)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(metaFile)
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, err
	}
	c := &Case{Path: filepath.ToSlash(rel)}
	if err := json.Unmarshal(raw, &c.Meta); err != nil {
		return nil, err
	}
	if c.Meta.Dialect = playedAs(c.Meta.Dialect, c.Meta.Model, c.Meta.Path); c.Meta.Dialect == "" {
		return nil, nil
	}
	if c.Meta.RequestFile != "" && c.Meta.Fidelity.Request != "none" {
		if c.Request, err = os.ReadFile(filepath.Join(dir, c.Meta.RequestFile)); err != nil {
			return nil, err
		}
	}
	if c.Response, err = os.ReadFile(filepath.Join(dir, c.Meta.ResponseFile)); err != nil {
		return nil, err
	}
	if strings.HasSuffix(c.Meta.ResponseFile, ".chunks.jsonl") {
		c.Response = frame(c.Meta.Dialect, c.Response)
	}
	headers, err := os.ReadFile(filepath.Join(dir, "response.headers.json"))
	if err == nil {
		err = json.Unmarshal(headers, &c.Header)
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return c, nil
}

// frame gives a stream that was kept as one JSON object a line the framing that its dialect has on the wire.
func frame(dialect string, lines []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		switch Wire(dialect) {
		case Anthropic, Responses, Cohere:
			var e struct {
				Type string `json:"type"`
			}
			_ = json.Unmarshal(line, &e)
			fmt.Fprintf(&out, "event: %s\n", e.Type)
		}
		fmt.Fprintf(&out, "data: %s\n\n", line)
	}
	if Wire(dialect) == OpenAI && !bytes.Contains(lines, []byte("[DONE]")) {
		out.WriteString("data: [DONE]\n\n")
	}
	return out.Bytes()
}

// Fixtures is the folder of recorded traffic: TOLLGATE_FIXTURES, or ../shared/fixtures beside the repository. An empty string means
// that there is none, which is an error where CI=true.
func Fixtures() (string, error) {
	dir, named := os.LookupEnv("TOLLGATE_FIXTURES")
	if !named || dir == "" {
		root, err := Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "..", "shared", "fixtures")
	}
	if _, err := os.Stat(dir); err != nil {
		if named || os.Getenv("CI") == "true" {
			return "", fmt.Errorf("the recorded traffic is missing: %w", err)
		}
		return "", nil
	}
	return dir, nil
}

// Root is the repository's root: the folder with go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
