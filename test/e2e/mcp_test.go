package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
)

// bearer sends a token with every request, as an agent's settings say.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// An agent with an API token finds the server on the dashboard's address, and does what its role may; a virtual key is no token there.
func TestAnAgentManagesPrompts(t *testing.T) {
	t.Parallel()
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	connect := func(token string) (*sdk.ClientSession, error) {
		transport := &sdk.StreamableClientTransport{Endpoint: app.API + "/mcp", HTTPClient: &http.Client{Transport: bearer(token)}, MaxRetries: -1}
		return sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	}
	s, err := connect(owner.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	call := func(tool, arguments string) string {
		t.Helper()
		res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
		if err != nil || res.IsError {
			t.Fatalf("%s: %v %+v", tool, err, res)
		}
		return res.Content[0].(*sdk.TextContent).Text
	}
	call("create_prompt", `{"name":"support/greeting","kind":"text","content":{"text":"Hello"},"labels":["production"]}`)
	if got := call("get_prompt", `{"prompt":"support/greeting"}`); !strings.Contains(got, `"text":"Hello"`) {
		t.Error(got)
	}
	call("prompt_metrics", `{"prompt":"support/greeting"}`)
	if _, err := connect(owner.Key); err == nil {
		t.Error("a virtual key opens the control plane")
	}
}
