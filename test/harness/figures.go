package harness

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Figures are the samples of a /metrics page, summed up by name over all labels.
type Figures map[string]float64

// Figures reads those of a proxy.
func (p *Proxy) Figures(t testing.TB) Figures {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all := Figures{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			all[name] += v
		}
	}
	return all
}

// Since is by how much a figure has grown since earlier.
func (f Figures) Since(earlier Figures, name string) float64 { return f[name] - earlier[name] }
