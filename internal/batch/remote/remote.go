// Package remote speaks providers' batch APIs: one file a driver.
package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tollgate/internal/batch"
)

// Drivers are all, by the name that vendors' files give them.
func Drivers() map[string]batch.Driver {
	return map[string]batch.Driver{
		"openai":    openAI{endpoint: "/v1"},
		"azure":     openAI{endpoint: "/v1"}, // the v1 API of Azure OpenAI
		"anthropic": anthropic{},
		"gemini":    gemini{},
		"mistral":   mistral{},
		"bedrock":   bedrock{},
	}
}

// parcelBytes bounds a parcel's bodies, which stand in memory while it is sent.
const parcelBytes = 24 << 20

// The bounds of what is read of a provider.
const (
	refusalMax = 64 << 10
	objectMax  = 8 << 20
	lineMax    = 64 << 20
)

// call asks the provider and gives its answer when that is a success; a *batch.Refusal when it is not.
func call(ctx context.Context, w batch.Way, req batch.Request) (io.ReadCloser, error) {
	resp, err := w(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, refusalMax)) // what has come is enough
	return nil, &batch.Refusal{Status: resp.StatusCode, Message: reason(body)}
}

// reason is the sentence in an error body, whosever shape it has.
func reason(body []byte) string {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &e) != nil {
		return http.StatusText(http.StatusBadGateway)
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(e.Error, &inner) == nil && inner.Message != "" {
		return inner.Message
	}
	for _, raw := range []json.RawMessage{e.Message, e.Error, e.Detail} {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			return text
		}
	}
	return "no reason was given"
}

// object asks and reads a JSON object.
func object(ctx context.Context, w batch.Way, req batch.Request, into any) error {
	body, err := call(ctx, w, req)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	b, err := io.ReadAll(io.LimitReader(body, objectMax+1))
	switch {
	case err != nil:
		return err
	case len(b) > objectMax:
		return errTooLarge
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.Path, errGarbage)
	}
	return nil
}

var (
	errGarbage  = errors.New("the provider's answer could not be read")
	errTooLarge = errors.New("the provider's answer is too large")
)

func get(path string) batch.Request { return batch.Request{Method: http.MethodGet, Path: path} }

func post(path string, body any) (batch.Request, error) {
	b, err := json.Marshal(body)
	return batch.Request{Method: http.MethodPost, Path: path, Body: b}, err
}

// jsonLines asks for a file of lines and gives them one after another. A last line that broke off is an error.
func jsonLines(ctx context.Context, w batch.Way, path string, take func(line []byte) error) error {
	body, err := call(ctx, w, get(path))
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	return eachLine(body, take)
}

// eachLine gives the lines of a file one after another.
func eachLine(file io.Reader, take func(line []byte) error) error {
	in := bufio.NewScanner(file)
	in.Buffer(make([]byte, 64<<10), lineMax)
	for in.Scan() {
		if line := bytes.TrimSpace(in.Bytes()); len(line) > 0 {
			if err := take(line); err != nil {
				return err
			}
		}
	}
	return in.Err()
}

// fault makes a reply of a line that the provider failed without a response of its own.
func fault(status int, kind, message string) batch.Reply {
	b, err := json.Marshal(map[string]any{"error": map[string]any{"type": kind, "message": message}})
	if err != nil { // strings always can be
		b = []byte(`{"error":{"message":"failed"}}`)
	}
	return batch.Reply{Status: status, Body: b}
}
