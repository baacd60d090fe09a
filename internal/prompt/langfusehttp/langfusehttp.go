// Package langfusehttp answers Langfuse's public API for prompts (v2): what its SDKs ask for. Point LANGFUSE_HOST (or base URL) at the
// control plane, and give an API token as LANGFUSE_SECRET_KEY. LANGFUSE_PUBLIC_KEY is the token's id, or any text that begins with pk-: it
// proves nothing and selects nothing, as the token belongs to one organization.
//
// Everything else of Langfuse's API is not here, and says so.
package langfusehttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Prefix is where the API stands.
const Prefix = "/api/public/"

const bodyBytesMax = 1 << 20

// Tokens recognises API tokens. account.Service does.
type Tokens interface {
	ManagementToken(ctx context.Context, text string) (tenant.Scope, error)
}

// Deps is what the API stands on. All fields are required.
type Deps struct {
	Version string // of the program
	Prompts *prompt.Service
	Tokens  Tokens
	Now     func() time.Time
	Logger  *slog.Logger
}

// New makes the handler of everything below Prefix.
func New(d Deps) http.Handler {
	s := &server{Deps: d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"health", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, reply{http.StatusOK, map[string]string{"status": "OK", "version": d.Version}}, nil)
	})
	const prompts = Prefix + "v2/prompts"
	mux.Handle("GET "+Prefix+"projects", s.route(tenant.ReadPrompts, projects))
	mux.Handle("GET "+prompts, s.route(tenant.ReadPrompts, s.list))
	mux.Handle("POST "+prompts, s.route(tenant.WritePrompts, s.create))
	mux.Handle("GET "+prompts+"/{rest...}", s.route(tenant.ReadPrompts, s.read))
	mux.Handle("PATCH "+prompts+"/{rest...}", s.route(tenant.WritePrompts, s.label))
	mux.Handle("DELETE "+prompts+"/{rest...}", s.route(tenant.WritePrompts, s.archive))
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, reply{}, errNowhere) })
	return mux
}

type server struct{ Deps }

// reply is what is answered: a status, and a body that becomes JSON; nil for none.
type reply struct {
	status int
	body   any
}

type handler func(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error)

// route lets in who holds a permission.
func (s *server) route(p tenant.Permission, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		in, err := s.caller(r)
		var out reply
		if err == nil {
			if err = in.Allow(p); err == nil {
				r.Body = http.MaxBytesReader(w, r.Body, bodyBytesMax)
				out, err = h(r.Context(), in, r)
			}
		}
		status := s.answer(w, r, out, err)
		s.Logger.LogAttrs(r.Context(), slog.LevelInfo, "langfuse api request", slog.String("route", r.Pattern), slog.Int("status", status),
			slog.Duration("took", s.Now().Sub(start)), slog.String("org", string(in.Org())))
	})
}

// caller is whose token the password is. A page of another site cannot use what a browser remembers.
func (s *server) caller(r *http.Request) (tenant.Scope, error) {
	var guard http.CrossOriginProtection
	if err := guard.Check(r); err != nil {
		return tenant.Scope{}, errCrossSite.Because(err)
	}
	public, secret, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) > 1 {
		return tenant.Scope{}, errCredentials
	}
	in, err := s.Tokens.ManagementToken(r.Context(), secret)
	if err != nil {
		return tenant.Scope{}, err
	}
	if !strings.HasPrefix(public, "pk-") && id.Token(public) != in.Actor().Token {
		return tenant.Scope{}, errPublicKey
	}
	return in, nil
}

// answer writes a reply or a failure in Langfuse's words, and tells its status. A GET can be asked again with If-None-Match.
func (s *server) answer(w http.ResponseWriter, r *http.Request, out reply, err error) int {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if err != nil {
		out = s.refusal(r, err)
		if out.status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Basic realm="tollgate"`)
		}
	}
	if out.body == nil {
		w.WriteHeader(out.status)
		return out.status
	}
	body, failed := encode(out.body)
	if failed != nil {
		s.Logger.ErrorContext(r.Context(), "langfuse api answer cannot be written", "err", failed)
		w.WriteHeader(http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	if err == nil && r.Method == http.MethodGet {
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h.Set("ETag", tag)
		h.Set("Cache-Control", "private, no-cache") // the SDKs keep their own time; a second one would hold back moves of labels
		h.Set("Vary", "Authorization")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return http.StatusNotModified
		}
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(body)
	return out.status
}

func encode(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(b.String()), err
}

// decode reads a body into v.
func decode(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errTooLarge
	}
	if err != nil || json.Unmarshal(raw, v) != nil {
		return errBody
	}
	return nil
}

// projects tells the one project that the token opens: its organization.
func projects(_ context.Context, in tenant.Scope, _ *http.Request) (reply, error) {
	org := map[string]string{"id": string(in.Org()), "name": string(in.Org())}
	one := map[string]any{"id": org["id"], "name": org["name"], "organization": org, "metadata": map[string]string{}}
	return reply{http.StatusOK, map[string]any{"data": []any{one}}}, nil
}

// failure is Langfuse's shape of a failure, with our code and field.
type failure struct {
	Message string `json:"message"`
	Error   string `json:"error"`
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
}

var names = map[int]string{
	http.StatusBadRequest: "InvalidRequestError", http.StatusUnauthorized: "UnauthorizedError", http.StatusForbidden: "ForbiddenError",
	http.StatusNotFound: "LangfuseNotFoundError", http.StatusConflict: "LangfuseConflictError",
}

func (s *server) refusal(r *http.Request, err error) reply {
	status, f := httperr.Of(err)
	if f.Kind == fault.Internal && r.Context().Err() == nil {
		s.Logger.ErrorContext(r.Context(), "langfuse api request failed", "route", r.Pattern, "err", err)
	}
	name, ok := names[status]
	if !ok {
		name = http.StatusText(status)
	}
	return reply{status, failure{Message: f.Message, Error: name, Code: f.Code, Field: f.Field}}
}
