package promptpg_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
)

// house is a registry with a clock of its own, a worker, and people.
type house struct {
	t *testing.T
	*prompt.Service
	db    *postgres.DB
	owner tenant.Scope
	mu    sync.Mutex
	at    time.Time
	vital map[int]prompt.Vital
	told  []prompt.News
	once  map[string]int
	fails error // of telling
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: pgtest.New(t), at: noon, once: map[string]int{}}
	h.owner, _ = pgtest.Org(t, h.db, "A")
	h.Service = prompt.NewService(promptpg.New(h.db), h.now)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// Failures implements prompt.Vitals.
func (h *house) Failures(context.Context, tenant.Scope, id.Prompt, time.Time, []int) (map[int]prompt.Vital, error) {
	return h.vital, nil
}

func (h *house) tell(_ context.Context, org id.Org, once string, n prompt.News) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails != nil {
		return h.fails
	}
	if h.once[string(org)+once]++; h.once[string(org)+once] == 1 { // as notices do
		h.told = append(h.told, n)
	}
	return nil
}

// keep makes a worker, as after a start.
func (h *house) keep() *prompt.Keeper {
	return prompt.NewKeeper(h.Service, promptpg.New(h.db), h, h.tell, slog.New(slog.DiscardHandler))
}

func (h *house) turn() {
	h.t.Helper()
	if err := h.keep().Turn(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// member is somebody with a role, as the database knows it.
func (h *house) member(role tenant.Role) tenant.Scope {
	h.t.Helper()
	in := as(h.owner, role)
	h.exec(`INSERT INTO users (id, email, password_hash, name) VALUES ($1, $1 || '@example.test', 'none', '')`, string(in.Actor().User))
	h.exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, $3)`, string(in.Org()), string(in.Actor().User), string(role))
	return in
}

// token is one that the owner made.
func (h *house) token(role tenant.Role) tenant.Scope {
	h.t.Helper()
	which := id.New("tok")
	h.exec(`INSERT INTO tokens (org_id, id, name, role, prefix, last4, hash, created_by)
		VALUES ($1, $2::text, 'ci', $4, 'tgm', 'abcd', sha256(convert_to($2::text, 'UTF8')), $3)`, string(h.owner.Org()), which, string(h.owner.Actor().User), string(role))
	return tenant.Authenticated(h.owner.Org(), tenant.Actor{Token: id.Token(which)}, role)
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(h.t.Context(), sql, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// three is a prompt with three versions, whose label production stands on the first.
func (h *house) three(name string) prompt.Prompt {
	h.t.Helper()
	p := create(h.t, h.Service, h.owner, name, text("one"), "production")
	for _, words := range []string{"two", "three"} {
		var err error
		if p, _, err = h.Publish(h.t.Context(), h.owner, p.ID, text(words), "", nil, nil); err != nil {
			h.t.Fatal(err)
		}
	}
	return p
}

func (h *house) read(which id.Prompt) prompt.Prompt {
	h.t.Helper()
	p, err := h.Prompt(h.t.Context(), h.owner, which)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *house) request(which id.Prompt, request id.PromptRequest) prompt.Request {
	h.t.Helper()
	list, _, err := h.Requests(h.t.Context(), h.owner, prompt.RequestFilter{Prompt: which}, "", 100)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range list {
		if r.ID == request {
			return r
		}
	}
	h.t.Fatalf("no request %s", request)
	return prompt.Request{}
}

func (h *house) approvals() {
	h.t.Helper()
	yes, labels := true, []string{"production"}
	if _, err := h.SetRules(h.t.Context(), h.owner, prompt.RulesEdit{Approvals: &yes, Protected: &labels}, nil); err != nil {
		h.t.Fatal(err)
	}
}

// A person who has a token ask is no other person.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What was planned by somebody alone is not made when another person's leave has become wanted.
// A gradual move that could not be brought to its end is not begun.
// A version that is reached by a gradual move only is in use all the same.
// Moves at once, and an archiving among them: the history has no gap, and nothing moves behind the archiving.
func hash(t *testing.T, c prompt.Content) string {
	t.Helper()
	sum, err := prompt.HashOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func (h *house) requestsOf(in tenant.Scope, which id.Prompt) ([]prompt.Request, error) {
	list, _, err := h.Requests(h.t.Context(), in, prompt.RequestFilter{Prompt: which}, "", 10)
	return list, err
}

func second[T any](_ T, err error) error { return err }
