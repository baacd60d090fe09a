package gateway

import "encoding/json"

// Conforms makes a check of documents against JSON schemas that callers wrote, with bounded work (see schemas). An error means that
// nobody can tell: the schema is none, refers to something outside itself, or takes too long.
func Conforms() func(schema, document []byte) (bool, error) {
	kept := &schemas{}
	return func(schema, document []byte) (bool, error) {
		var v any
		if json.Unmarshal(document, &v) != nil {
			return false, nil
		}
		return kept.check(schema, v)
	}
}
