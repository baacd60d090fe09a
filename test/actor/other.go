package actor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"strings"
)

// other answers what is no chat call. Usage is what the entries of the book say; answers are functions of what was sent.
func (s *Server) other(w http.ResponseWriter, r *http.Request, model string, body []byte) {
	path := r.URL.Path
	name := path[strings.LastIndexAny(path, "/:")+1:]
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	form := formOf(r, body)
	if model == "" {
		model = form.value("model")
	}
	e := Entry{Dialect: name, Model: model, Status: http.StatusOK, Header: r.Header.Clone(), Body: body}
	e.Act.Ref = form.value("user")
	if ref, ok := in["user"].(string); ok {
		e.Act.Ref = ref
	}
	s.note(e)
	var answer any
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(path, "/models"):
		answer = map[string]any{
			"object": "list", "data": []any{map[string]any{"id": "model", "object": "model", "type": "model"}}, "has_more": false,
			"models": []any{map[string]any{"name": "models/model"}},
		}
	case strings.HasSuffix(path, "/completions"):
		answer = completion(model, in)
	case strings.HasSuffix(path, "/count_tokens"), strings.HasSuffix(path, "/input_tokens"):
		answer = map[string]any{"object": "response.input_tokens", "input_tokens": 1000 + len(strings.Fields(string(body)))}
	case strings.HasSuffix(path, ":countTokens"):
		answer = map[string]any{"totalTokens": 1000 + len(strings.Fields(string(body)))}
	case strings.HasSuffix(path, "/embeddings"):
		answer = embeddings(model, in)
	case strings.HasSuffix(path, ":embedContent"):
		answer = map[string]any{"embedding": map[string]any{"values": Vector(geminiText(in["content"]))}}
	case strings.HasSuffix(path, ":batchEmbedContents"):
		answer = batch(in)
	case strings.HasSuffix(path, "/images/generations"):
		answer = pictureOf(fmt.Sprint("picture of ", in["prompt"]))
	case strings.HasSuffix(path, "/images/edits"):
		answer = pictureOf("picture of " + form.value("prompt") + " from " + Fingerprint(form.file("image")))
	case strings.HasSuffix(path, "/audio/speech"):
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = io.WriteString(w, fmt.Sprintf("ID3 %v says %v", in["voice"], in["input"]))
		return
	case strings.HasSuffix(path, "/audio/transcriptions"), strings.HasSuffix(path, "/audio/translations"):
		answer = map[string]any{"text": name + " of " + Fingerprint(form.file("file")), "usage": map[string]any{"type": "duration", "seconds": 3}}
	case strings.HasSuffix(path, "/moderations"):
		answer = moderation(model, in)
	case strings.HasSuffix(path, "/rerank"):
		answer = rerank(in)
	case strings.Contains(path, "/files"):
		s.filesystem(w, r, form)
		return
	default:
		w.WriteHeader(http.StatusNotFound)
		answer = map[string]any{"error": map[string]any{"message": "no such path: " + path, "type": "invalid_request_error"}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// form is a multipart body; nil where there is none.
type form struct{ *multipart.Form }

func formOf(r *http.Request, body []byte) form {
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.ParseMultipartForm(bodyMax) != nil {
		return form{}
	}
	return form{r.MultipartForm}
}

func (f form) value(name string) string {
	if f.Form == nil || len(f.Value[name]) == 0 {
		return ""
	}
	return f.Value[name][0]
}

// file is the first file of a field, or of a list "field[]".
func (f form) file(name string) []byte {
	if f.Form == nil {
		return nil
	}
	for _, n := range []string{name, name + "[]"} {
		for _, h := range f.File[n] {
			if o, err := h.Open(); err == nil {
				defer o.Close() //nolint:gocritic // returns at once
				data, _ := io.ReadAll(o)
				return data
			}
		}
	}
	return nil
}

// Vector is a text's embedding: eight numbers that float32 holds exactly.
func Vector(text string) []float64 {
	sum := sha256.Sum256([]byte(text))
	out := make([]float64, 8)
	for i := range out {
		out[i] = float64(int8(sum[i])) / 128
	}
	return out
}

func embeddings(model string, in map[string]any) any {
	var texts []string
	switch v := in["input"].(type) {
	case string:
		texts = []string{v}
	case []any:
		for _, t := range v {
			texts = append(texts, fmt.Sprint(t))
		}
	}
	data := []any{}
	for i, t := range texts {
		var vector any = Vector(t)
		if in["encoding_format"] == "base64" {
			var b bytes.Buffer
			for _, f := range Vector(t) {
				_ = binary.Write(&b, binary.LittleEndian, math.Float32bits(float32(f)))
			}
			vector = base64.StdEncoding.EncodeToString(b.Bytes())
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector})
	}
	n := 3 * len(texts)
	return map[string]any{"object": "list", "model": model, "data": data, "usage": map[string]any{"prompt_tokens": n, "total_tokens": n}}
}

func geminiText(content any) string {
	raw, _ := json.Marshal(content)
	var c struct{ Parts []geminiPart }
	_ = json.Unmarshal(raw, &c)
	var out string
	for _, p := range c.Parts {
		out += p.Text
	}
	return out
}

func batch(in map[string]any) any {
	requests, _ := in["requests"].([]any)
	out := []any{}
	for _, r := range requests {
		one, _ := r.(map[string]any)
		out = append(out, map[string]any{"values": Vector(geminiText(one["content"]))})
	}
	return map[string]any{"embeddings": out}
}

func completion(model string, in map[string]any) any {
	return map[string]any{
		"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": model,
		"choices": []any{map[string]any{"index": 0, "text": fmt.Sprint("after ", in["prompt"]), "finish_reason": "stop", "logprobs": nil}},
		"usage":   map[string]any{"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
	}
}

// pictureOf is an image answer whose bytes say what was asked for.
func pictureOf(what string) any {
	return map[string]any{
		"created": 1700000000, "data": []any{map[string]any{"b64_json": base64.StdEncoding.EncodeToString([]byte(what))}},
		"usage": map[string]any{"input_tokens": 12, "output_tokens": 100, "total_tokens": 112, "input_tokens_details": map[string]any{"text_tokens": 12, "image_tokens": 0}},
	}
}

func moderation(model string, in map[string]any) any {
	flagged := strings.Contains(fmt.Sprint(in["input"]), "flag=true")
	return map[string]any{"id": "modr-1", "model": model, "results": []any{map[string]any{
		"flagged": flagged, "categories": map[string]any{"violence": flagged}, "category_scores": map[string]any{"violence": 0.5},
		"category_applied_input_types": map[string]any{"violence": []any{"text"}},
	}}}
}

// rerank puts the documents that hold the query first.
func rerank(in map[string]any) any {
	documents, _ := in["documents"].([]any)
	query := fmt.Sprint(in["query"])
	var first, rest []any
	for i, d := range documents {
		if strings.Contains(fmt.Sprint(d), query) {
			first = append(first, map[string]any{"index": i, "relevance_score": 0.9})
		} else {
			rest = append(rest, map[string]any{"index": i, "relevance_score": 0.1})
		}
	}
	return map[string]any{"id": "rr-1", "results": append(first, rest...), "meta": map[string]any{"api_version": map[string]any{"version": "2"}, "billed_units": map[string]any{"search_units": 1}}}
}

// filesystem keeps files by id.
func (s *Server) filesystem(w http.ResponseWriter, r *http.Request, f form) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.TrimSuffix(r.URL.Path[strings.Index(r.URL.Path, "/files")+len("/files"):], "/content")
	id = strings.Trim(id, "/")
	if r.Method == http.MethodPost {
		data := f.file("file")
		id = "file-" + Fingerprint(data)
		s.files[id] = data
	}
	data, ok := s.files[id]
	w.Header().Set("Content-Type", "application/json")
	switch {
	case id == "":
		list := []any{}
		for name, d := range s.files {
			list = append(list, fileObject(name, d))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": list, "has_more": false})
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"message":"No such File object","type":"invalid_request_error","param":"id","code":null}}`)
	case strings.HasSuffix(r.URL.Path, "/content"):
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(data)
	case r.Method == http.MethodDelete:
		delete(s.files, id)
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "object": "file", "deleted": true})
	default:
		_ = json.NewEncoder(w).Encode(fileObject(id, data))
	}
}

func fileObject(id string, data []byte) any {
	return map[string]any{"id": id, "object": "file", "bytes": len(data), "created_at": 1700000000, "filename": "notes.txt", "purpose": "user_data", "status": "processed"}
}
