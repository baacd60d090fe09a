package mcp

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tollgate/internal/tenant"
)

// What a tool says that it takes is what it takes, and every schema belongs to a tool.
func TestSchemasAreWhatToolsTake(t *testing.T) {
	t.Parallel()
	s := &server{}
	files, err := fs.Glob(schemas, "schema/*.json")
	if err != nil || len(files) != len(s.tools()) {
		t.Errorf("%d schemas for %d tools, %v", len(files), len(s.tools()), err)
	}
	for _, tool := range s.tools() {
		raw, err := schemas.ReadFile("schema/" + tool.name + ".json")
		if err != nil {
			t.Error(err)
			continue
		}
		var schema struct {
			Type       string
			Properties map[string]json.RawMessage
			Required   []string
			Strict     *bool `json:"additionalProperties"`
		}
		if err := json.Unmarshal(raw, &schema); err != nil || schema.Type != "object" || schema.Strict == nil || *schema.Strict {
			t.Errorf("%s: %v, %+v", tool.name, err, schema)
		}
		for _, name := range schema.Required {
			if schema.Properties[name] == nil {
				t.Errorf("%s requires %s, which it does not describe", tool.name, name)
			}
		}
		for name := range schema.Properties {
			func() {
				defer func() { _ = recover() }() // there is no service behind this server: what runs has taken its arguments
				if _, err := tool.run(t.Context(), tenant.Scope{}, json.RawMessage(`{"`+name+`":null}`)); err != nil && strings.Contains(err.Error(), "unknown field") {
					t.Errorf("%s does not take %s: %v", tool.name, name, err)
				}
			}()
		}
	}
}

// A tool asks for its permission when it runs too.
func TestAToolThatIsNotAllowedDoesNotRun(t *testing.T) {
	t.Parallel()
	s := &server{Deps{Logger: slog.New(slog.DiscardHandler)}}
	viewer := tenant.Authenticated("org_a", tenant.Actor{Token: "token_a"}, tenant.Viewer)
	for _, tool := range s.tools() {
		if viewer.Allow(tool.permission) == nil {
			continue
		}
		res, err := s.handler(viewer, tool)(t.Context(), &sdk.CallToolRequest{Params: &sdk.CallToolParamsRaw{}})
		if err != nil || !res.IsError || !strings.Contains(string(res.StructuredContent.(json.RawMessage)), tenant.ErrForbidden.Code) {
			t.Errorf("%s: %+v %v", tool.name, res, err)
		}
	}
}
