package leak

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

// Paths of the intake on the dashboard's address.
const (
	GitHubPath = "/leaks/github"
	SignedPath = "/leaks"
)

// The headers of messages. Those of SignedPath: the signature is "sha256=" and HMAC-SHA-256, in hex, under the shared secret over the
// time (Unix seconds), a dot and the body.
const (
	githubKeyHeader       = "Github-Public-Key-Identifier"
	githubSignatureHeader = "Github-Public-Key-Signature"
	timeHeader            = "X-Tollgate-Timestamp"
	signatureHeader       = "X-Tollgate-Signature"
)

const (
	bodyMax = 1 << 20
	skewMax = 5 * time.Minute
	inMax   = 4 // messages at once: each may ask the database
)

// Taker acts upon leaks; key.Leaks does.
type Taker interface {
	Take(ctx context.Context, leaks []key.Leak) ([]key.Found, error)
}

// Intake answers scanners.
type Intake struct {
	Leaks  Taker
	GitHub *GitHub     // nil: GitHub's messages are not taken
	Secret secret.Text // of SignedPath; empty: no such messages are taken
	Now    func() time.Time
	Logger *slog.Logger
}

// Handler serves both paths. A message is verified before anything of it is read, and answered alike whatever its tokens are: what they
// are is told in the answer, to who has proven to be the scanner.
func (in *Intake) Handler() http.Handler {
	mux := http.NewServeMux()
	room := make(chan struct{}, inMax)
	serve := func(verify func(*http.Request, []byte) error, source string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case room <- struct{}{}:
				defer func() { <-room }()
			case <-r.Context().Done():
				return
			}
			in.serve(w, r, verify, source)
		}
	}
	if in.GitHub != nil {
		mux.HandleFunc("POST "+GitHubPath, serve(in.fromGitHub, "GitHub"))
	}
	if !in.Secret.Empty() {
		mux.HandleFunc("POST "+SignedPath, serve(in.signed, "scanner"))
	}
	return mux
}

func (in *Intake) serve(w http.ResponseWriter, r *http.Request, verify func(*http.Request, []byte) error, source string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		in.fail(w, ErrForm.Because(err))
		return
	}
	if err := verify(r, body); err != nil {
		in.fail(w, err)
		return
	}
	list, err := parse(body, source)
	if err != nil {
		in.fail(w, err)
		return
	}
	found, err := in.Leaks.Take(r.Context(), list)
	if err != nil {
		in.fail(w, err)
		return
	}
	answer(w, http.StatusOK, feedback(list, found))
}

func (in *Intake) fromGitHub(r *http.Request, body []byte) error {
	return in.GitHub.Verify(r.Context(), r.Header.Get(githubKeyHeader), r.Header.Get(githubSignatureHeader), body)
}

// signed verifies a message of a scanner that shares our secret. An old one is refused: it may have been overheard.
func (in *Intake) signed(r *http.Request, body []byte) error {
	stamp := r.Header.Get(timeHeader)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || in.Now().Sub(time.Unix(seconds, 0)).Abs() > skewMax {
		return ErrSignature
	}
	given, ok := strings.CutPrefix(r.Header.Get(signatureHeader), "sha256=")
	sig, err := hex.DecodeString(given)
	if !ok || err != nil || !hmac.Equal(sig, sign(in.Secret, stamp, body)) {
		return ErrSignature
	}
	return nil
}

func sign(shared secret.Text, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(shared.Reveal()))
	_, _ = mac.Write([]byte(stamp + ".")) // a hash never fails
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// match is one finding, as GitHub writes it.
type match struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

func parse(body []byte, source string) ([]key.Leak, error) {
	var list []match
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, ErrForm // the cause may quote a token
	}
	if len(list) > key.LeaksMax {
		return nil, ErrForm.Say("At most %d leaks in one message.", key.LeaksMax)
	}
	out := make([]key.Leak, len(list))
	for i, m := range list {
		out[i] = key.Leak{Token: m.Token, Type: m.Type, URL: m.URL, Source: strings.TrimSpace(source + " " + m.Source)}
	}
	return out, nil
}

// verdict is the feedback that GitHub asks for on each match.
type verdict struct {
	Hash  string `json:"token_hash"` // SHA-256: the answer repeats no token
	Type  string `json:"token_type"`
	Label string `json:"label"` // "true_positive", "false_positive"
}

func feedback(list []key.Leak, found []key.Found) []verdict {
	out := make([]verdict, len(list))
	for i, l := range list {
		sum := sha256.Sum256([]byte(l.Token))
		out[i] = verdict{hex.EncodeToString(sum[:]), l.Type, "false_positive"}
		if found[i].Ours {
			out[i].Label = "true_positive"
		}
	}
	return out
}

func (in *Intake) fail(w http.ResponseWriter, err error) {
	status, f := httperr.Of(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		in.Logger.Error("leaks were not taken in; the scanner should send them again", "error", err)
	} else if !errors.Is(err, ErrForm) {
		in.Logger.Warn("a message about leaks was refused", "code", f.Code)
	}
	answer(w, status, map[string]any{"code": f.Code, "detail": f.Message, "status": status})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
