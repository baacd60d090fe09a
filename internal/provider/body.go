package provider

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/provider/wire"
)

// AddFields puts more members at the end of an object that is written without space.
func AddFields(object []byte, fields map[string]json.RawMessage) []byte {
	if len(fields) == 0 {
		return object
	}
	object = bytes.TrimSuffix(object, []byte("}"))
	if len(object) > 1 {
		object = append(object, ',')
	}
	return append(object, wire.Marshal(fields)[1:]...)
}
