package bound

import (
	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/provider/wire"
)

const (
	unitDocuments = 100 // in one search unit
	// pieceBytes is the least text that a piece of a long document holds: providers cut them at 500 tokens, of which the query takes
	// 256 at most.
	pieceBytes = 200
)

// rankField are the members of a request for ranks all of which the body shows.
var rankField = names("model", "query", "documents", "top_n", "top_k", "return_documents", "max_tokens_per_doc", "max_chunks_per_doc",
	"rank_fields", "truncation", "user", "tollgate", "text", "title", "instruction", "priority", "provider")

// rerankMost is what ranking weighs: by tokens, where the query is read with each document, or by search units, of a query and up to a
// hundred documents.
func rerankMost(a *Ask, lists []price.Record) (most, error) {
	query, documents, pieces, hidden := int64(0), int64(0), int64(0), ""
	w := wire.Walk(a.Body)
	for w.Next() && w.IsObject() {
		switch name := string(w.Key); {
		case name == "query":
			query = weigh(w.Value())
			if w.Value()[0] != '"' {
				hidden = name
			}
		case name == "documents":
			d := wire.Walk(w.Value())
			for d.Next() {
				documents++
				pieces += 1 + weigh(d.Value())/pieceBytes
				if !ranked(d.Value()) {
					hidden = "documents"
				}
			}
		case !rankField[name]:
			hidden = name
		}
	}
	if w.Err() != nil || hidden != "" {
		return most{}, unbounded(hidden, "what it points at is not in the call", "Send texts only")
	}
	m := most{price: lists[0].ID, input: sum(weigh(a.Body), product(sum(query, frameText), sum(documents, 1)))}
	units := pieces/unitDocuments + 1
	for _, l := range lists {
		for _, r := range reach(l, m.input) {
			in, tokens := dearest(r, chat.Input)
			if !tokens && !r[chat.SearchUnits].Listed && !r[chat.Requests].Listed {
				return most{}, unlisted(a, chat.SearchUnits)
			}
			one := rate{in: in, fee: feeOf(r)}
			one.fee.Add(units, r[chat.SearchUnits].Price)
			m.rates = append(m.rates, one)
		}
	}
	return m, nil
}

// ranked reports a document that is text.
func ranked(raw []byte) bool {
	switch raw[0] {
	case '"':
		return true
	case '{':
		w := wire.Walk(raw)
		for w.Next() {
			if v := w.Value(); v[0] == '{' || v[0] == '[' || string(w.Key) == "image" || string(w.Key) == "url" {
				return false
			}
		}
		return w.Err() == nil
	}
	return false
}
