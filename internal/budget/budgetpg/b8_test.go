package budgetpg_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// clients of one history; each is a holder.
const clients = 6

// potState is a pot in the sequential model of TestB8.
type potState struct {
	limit                      money.NanoUSD
	granted, returned, settled [clients]money.NanoUSD
}

func (s potState) committed() (sum money.NanoUSD) {
	for i := range clients {
		sum += s.granted[i] - s.returned[i]
	}
	return sum
}

// potCall is an operation on one pot.
type potCall struct {
	pot             int
	client          int
	limit           money.NanoUSD // > 0: the limit is set
	settle          money.NanoUSD // > 0: this is settled
	returned, wants money.NanoUSD // else an exchange, which needs what it wants
}

// potAnswer is what an exchange said.
type potAnswer struct {
	granted, committed, limit money.NanoUSD
	verdict                   lease.Verdict
}

// stepPot is the sequential model.
func stepPot(state, input, output any) (bool, any) {
	s, c := state.(potState), input.(potCall)
	if c.limit > 0 {
		s.limit = c.limit
		return true, s
	}
	if c.settle > 0 {
		s.settled[c.client] += c.settle
		s.granted[c.client] = max(s.granted[c.client], s.returned[c.client]+s.settled[c.client])
		return true, s
	}
	s.returned[c.client] = max(s.returned[c.client], c.returned)
	want := potAnswer{limit: s.limit, verdict: lease.Granted}
	if c.wants > max(s.limit-s.committed(), 0) {
		want.verdict = lease.Short
	} else {
		s.granted[c.client] += c.wants
	}
	want.granted, want.committed = s.granted[c.client], s.committed()
	return want == output.(potAnswer), s
}

var potModel = porcupine.Model{
	Init: func() any { return potState{limit: 1000} },
	Step: stepPot,
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := map[int][]porcupine.Operation{}
		for _, op := range history {
			parts[op.Input.(potCall).pot] = append(parts[op.Input.(potCall).pot], op)
		}
		var out [][]porcupine.Operation
		for _, p := range parts {
			out = append(out, p)
		}
		return out
	},
}

// TestB8HistoriesAreLinearizable lets holders exchange several pots at once, settle and change limits, all concurrently, and looks for
// an order of each pot's operations in which one after the other would have given the same answers.
func TestB8HistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	rounds, operations := size(4, 60), 0
	d := newDesk(t) // one for all: each has connections of its own
	for seed := range rounds {
		var pots []lease.Ask
		for range 3 {
			pots = append(pots, d.ask(d.budget(budget.Total, 1000), 0, 0))
		}
		h := &history{desk: d, pots: pots, began: time.Now()}
		var all errgroup.Group
		for i := range clients {
			all.Go(func() error { return h.client(i, rand.New(rand.NewPCG(uint64(seed), uint64(i)))) })
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
		operations += len(h.ops)
		if got := porcupine.CheckOperationsTimeout(potModel, h.ops, time.Minute); got != porcupine.Ok {
			t.Fatalf("seed %d: a history of %d operations is %s", seed, len(h.ops), got)
		}
		d.verified()
	}
	t.Logf("B8: %d operations of %d clients in %d histories, all linearizable", operations, clients, rounds)
}

// history is what clients did and were told.
type history struct {
	*desk
	pots  []lease.Ask
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (h *history) did(call potCall, answer potAnswer, from, to time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: call.client, Input: call, Call: from.Nanoseconds(), Output: answer, Return: to.Nanoseconds()})
}

// member is one client: a holder and what it knows.
type member struct {
	*history
	lease.Holder
	n                int
	r                *rand.Rand
	has, gave, spent []money.NanoUSD // of each pot
}

func (h *history) client(n int, r *rand.Rand) error {
	amounts := func() []money.NanoUSD { return make([]money.NanoUSD, len(h.pots)) }
	m := member{h, lease.Holder{ID: id.NewHolder(), Proxy: "p", Boot: "b"}, n, r, amounts(), amounts(), amounts()}
	for range 25 {
		var err error
		switch pot := r.IntN(len(h.pots)); {
		case r.IntN(12) == 0:
			err = m.setLimit(pot)
		case r.IntN(3) == 0:
			err = m.settle(pot)
		default:
			err = m.exchange()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *member) setLimit(pot int) error {
	limit, from := money.NanoUSD(500+m.r.IntN(1000)), time.Since(m.began)
	err := m.db.InSystemPgx(m.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(m.Context(), `UPDATE budget_limits SET amount_nano = $2 WHERE budget_id = $1`, m.pots[pot].Budget, limit)
		return err
	})
	m.did(potCall{pot: pot, client: m.n, limit: limit}, potAnswer{}, from, time.Since(m.began))
	return err
}

// settle settles something, at times more than there is.
func (m *member) settle(pot int) error {
	amount, from := money.NanoUSD(1+m.r.IntN(60)), time.Since(m.began)
	_, err := m.settled([]charged{m.charge(m.pots[pot], m.Holder, amount)})
	m.spent[pot] += amount
	m.did(potCall{pot: pot, client: m.n, settle: amount}, potAnswer{}, from, time.Since(m.began))
	return err
}

func (m *member) exchange() error {
	var calls []potCall
	var asks []lease.Ask
	for _, n := range m.r.Perm(len(m.pots))[:1+m.r.IntN(len(m.pots))] {
		if idle := m.has[n] - m.gave[n] - m.spent[n]; idle > 0 && m.r.IntN(2) == 0 {
			m.gave[n] += money.NanoUSD(m.r.Int64N(int64(idle) + 1))
		}
		c := potCall{pot: n, client: m.n, returned: m.gave[n], wants: money.NanoUSD(m.r.IntN(150))}
		k := m.pots[n]
		k.Returned, k.Need, k.Want = c.returned, c.wants, c.wants
		calls, asks = append(calls, c), append(asks, k)
	}
	from := time.Since(m.began)
	reply, err := m.authority.Exchange(m.Context(), m.Holder, asks)
	to := time.Since(m.began)
	for n, g := range reply.Grants {
		m.has[calls[n].pot] = g.Granted
		m.did(calls[n], potAnswer{g.Granted, g.Committed, g.Limit, g.Verdict}, from, to)
	}
	return err
}
