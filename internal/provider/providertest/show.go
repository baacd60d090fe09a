package providertest

import (
	"encoding/json"
	"reflect"
	"testing"

	"tollgate/internal/chat"
)

// plain makes a value that shows only what is set, for golden files: a field or a unit class that comes later changes none of them.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if err, ok := v.Interface().(error); ok && v.Elem().Kind() != reflect.Struct {
			return err.Error()
		}
		return plain(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() && !empty(f) {
				out[v.Type().Field(i).Name] = plain(f)
			}
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range v.MapKeys() {
			out[k.String()] = plain(v.MapIndex(k))
		}
		return out
	case reflect.Slice, reflect.Array:
		return plainList(v)
	default:
		return v.Interface()
	}
}

func plainList(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case chat.Units:
		out := map[string]int64{}
		for c, n := range x {
			if n != 0 {
				out[chat.Class(c).String()] = n
			}
		}
		return out
	case json.RawMessage:
		if json.Valid(x) {
			return x
		}
		return string(x)
	case []byte:
		return string(x)
	}
	out := make([]any, v.Len())
	for i := range out {
		out[i] = plain(v.Index(i))
	}
	return out
}

func empty(f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Slice, reflect.Map:
		return f.Len() == 0
	default:
		return f.IsZero()
	}
}

// Plain is v as JSON that a reviewer can read, with only what is set.
func Plain(t *testing.T, v any) []byte {
	t.Helper()
	return indent(t, plain(reflect.ValueOf(v)))
}
