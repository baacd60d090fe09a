package gateway

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseMetadata(f *testing.F) {
	for _, s := range []string{`{"a":"b","n":1}`, "a=b,c=d", "a==b", `{"a":`, ",,,", "{}", `{"a":null}`, "a=\x00", strings.Repeat("a=b,", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := parseMetadata(text)
		if err != nil {
			return
		}
		if len(tags) > 4*tagsMax && !strings.HasPrefix(strings.TrimSpace(text), "{") {
			t.Fatalf("%d tags", len(tags))
		}
		for _, tag := range tags {
			if checkTag("test", tag.name, tag.value) != nil {
				continue
			}
			if tag.name == "" || !utf8.ValidString(tag.name) || !utf8.ValidString(tag.value) ||
				strings.ContainsRune(tag.name+tag.value, 0) || len(tag.name) > tagKeyMax || len(tag.value) > tagValueMax {
				t.Fatalf("accepted %q=%q", tag.name, tag.value)
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 3)
	f.Add("ü\x00\xff", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<16 {
			return
		}
		got := clean(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
			t.Fatalf("clean(%q, %d) = %q", s, limit, got)
		}
	})
}
