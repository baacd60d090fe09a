package openaiembed

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// ParseResponse decodes a whole answer. Vectors come in the order of their index, wherever they stand.
func (Dialect) ParseResponse(body []byte) (embed.Response, error) {
	if r := refusal(body); r != nil {
		return embed.Response{}, r
	}
	return Parse(body)
}

// Parse decodes an answer of OpenAI's form: a list of objects under data, each with its index.
func Parse(body []byte) (embed.Response, error) {
	var top struct {
		ID    json.RawMessage `json:"id"`
		Model json.RawMessage `json:"model"`
		Data  []struct {
			Index     *int            `json:"index"`
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
		Usage json.RawMessage `json:"usage"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return embed.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if top.Data == nil {
		return embed.Response{}, provider.ErrBadAnswer
	}
	var out embed.Response
	out.ID, _ = wire.String(top.ID)
	out.Model, _ = wire.String(top.Model)
	if wire.Present(top.Usage) {
		out.Usage, out.Reported = Usage(top.Usage)
	}
	type placed struct {
		at int
		v  embed.Vector
	}
	all := make([]placed, 0, len(top.Data))
	for i, d := range top.Data {
		if d.Index != nil {
			i = *d.Index
		}
		v, ok := toVector(d.Embedding)
		if !ok {
			return embed.Response{}, provider.ErrBadAnswer
		}
		all = append(all, placed{i, v})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	out.Vectors = make([]embed.Vector, 0, len(all))
	for _, p := range all {
		out.Vectors = append(out.Vectors, p.v)
	}
	return out, nil
}

func toVector(raw json.RawMessage) (embed.Vector, bool) {
	if s, ok := wire.String(raw); ok {
		return embed.Vector{Base64: s}, true
	}
	return embed.Vector{List: raw}, len(raw) > 0 && raw[0] == '['
}

// AppendResponse writes a whole answer, each vector in the form that it has.
func (Dialect) AppendResponse(dst []byte, r embed.Response) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i, v := range r.Vectors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"object":"embedding","index":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, `,"embedding":`...)
		if v.List != nil {
			dst = append(dst, v.List...)
		} else {
			dst = wire.AppendString(dst, v.Base64)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"model":`...)
	dst = wire.AppendString(dst, r.Model)
	if r.ID != "" {
		dst = append(dst, `,"id":`...)
		dst = wire.AppendString(dst, r.ID)
	}
	if r.Usage.Source != chat.Unknown {
		dst = append(dst, `,"usage":`...)
		dst = appendUsage(dst, r.Usage.Units, r.Cost)
	}
	return append(dst, '}')
}

func appendUsage(dst []byte, u chat.Units, cost string) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, u.InputTotal(), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, u.InputTotal(), 10)
	if n := u[chat.InputImage]; n > 0 {
		dst = append(dst, `,"prompt_tokens_details":{"image_tokens":`...)
		dst = append(strconv.AppendInt(dst, n, 10), '}')
	}
	if cost != "" && json.Valid([]byte(cost)) {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, cost...)
	}
	return append(dst, '}')
}
