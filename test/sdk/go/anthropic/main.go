// The official Anthropic SDK for Go.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"tollgate/test/sdk/go/sights"
)

type program struct {
	sights.Plan
	client anthropic.Client
}

func main() {
	p := program{Plan: sights.Read()}
	p.client = p.on(option.WithAPIKey(p.Key))
	bearer := program{Plan: p.Plan, client: p.on(option.WithAuthToken(p.Key))}
	nobody := program{Plan: p.Plan, client: p.on(option.WithAPIKey("sk-ant-nothing"))}
	p.Steps("messages", map[string]sights.Step{
		"whole": p.whole, "stream": p.stream, "tools": p.tools, "tools-stream": p.toolsStream, "structured": p.structured, "structured-stream": p.structuredStream,
		"image": p.image, "by-bearer": bearer.whole, "limited": refused(p.whole), "limited-stream": refused(p.stream), "overloaded": refused(p.whole),
		"broken-stream": refused(p.stream), "bad-key": refused(nobody.whole),
		"bad-model": refused(func(_, text string) (sights.Sight, error) { return p.whole("no-such-model", text) }),
	})
	p.Steps("tokens", map[string]sights.Step{"count": p.count})
	p.Steps("models", map[string]sights.Step{"models": p.models})
}

func (p program) on(credential option.RequestOption) anthropic.Client {
	return anthropic.NewClient(option.WithBaseURL(p.Base), credential, option.WithMaxRetries(0))
}

// refused finds the SDK's own error.
func refused(run sights.Step) sights.Step {
	return func(model, text string) (sights.Sight, error) {
		saw, err := run(model, text)
		var e *anthropic.Error
		if errors.As(err, &e) {
			return sights.Refused("*anthropic.Error", e.StatusCode, e.Response, e.Error()), nil
		}
		if err != nil {
			return sights.Broken(err), nil
		}
		return saw, nil
	}
}

func (p program) request(model string, content ...anthropic.ContentBlockParamUnion) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 1000, System: []anthropic.TextBlockParam{{Text: p.System}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(content...)},
	}
}

func sight(m *anthropic.Message) sights.Sight {
	text := ""
	for _, b := range m.Content {
		text += b.Text
	}
	u := m.Usage
	return sights.Sight{"text": text, "finish": m.StopReason, "input": u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens, "output": u.OutputTokens}
}

type ask func(anthropic.MessageNewParams) (*anthropic.Message, int, error)

func (p program) create(params anthropic.MessageNewParams) (*anthropic.Message, int, error) {
	m, err := p.client.Messages.New(context.Background(), params)
	return m, 2, err
}

func (p program) flow(params anthropic.MessageNewParams) (*anthropic.Message, int, error) {
	s := p.client.Messages.NewStreaming(context.Background(), params)
	defer s.Close()
	var all anthropic.Message
	n := 0
	for s.Next() {
		e := s.Current()
		if err := all.Accumulate(e); err != nil {
			return nil, n, err
		}
		if e.Type == "content_block_delta" {
			n++
		}
	}
	return &all, n, s.Err()
}

func (p program) whole(model, text string) (sights.Sight, error) {
	m, _, err := p.create(p.request(model, anthropic.NewTextBlock(text)))
	if err != nil {
		return nil, err
	}
	return sight(m), nil
}

func (p program) stream(model, text string) (sights.Sight, error) {
	m, n, err := p.flow(p.request(model, anthropic.NewTextBlock(text)))
	if err != nil {
		return nil, err
	}
	saw := sight(m)
	saw["pieces"] = n
	return saw, nil
}

func (p program) image(model, text string) (sights.Sight, error) {
	request := p.request(model, anthropic.NewImageBlockBase64("image/png", base64.StdEncoding.EncodeToString(p.Image)), anthropic.NewTextBlock(text))
	request.System = nil
	m, _, err := p.create(request)
	if err != nil {
		return nil, err
	}
	return sight(m), nil
}

func (p program) tools(model, text string) (sights.Sight, error) {
	return p.loop(model, text, p.create)
}
func (p program) toolsStream(model, text string) (sights.Sight, error) {
	return p.loop(model, text, p.flow)
}

func (p program) loop(model, text string, send ask) (sights.Sight, error) {
	params := p.request(model, anthropic.NewTextBlock(text))
	schema := sights.Schema()
	params.Tools = []anthropic.ToolUnionParam{anthropic.ToolUnionParamOfTool(
		anthropic.ToolInputSchemaParam{Properties: schema["properties"], Required: schema["required"].([]string)}, "stock")}
	first, n, err := send(params)
	if err != nil {
		return nil, err
	}
	var calls []any
	var results []anthropic.ContentBlockParamUnion
	for _, b := range first.Content {
		if b.Type != "tool_use" {
			continue
		}
		said, at, err := sights.Stock(string(b.Input))
		if err != nil {
			return nil, err
		}
		calls = append(calls, map[string]any{"name": b.Name, "args": at})
		results = append(results, anthropic.NewToolResultBlock(b.ID, said, false))
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(results...))
	last, _, err := send(params)
	if err != nil {
		return nil, err
	}
	saw := sight(last)
	saw["calls"], saw["first"], saw["pieces"] = calls, first.StopReason, n
	return saw, nil
}

func (p program) structured(model, text string) (sights.Sight, error) {
	return p.object(model, text, p.create)
}
func (p program) structuredStream(model, text string) (sights.Sight, error) {
	return p.object(model, text, p.flow)
}

func (p program) object(model, text string, send ask) (sights.Sight, error) {
	params := p.request(model, anthropic.NewTextBlock(text))
	params.OutputConfig = anthropic.OutputConfigParam{Format: anthropic.JSONOutputFormatParam{Schema: sights.Ticket()}}
	m, _, err := send(params)
	if err != nil {
		return nil, err
	}
	return sights.Sight{"parsed": json.RawMessage(m.Content[0].Text)}, nil
}

func (p program) count(model, text string) (sights.Sight, error) {
	got, err := p.client.Messages.CountTokens(context.Background(), anthropic.MessageCountTokensParams{
		Model: anthropic.Model(model), Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	})
	if err != nil {
		return nil, err
	}
	return sights.Sight{"input": got.InputTokens}, nil
}

func (p program) models(model, _ string) (sights.Sight, error) {
	if model != "*" {
		m, err := p.client.Models.Get(context.Background(), model, anthropic.ModelGetParams{})
		if err != nil {
			return nil, err
		}
		return sights.Sight{"names": []string{m.ID}}, nil
	}
	var names []string
	pages := p.client.Models.ListAutoPaging(context.Background(), anthropic.ModelListParams{})
	for pages.Next() {
		names = append(names, pages.Current().ID)
	}
	return sights.Sight{"names": names}, pages.Err()
}
