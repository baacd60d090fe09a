// Package mcp lets agents manage prompts: a server of the Model Context Protocol over streamable HTTP, on the control plane's address.
//
// An agent sends an API token (Authorization: Bearer tg_mgmt_…) with every request; what its role may not do, its tools cannot do, and are
// not even listed. The tools stand on the services that the JSON API and the pages stand on, so protected labels and approvals hold here
// too. Nothing is remembered between requests: any process can answer any of them, and a restart is not noticed.
package mcp

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
)

// Path is where the server stands.
const Path = "/mcp"

const bodyBytesMax = 1 << 20

const instructions = "Tollgate keeps the prompts that applications use. A prompt has immutable versions, numbered from 1, and labels that stand on them; " +
	"applications use the label production unless they say otherwise, and use a moved label on their next call. " +
	"Look with list_prompts, get_prompt and diff_versions; try with check_prompt and render_prompt before publish_version; then move_label. " +
	"Moving a label back is the roll-back. A protected label is moved by an owner or admin: ask_for_move asks one of them."

// errCrossSite is for requests that a page of another site sent.
var errCrossSite = fault.New(fault.Forbidden, "request.cross_site", "A page of another site sent this request; it was not carried out.")

// Tokens recognises API tokens. account.Service does.
type Tokens interface {
	ManagementToken(ctx context.Context, text string) (tenant.Scope, error)
}

// Deps is what the server stands on. All fields are required.
type Deps struct {
	Version string // of the program
	Prompts *prompt.Service
	Metrics *promptstat.Service
	Tokens  Tokens
	Now     func() time.Time
	Logger  *slog.Logger
}

// New makes the handler of Path.
func New(d Deps) http.Handler { return &server{d} }

type server struct{ Deps }

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.Now()
	in, err := s.caller(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	// One handler a request, so that the scope is a parameter all the way. Without sessions there is nothing that it would have to keep.
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s.serverFor(in) }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: bodyBytesMax,
		DisableLocalhostProtection: true, // it would refuse a reverse proxy on this machine; a page that rebinds names has no token
	})
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	h.ServeHTTP(w, r)
	s.Logger.LogAttrs(r.Context(), slog.LevelInfo, "mcp request", slog.Duration("took", s.Now().Sub(start)), slog.String("org", string(in.Org())))
}

// caller is whose token the request carries: in the header, and nowhere else.
func (s *server) caller(r *http.Request) (tenant.Scope, error) {
	var guard http.CrossOriginProtection
	if err := guard.Check(r); err != nil {
		return tenant.Scope{}, errCrossSite.Because(err)
	}
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return tenant.Scope{}, account.ErrNoCredential
	}
	scheme, word, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return tenant.Scope{}, account.ErrNoCredential
	}
	in, err := s.Tokens.ManagementToken(r.Context(), strings.TrimSpace(word))
	if err != nil {
		return tenant.Scope{}, err
	}
	return in, in.Allow(tenant.ReadPrompts)
}

// refuse answers what comes before the protocol.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, f := httperr.Of(err)
	if f.Kind == fault.Internal && r.Context().Err() == nil {
		s.Logger.ErrorContext(r.Context(), "mcp request failed", "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tollgate"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": -32000, "message": f.Code + ": " + f.Message},
	})
}

// serverFor is a server with the tools that a scope may use.
func (s *server) serverFor(in tenant.Scope) *sdk.Server {
	out := sdk.NewServer(&sdk.Implementation{Name: "tollgate", Title: "Tollgate", Version: s.Version}, &sdk.ServerOptions{
		Instructions: instructions, Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	for _, t := range s.tools() {
		if in.Allow(t.permission) == nil {
			out.AddTool(t.told(), s.handler(in, t))
		}
	}
	return out
}
