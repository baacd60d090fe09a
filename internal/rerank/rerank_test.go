package rerank_test

import (
	"testing"

	"tollgate/internal/rerank"
)

func TestDocumentsAreInTheAnswerWhenTheyAreWanted(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	docs := []rerank.Document{{Text: "a"}, {Text: "b"}}
	bare := rerank.Response{Results: []rerank.Result{{Index: 1, Score: "0.5"}}}
	full := rerank.Response{Results: []rerank.Result{{Index: 1, Document: &rerank.Document{Text: "b"}}}}
	tests := []struct {
		name   string
		wanted *bool
		answer rerank.Response
		want   bool
	}{
		{"wanted and not there", &yes, bare, true},
		{"wanted and there", &yes, full, true},
		{"not wanted and there", &no, full, false},
		{"as the provider likes", nil, full, true},
		{"as the provider likes, without", nil, bare, false},
	}
	for _, tt := range tests {
		got, err := rerank.Request{Documents: docs, Return: tt.wanted}.Shape(tt.answer)
		if err != nil {
			t.Fatal(err)
		}
		doc := got.Results[0].Document
		if (doc != nil) != tt.want || (doc != nil && doc.Text != "b") {
			t.Errorf("%s: %+v", tt.name, doc)
		}
	}
	if bare.Results[0].Document != nil {
		t.Error("the answer itself was changed")
	}
	for _, index := range []int{-1, 2} {
		if _, err := (rerank.Request{Documents: docs}).Shape(rerank.Response{Results: []rerank.Result{{Index: index}}}); err == nil {
			t.Errorf("document %d does not exist", index)
		}
	}
}
