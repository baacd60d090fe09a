package sandbox

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider/openaiembed"
)

// embedder is the model that makes vectors.
const embedder = "embed-mini"

// The sizes of vectors.
const (
	dimensions    = 256
	dimensionsMax = 4096
)

func (p *Provider) embed(req *http.Request) (int, http.Header, io.ReadCloser) {
	body, ok := read(req)
	if !ok {
		return tooLarge()
	}
	d := openaiembed.Dialect{}
	r, err := d.ParseRequest(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	if strings.TrimPrefix(r.Model, "sandbox/") != embedder {
		return noModel(r.Model)
	}
	size := r.Dimensions
	if size == 0 {
		size = dimensions
	}
	if size < 1 || size > dimensionsMax {
		return refuse(http.StatusBadRequest, "invalid_request", "dimensions must be between 1 and "+strconv.Itoa(dimensionsMax)+".")
	}
	res := embed.Response{Model: embedder, Usage: chat.Usage{Source: chat.Reported}}
	for _, in := range r.Inputs {
		text := in.Text
		for _, token := range in.Tokens {
			text += " " + strconv.FormatInt(token, 10)
		}
		res.Vectors = append(res.Vectors, embed.Vector{List: vector(text, int(size))})
		res.Usage.Units[chat.Input] += (int64(len(text)) + 3) / 4
	}
	res, err = r.Shape(res)
	if err != nil {
		return refuse(http.StatusInternalServerError, "server_error", err.Error())
	}
	return http.StatusOK, jsonHeader(), whole(d.AppendResponse(nil, res))
}

// vector hashes the words of a text into a direction of length one: texts with the same words point the same way.
func vector(text string, size int) json.RawMessage {
	sums := make([]float64, size)
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(word)) // a hash never fails
		n := h.Sum64()
		sums[n%uint64(size)] += 1 - 2*float64(n>>63)
	}
	square := 0.0
	for _, x := range sums {
		square += x * x
	}
	if square == 0 {
		sums[0], square = 1, 1
	}
	out := []byte{'['}
	for i, x := range sums {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, x/math.Sqrt(square), 'g', 7, 32)
	}
	return append(out, ']')
}
