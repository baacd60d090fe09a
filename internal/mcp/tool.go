package mcp

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/tenant"
)

// tool is one thing that an agent can do. What it takes is written down in schema/NAME.json.
type tool struct {
	name, title, about string
	permission         tenant.Permission
	effect             effect
	run                func(ctx context.Context, in tenant.Scope, arguments json.RawMessage) (any, error)
}

// effect is what a tool does to what is there; clients ask their people by it.
type effect int

const (
	reads   effect = iota
	adds           // makes something new, and leaves what is there
	changes        // changes what applications use
)

//go:embed schema/*.json
var schemas embed.FS

// errArguments means that a tool was called with something else than its schema says.
var errArguments = fault.New(fault.Invalid, "request.invalid", "The arguments are not what this tool takes.")

func (t *tool) told() *sdk.Tool {
	schema, err := schemas.ReadFile("schema/" + t.name + ".json")
	if err != nil {
		schema = []byte(`{"type":"object"}`) // cannot be: a test reads them all
	}
	no := false
	destructive := t.effect == changes
	return &sdk.Tool{
		Name: t.name, Title: t.title, Description: t.about, InputSchema: json.RawMessage(schema),
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: t.effect == reads, DestructiveHint: &destructive, IdempotentHint: t.effect == reads, OpenWorldHint: &no},
	}
}

// handler runs a tool for a scope. The permission is asked again: what is listed is a courtesy, what runs is a rule.
func (s *server) handler(in tenant.Scope, t tool) sdk.ToolHandler {
	return func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if err := in.Allow(t.permission); err != nil {
			return s.failed(ctx, t.name, err), nil
		}
		out, err := t.run(ctx, in, req.Params.Arguments)
		if err != nil {
			return s.failed(ctx, t.name, err), nil
		}
		return result(out)
	}
}

// result is an answer as text, for agents of all ages, and as the same data.
func result(v any) (*sdk.CallToolResult, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	raw := bytes.TrimSpace(b.Bytes())
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(raw)}}, StructuredContent: json.RawMessage(raw)}, nil
}

// failure is what a tool says where it did not do what was asked.
type failure struct {
	Code    string `json:"code"` // the stable one of the JSON API
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

func (s *server) failed(ctx context.Context, name string, err error) *sdk.CallToolResult {
	_, f := httperr.Of(err)
	if f.Kind == fault.Internal && ctx.Err() == nil {
		s.Logger.ErrorContext(ctx, "mcp tool failed", "tool", name, "err", err)
	}
	text := f.Message + " (" + f.Code
	if f.Field != "" {
		text += ", at " + f.Field
	}
	raw, _ := json.Marshal(failure{f.Code, f.Message, f.Field}) // plain strings always encode
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text + ")"}}, StructuredContent: json.RawMessage(raw)}
}

// handle makes a tool's function of one that takes its arguments as a struct. What the struct does not know is refused.
func handle[In any](f func(ctx context.Context, in tenant.Scope, args In) (any, error)) func(context.Context, tenant.Scope, json.RawMessage) (any, error) {
	return func(ctx context.Context, in tenant.Scope, raw json.RawMessage) (any, error) {
		var args In
		if len(raw) == 0 {
			raw = []byte("{}")
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&args); err != nil {
			wrong := errArguments
			if typ := (*json.UnmarshalTypeError)(nil); errors.As(err, &typ) {
				wrong = wrong.Say("%s must not be a %s.", typ.Field, typ.Value).At(typ.Field)
			} else if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
				wrong = wrong.Say("This tool does not take %s.", fault.Clip(name))
			}
			return nil, wrong.Because(err)
		}
		return f(ctx, in, args)
	}
}
