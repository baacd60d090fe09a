package playground_test

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/fault"
	"tollgate/internal/playground"
)

func TestADatasetIsReadByItsHeader(t *testing.T) {
	t.Parallel()
	rows, err := playground.ParseDataset([]byte("\xef\xbb\xbfname,expected,message\nAda,yes,\"hello, you\"\n=1+1,,\n"))
	if err != nil || len(rows) != 2 {
		t.Fatalf("ParseDataset = %v, %v", rows, err)
	}
	if r := rows[0]; r.Number != 1 || string(r.Variables["name"]) != `"Ada"` || r.Expected != "yes" || r.Message != "hello, you" || len(r.Variables) != 1 {
		t.Errorf("first row = %+v", r)
	}
	rows, err = playground.ParseDataset([]byte("{\"name\": \"Ada\", \"n\": 3, \"expected\": \"x\"}\n\n{\"list\": [1]}\n"))
	if err != nil || len(rows) != 2 || string(rows[0].Variables["n"]) != "3" || rows[0].Expected != "x" || string(rows[1].Variables["list"]) != "[1]" {
		t.Errorf("lines of JSON = %+v, %v", rows, err)
	}
}

func TestABadDatasetIsRefusedAtItsLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, says string }{
		"nothing":                  {" \n", "empty"},
		"a header alone":           {"a,b\n", "no rows"},
		"a name that is none":      {"a b\n1\n", "Line 1"},
		"a name that stands twice": {"a,a\n1,2\n", "twice"},
		"too few fields":           {"a,b\n1,2\n3\n", "Line 3"},
		"a stray quote":            {"a,b\n1,x\"y\n", "Line 2"},
		"a line that is no object": {"{\"a\":1}\n[1]\n", "Line 2"},
		"a null":                   {"{\"a\":1}\nnull\n", "Line 2"},
		"no text":                  {"a\n\xff\n", "UTF-8"},
		"too many rows":            {"a\n" + strings.Repeat("1\n", playground.RowsMax+1), "at most 1000 rows"},
		"too large":                {"a\n" + strings.Repeat("x", playground.DatasetMax), "1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := playground.ParseDataset([]byte(c.data))
			var f *fault.Error
			if !errors.As(err, &f) || !errors.Is(err, playground.ErrData) || !strings.Contains(f.Message, c.says) {
				t.Errorf("ParseDataset = %v, want something with %q", err, c.says)
			}
		})
	}
}

func FuzzDataset(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("{\"a\":1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := playground.ParseDataset(data)
		if err == nil && (len(rows) == 0 || len(rows) > playground.RowsMax) {
			t.Errorf("%d rows and no error", len(rows))
		}
		for i, r := range rows {
			if r.Number != i+1 {
				t.Errorf("row %d has the number %d", i, r.Number)
			}
		}
	})
}
