package budgetpg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

// meter is a relay to the database that counts how often the direction turns: one round trip is one turn to the server.
type meter struct {
	turns atomic.Int64
	up    atomic.Bool
}

func (m *meter) relay(t *testing.T, to string) net.Addr {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				return
			}
			go m.copy(server, client, true)
			go m.copy(client, server, false)
		}
	}()
	return l.Addr()
}

func (m *meter) copy(to io.WriteCloser, from io.Reader, up bool) {
	defer to.Close()
	b := make([]byte, 1<<20)
	for {
		n, err := from.Read(b)
		if n > 0 && m.up.Swap(up) != up && up {
			m.turns.Add(1)
		}
		if _, writeErr := to.Write(b[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

func TestAnExchangeIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	var m meter
	address.Host = m.relay(t, address.Host).String()
	db := pgtest.Open(t, address.String(), postgres.Options{MaxConns: 1})
	in, _ := pgtest.Org(t, db, "Acme")
	d := &desk{t, db, budgetpg.NewAuthority(db), budgetpg.NewLedger(db, slog.New(slog.DiscardHandler)), in}
	var asks []lease.Ask
	for range 5 {
		asks = append(asks, d.ask(d.budget(budget.Total, 1000), 10, 20))
	}
	h := holder("a")
	d.exchange(h, asks...) // the connection learns the statements
	const exchanges = 20
	before := m.turns.Load()
	for range exchanges {
		d.exchange(h, asks...)
	}
	if got := m.turns.Load() - before; got != exchanges {
		t.Errorf("%d exchanges of %d asks were %d round trips", exchanges, len(asks), got)
	}
}

// TestEverybodyWorksOnTheBooksAtOnce has proxies, shippers, batches, the worker and operators work on the same few pots in any order.
// Nobody may wait in a ring: the database would end one of them.
func TestEverybodyWorksOnTheBooksAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	until := time.Now().Add(time.Duration(size(3, 20)) * time.Second)
	var asks []lease.Ask
	for range 4 {
		b := d.budget(budget.Day, 100_000)
		asks = append(asks, d.askIn(b, days(0), 10, 50), d.askIn(b, days(-1), 10, 50))
	}
	var done [6]atomic.Int64
	var all errgroup.Group
	loop := func(n, workers int, do func(r *rand.Rand) error) {
		for w := range workers {
			r := rand.New(rand.NewPCG(uint64(n), uint64(w)))
			all.Go(func() error {
				for time.Now().Before(until) && d.Context().Err() == nil {
					if err := do(r); err != nil && !errors.Is(err, lease.ErrEnded) {
						return fmt.Errorf("worker %d: %w", n, err)
					}
					done[n].Add(1)
				}
				return nil
			})
		}
	}
	some := func(r *rand.Rand) []lease.Ask {
		out := make([]lease.Ask, 0, 4)
		for _, i := range r.Perm(len(asks))[:1+r.IntN(4)] {
			k := asks[i]
			k.Returned = budgetAmount(r.Int64N(40))
			out = append(out, k)
		}
		return out
	}
	now := func(r *rand.Rand) func() time.Time {
		at := asks[r.IntN(len(asks))].Window.From.Add(time.Hour)
		return func() time.Time { return at }
	}
	crew := make([]lease.Holder, 5)
	for i := range crew {
		crew[i] = holder(fmt.Sprint("p", i%2))
	}
	loop(0, 3, func(r *rand.Rand) error {
		a := budgetpg.NewAuthority(d.db)
		a.SetClock(now(r))
		_, err := a.Exchange(d.Context(), crew[r.IntN(len(crew))], some(r))
		return err
	})
	log := calllogpg.New(d.db)
	loop(1, 2, func(r *rand.Rand) error {
		var records []calllog.Record
		for range 5 {
			records = append(records, d.record("", budgetAmount(r.Int64N(30)), crew[r.IntN(len(crew))], some(r)...))
		}
		_, err := log.Ingest(d.Context(), records, calllog.Beat{})
		return err
	})
	loop(2, 1, func(r *rand.Rand) error {
		h := lease.Holder{ID: id.NewHolder()}
		if _, err := d.authority.Hold(d.Context(), h, some(r)); err != nil {
			return err
		}
		return d.authority.End(d.Context(), h.ID)
	})
	loop(3, 1, func(r *rand.Rand) error {
		_, err := d.ledger.Finalise(d.Context(), asks[0].Window.From.Add(time.Duration(r.IntN(60))*time.Hour))
		return err
	})
	loop(4, 1, func(*rand.Rand) error {
		audit, err := d.ledger.Verify(d.Context(), d.in)
		if err == nil && audit.Count > 0 {
			return errors.New(audit.Differences[0].Text())
		}
		return err
	})
	loop(5, 1, func(r *rand.Rand) error {
		time.Sleep(20 * time.Millisecond)
		return d.authority.Succeed(d.Context(), crew[r.IntN(len(crew))])
	})
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for n := range done {
		if done[n].Load() == 0 {
			t.Errorf("worker %d did nothing", n)
		}
	}
	if a := d.audit(); a.Count != 0 {
		t.Errorf("the books are wrong: %+v", a.Differences)
	}
	t.Logf("exchanges %d, ingests %d, batches %d, finalisations %d, verifications %d, successions %d", done[0].Load(), done[1].Load(),
		done[2].Load(), done[3].Load(), done[4].Load(), done[5].Load())
}

// BenchmarkExchange is how many exchanges a second the authority stands: on one pot, which all want, and on many.
func BenchmarkExchange(b *testing.B) {
	for _, pots := range []int{1, 100} {
		b.Run(fmt.Sprintf("pots=%d", pots), func(b *testing.B) {
			d := newDesk(b)
			asks := make([]lease.Ask, pots)
			for i := range asks {
				asks[i] = d.ask(d.budget(budget.Total, 1_000_000_000_000), 10, 10)
			}
			var n atomic.Int64
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				h := holder("a")
				for pb.Next() {
					if _, err := d.authority.Exchange(context.Background(), h, asks[n.Add(1)%int64(pots):][:1]); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
		})
	}
}
