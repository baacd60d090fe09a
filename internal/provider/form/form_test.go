package form_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"tollgate/internal/provider/form"
)

const kind = `multipart/form-data; boundary="b-1"`

func TestEveryPartStandsWhereItSays(t *testing.T) {
	t.Parallel()
	body := "preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n" +
		"--b-1 \r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--b-\r\n\r\n" +
		"--b-1\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--b-1--\r\nepilogue"
	parts, err := form.Scan(kind, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ name, file, value string }{{"model", "", "whisper-1"}, {"file", "a b.wav", "RIFF\r\n--b-\r\n"}, {"empty", "", ""}}
	if len(parts) != len(want) {
		t.Fatalf("%d parts: %+v", len(parts), parts)
	}
	for i, w := range want {
		p := parts[i]
		if p.Name != w.name || p.File != w.file || body[p.From:p.To] != w.value {
			t.Errorf("part %d = %+v with %q, want %+v", i, p, body[p.From:p.To], w)
		}
		if !strings.HasPrefix(body[p.Start:], "--b-1") || !strings.HasPrefix(body[p.End:], "--b-1") {
			t.Errorf("part %d does not reach from boundary to boundary", i)
		}
	}
}

func TestABrokenFormIsRefused(t *testing.T) {
	t.Parallel()
	const good = "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b-1--\r\n"
	for name, c := range map[string][2]string{
		"no boundary":           {"multipart/form-data", good},
		"another type":          {"application/json", good},
		"not in the body":       {kind, "hello"},
		"no name":               {kind, "--b-1\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b-1--\r\n"},
		"no end":                {kind, strings.TrimSuffix(good, "\r\n--b-1--\r\n")},
		"headers without end":   {kind, "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n"},
		"a second reading":      {kind, "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\n--b-1\nContent-Disposition: form-data; name=\"model\"\n\nx\r\n--b-1--\r\n"},
		"one in the headers":    {kind, "--b-1\r\nContent-Disposition: form-data; name=\"a\"\n--b-1\nX: y\r\n\r\nv\r\n--b-1--\r\n"},
		"one in the preamble":   {kind, "x\n--b-1\nContent-Disposition: form-data; name=\"model\"\n\nx\r\n" + good},
		"text after a boundary": {kind, "--b-1x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b-1--\r\n"},
	} {
		if p, err := form.Scan(c[0], []byte(c[1])); !errors.Is(err, form.ErrForm) {
			t.Errorf("%s: taken as %+v, %v", name, p, err)
		}
	}
	for cut := range len(good) - 4 {
		if _, err := form.Scan(kind, []byte(good[:cut])); err == nil {
			t.Errorf("taken though cut at %d", cut)
		}
	}
}

// The standard library's reader finds the same parts in whatever its writer wrote.
func FuzzScan(f *testing.F) {
	f.Add("model", "whisper-1", "audio\r\n--b")
	f.Add("a", "", "\r\n--b-1")
	f.Fuzz(func(t *testing.T, name, value, file string) {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		if strings.ContainsAny(name, "\r\n") || name == "" || w.WriteField(name, value) != nil {
			return
		}
		part, err := w.CreateFormFile("file", "x")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(file))
		_ = w.Close()
		body := buf.Bytes()
		if bytes.Count(body, []byte(w.Boundary())) != 3 {
			return
		}
		parts, err := form.Scan(w.FormDataContentType(), body)
		r := multipart.NewReader(bytes.NewReader(body), w.Boundary())
		for i := 0; ; i++ {
			p, end := r.NextPart()
			if end != nil {
				if errors.Is(end, io.EOF) && i != len(parts) {
					t.Fatalf("%d parts, want %d", len(parts), i)
				}
				return
			}
			if p.FormName() == "" {
				return // a name that no reader gets back
			}
			if err != nil {
				t.Fatal(err)
			}
			want, _ := io.ReadAll(p)
			if got := parts[i]; got.Name != p.FormName() || !bytes.Equal(body[got.From:got.To], want) {
				t.Fatalf("part %d = %+v", i, got)
			}
		}
	})
}

func FuzzScanHostile(f *testing.F) {
	f.Add(kind, "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b-1--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		parts, _ := form.Scan(contentType, []byte(body))
		for _, p := range parts {
			if p.From > p.To || p.Start > p.From || p.To > p.End || p.End > len(body) {
				t.Fatalf("%+v of %d bytes", p, len(body))
			}
		}
	})
}
