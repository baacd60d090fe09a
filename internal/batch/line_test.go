package batch

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// FuzzInput reads any file: what it gives are lines that can be run, and a file is either good as a whole or has problems.
func FuzzInput(f *testing.F) {
	good := `{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"m"}}`
	for _, seed := range []string{
		"", "\n\n", good, good + "\n" + good, good + "\r\n" + strings.Replace(good, `"a"`, `"b"`, 1), "{", "null", "[]", good[:40], "\xff" + good,
		strings.Replace(good, `"m"`, `"m","stream":true`, 1), strings.Replace(good, "{\"model\":\"m\"}", "null", 1), strings.Replace(good, `"a"`, `""`, 1),
		strings.Replace(good, `"a"`, `"\u0000"`, 1), good + " {}", strings.Replace(good, "POST", "GET", 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := &reading{endpoint: "/v1/embeddings", seen: map[string]int{}}
		seen := map[string]bool{}
		err := in.lines(strings.NewReader(text), 2, func(lines []Line) error {
			if len(in.problems) > 0 {
				t.Error("lines were given of a file that is known to be wrong")
			}
			for _, l := range lines {
				var body struct{ Model string }
				if l.CustomID == "" || seen[l.CustomID] || l.Number < 1 || json.Unmarshal(l.Body, &body) != nil {
					t.Errorf("%+v", l)
				}
				seen[l.CustomID] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(in.problems) == 0 && len(seen) == 0 {
			t.Error("a file without a line is good")
		}
		for _, p := range in.problems {
			if p.Code == "" || p.Message == "" || p.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%+v", p)
			}
		}
	})
}

// Long lines are given in small pages: a file of 200 MiB must not stand in memory.
func TestLongLinesAreGivenInSmallPages(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range 12 {
		file.WriteString(`{"custom_id":"` + strconv.Itoa(i) + `","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"` +
			strings.Repeat("x", PageBytesMax/4) + `"}}` + "\n")
	}
	in := &reading{endpoint: "/v1/embeddings", seen: map[string]int{}}
	total := 0
	err := in.lines(strings.NewReader(file.String()), 200, func(lines []Line) error {
		if total += len(lines); len(lines) > 4 {
			t.Errorf("a page of %d lines", len(lines))
		}
		return nil
	})
	if err != nil || len(in.problems) > 0 || total != 12 {
		t.Errorf("%d lines, %v, %v", total, in.problems, err)
	}
}
