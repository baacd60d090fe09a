package aliasfile

import _ "embed" // the schema

//go:embed routing.schema.json
var schema []byte

// Schema is the JSON Schema (2020-12) of the YAML form. It says no less than Parse about the form of a file; what needs more than the
// form (that an alias exists, that a condition means something) only Parse and File.Problems say.
func Schema() []byte { return schema }
