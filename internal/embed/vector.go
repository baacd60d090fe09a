package embed

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// Vector is one of its two forms.
type Vector struct {
	List   json.RawMessage // a JSON list of numbers
	Base64 string          // little-endian float32, or one byte a number where Type says so
	Type   string          // of the numbers: "int8", "uint8", "binary", "ubinary"; "" is float
}

var errVector = errors.New("not a vector")

// wide reports whether numbers are of four bytes. All other types have one.
func wide(typ string) bool { return typ == "" || typ == "float" }

// unsigned reports whether bytes count from 0 and not from -128.
func unsigned(typ string) bool { return typ == "uint8" || typ == "ubinary" }

// Packed is the vector in base64.
func (v Vector) Packed() (Vector, error) {
	if v.Base64 != "" {
		return Vector{Base64: v.Base64, Type: v.Type}, nil
	}
	var numbers []float64
	if err := json.Unmarshal(v.List, &numbers); err != nil {
		return v, err
	}
	if numbers == nil {
		return v, errVector
	}
	size := 1
	if wide(v.Type) {
		size = 4
	}
	raw := make([]byte, 0, size*len(numbers))
	for _, n := range numbers {
		if size == 4 {
			if narrow := float32(n); !math.IsInf(float64(narrow), 0) {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(narrow))
				continue
			}
			return v, errVector
		}
		if n != math.Trunc(n) || n < -128 || n > 255 {
			return v, errVector
		}
		raw = append(raw, byte(int(n)))
	}
	return Vector{Base64: base64.StdEncoding.EncodeToString(raw), Type: v.Type}, nil
}

// Listed is the vector as numbers.
func (v Vector) Listed() (Vector, error) {
	if v.List != nil {
		if !json.Valid(v.List) || v.List[0] != '[' {
			return v, errVector
		}
		return Vector{List: v.List, Type: v.Type}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(v.Base64)
	if err != nil || len(raw) == 0 {
		return v, errVector
	}
	if !wide(v.Type) {
		return Vector{List: listBytes(raw, unsigned(v.Type)), Type: v.Type}, nil
	}
	if len(raw)%4 != 0 {
		return v, errVector
	}
	list := make([]byte, 0, 3*len(raw))
	list = append(list, '[')
	for i := 0; i < len(raw); i += 4 {
		n := float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return v, errVector // no JSON can say it
		}
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendFloat(list, n, 'g', -1, 32)
	}
	return Vector{List: append(list, ']'), Type: v.Type}, nil
}

func listBytes(raw []byte, unsigned bool) json.RawMessage {
	list := make([]byte, 0, 5*len(raw))
	list = append(list, '[')
	for i, b := range raw {
		if i > 0 {
			list = append(list, ',')
		}
		n := int64(b)
		if !unsigned {
			n = int64(int8(b)) // that is how it was packed
		}
		list = strconv.AppendInt(list, n, 10)
	}
	return append(list, ']')
}
