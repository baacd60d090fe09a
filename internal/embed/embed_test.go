package embed_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/embed"
)

// The bytes are those of Python's struct.pack('<4f', 1, -2.5, 0.1, 3e-9), which is what OpenAI's SDKs unpack.
func TestFloatsArePackedTheWayClientsUnpackThem(t *testing.T) {
	t.Parallel()
	list := embed.Vector{List: json.RawMessage(`[1, -2.5, 0.1, 3e-9]`)}
	packed, err := list.Packed()
	if err != nil || packed.Base64 != "AACAPwAAIMDNzMw9jyhOMQ==" || packed.List != nil {
		t.Fatalf("packed as %+v, %v", packed, err)
	}
	back, err := packed.Listed()
	if err != nil || back.Base64 != "" {
		t.Fatalf("%+v, %v", back, err)
	}
	var got []float64
	if err := json.Unmarshal(back.List, &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, -2.5, 0.1, 3e-9} {
		if float32(got[i]) != float32(want) {
			t.Errorf("number %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestSmallNumbersArePackedOneByteEach(t *testing.T) {
	t.Parallel()
	tests := []struct{ typ, list, packed string }{
		{"int8", `[-128,-1,0,127]`, "gP8Afw=="},
		{"binary", `[-128,-1,0,127]`, "gP8Afw=="},
		{"uint8", `[0,127,128,255]`, "AH+A/w=="},
		{"ubinary", `[0,127,128,255]`, "AH+A/w=="},
	}
	for _, tt := range tests {
		packed, err := embed.Vector{Type: tt.typ, List: json.RawMessage(tt.list)}.Packed()
		if err != nil || packed.Base64 != tt.packed || packed.Type != tt.typ {
			t.Errorf("%s: packed as %+v, %v", tt.typ, packed, err)
		}
		back, err := packed.Listed()
		if err != nil || string(back.List) != tt.list {
			t.Errorf("%s: %s, %v", tt.typ, back.List, err)
		}
	}
}

func TestWhatIsNoVectorIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []embed.Vector{
		{},
		{List: json.RawMessage(`null`)},
		{List: json.RawMessage(`{"a":1}`)},
		{List: json.RawMessage(`["a"]`)},
		{List: json.RawMessage(`[1`)},
		{List: json.RawMessage(`[1e39]`)},
		{Type: "int8", List: json.RawMessage(`[300]`)},
		{Type: "int8", List: json.RawMessage(`[0.5]`)},
	} {
		if got, err := v.Packed(); err == nil {
			t.Errorf("%s was packed as %q", v.List, got.Base64)
		}
	}
	for _, v := range []embed.Vector{
		{}, {Base64: "!"}, {Base64: "AAA="}, {Base64: "AADAfw=="}, {Base64: "AACAfw=="}, {List: json.RawMessage(`{"a":1}`)}, {List: json.RawMessage(`[1`)},
	} {
		if got, err := v.Listed(); err == nil {
			t.Errorf("%+v was listed as %s", v, got.List)
		}
	}
}

func TestAnAnswerTakesTheFormThatItsRequestAsksFor(t *testing.T) {
	t.Parallel()
	mixed := embed.Response{Vectors: []embed.Vector{{List: json.RawMessage(`[1]`)}, {Base64: "AACAPw=="}}}
	packed, err := embed.Request{Encoding: "base64"}.Shape(mixed)
	if diff := cmp.Diff([]embed.Vector{{Base64: "AACAPw=="}, {Base64: "AACAPw=="}}, packed.Vectors); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	listed, err := embed.Request{}.Shape(mixed)
	if diff := cmp.Diff([]embed.Vector{{List: json.RawMessage(`[1]`)}, {List: json.RawMessage(`[1]`)}}, listed.Vectors); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	small, err := embed.Request{Type: "int8", Encoding: "base64"}.Shape(embed.Response{Vectors: []embed.Vector{{List: json.RawMessage(`[-1]`)}}})
	if err != nil || small.Vectors[0].Base64 != "/w==" || small.Vectors[0].Type != "int8" {
		t.Errorf("small numbers: %+v, %v", small.Vectors, err)
	}
	if _, err := (embed.Request{}).Shape(embed.Response{Vectors: []embed.Vector{{Base64: "?"}}}); err == nil {
		t.Error("a broken vector passed")
	}
}

// Whatever bytes come, a vector that can be listed is packed to the same bytes again.
func FuzzVector(f *testing.F) {
	f.Add([]byte(`[0.25,-1]`), "AACAPwAAIMA=", "")
	f.Add([]byte(`[1,2]`), "gP8Afw==", "int8")
	f.Fuzz(func(t *testing.T, list []byte, packed, typ string) {
		if v, err := (embed.Vector{List: list, Type: typ}).Packed(); err == nil && v.Base64 != "" {
			if _, err := v.Listed(); err != nil {
				t.Fatalf("%s was packed as %q, which is no vector", list, v.Base64)
			}
		}
		if v, err := (embed.Vector{Base64: packed, Type: typ}).Listed(); err == nil {
			if !json.Valid(v.List) {
				t.Fatalf("%s is no JSON", v.List)
			}
			if _, err := v.Packed(); err != nil {
				t.Fatalf("%s cannot be packed again: %v", v.List, err)
			}
		}
	})
}
