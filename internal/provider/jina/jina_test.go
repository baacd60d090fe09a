package jina_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/provider/jina"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/rerank"
)

func TestRerank(t *testing.T) { //nolint:paralleltest // its parts are parallel
	yes, no := true, false
	docs := []rerank.Document{{Text: "a"}, {Object: json.RawMessage(`{"image":"https://x.example/a.png"}`)}}
	providertest.ExerciseWriting[rerank.Request, rerank.Response](t, jina.Rerank{}, "rerank", map[string]rerank.Request{
		"plain":      {Model: "jina-reranker-m0", Query: "q", Documents: docs},
		"everything": {Model: "jina-reranker-m0", Query: "q", Documents: docs, TopN: 2, Return: &yes, Truncate: &yes},
		"not-cut":    {Model: "m", Query: "q", Documents: docs, Truncate: &no},
		"max-tokens": {Model: "m", Query: "q", Documents: docs, MaxTokens: 100},
	})
}
