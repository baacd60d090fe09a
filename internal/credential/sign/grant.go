package sign

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tollgate/internal/credential"
	"tollgate/internal/id"
)

// grant is what a document was exchanged for: a token, or access keys to sign with. until zero: it does not expire.
type grant struct {
	token       string
	keys        aws.Credentials
	from, until time.Time
}

// fresh grants need no renewal yet: a quarter of their life is left, or five minutes.
func (g *grant) fresh(now time.Time) bool {
	return g.usable(now) && (g.until.IsZero() || now.Before(g.until.Add(-min(5*time.Minute, g.until.Sub(g.from)/4))))
}

// usable grants are not so near their end that a request under way, or a clock that is off, could meet it.
func (g *grant) usable(now time.Time) bool {
	if g == nil {
		return false
	}
	return g.until.IsZero() || now.Before(g.until.Add(-min(30*time.Second, g.until.Sub(g.from)/10)))
}

// The bounds of token requests.
const (
	sourcesMax    = 10_000           // credentials whose tokens are kept; past it the one unused for longest is forgotten
	sourceIdle    = 2 * time.Hour    // after which an unused one is forgotten, such as a replaced version
	flightTime    = 10 * time.Second // one request for a token, whoever waits
	againRefused  = 5 * time.Second  // until a refused secret is tried again
	againFailing  = time.Second      // until a token service that does not answer is
	sweepInterval = 10 * time.Minute
)

// sourceKey names a source. Version is part of it, so that calls under way with a secret that was just replaced and calls with the
// new one do not throw each other's token away.
type sourceKey struct {
	org     id.Org
	which   id.Credential
	version int
	kind    kind
}

// source gives the grants of one secret.
type source struct {
	secret, region string // that it was made from
	who            string // the cloud, for messages
	borrowed       bool   // its grants are the machine's own identity
	mint           func(ctx context.Context, u credential.Use, w *wire) (grant, error)
	use            credential.Use

	mu     sync.Mutex
	used   time.Time
	kept   *grant
	flight *flight
	failed error // of the last flight; callers get it until again
	again  time.Time
}

// flight is a request for a grant under way.
type flight struct {
	done chan struct{} // closed when got or err is there
	got  *grant
	err  error
}

// source finds where the grants of u come from, or reads its document.
func (s *Signer) source(u credential.Use, k kind) (*source, error) {
	key := sourceKey{u.Org, u.Credential, u.Version, k}
	text, region := u.Secret.Reveal(), u.Settings["region"]
	s.mu.RLock()
	have := s.sources[key]
	s.mu.RUnlock()
	if have != nil && have.secret == text && have.region == region {
		return have, nil
	}
	made, err := s.read(u, k)
	if err != nil {
		return nil, err
	}
	made.secret, made.region, made.use, made.used = text, region, u, s.Now()
	if u.Credential == "" {
		return made, nil // not stored: nothing tells it from another organization's
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.sources[key]; other != nil && other.secret == text && other.region == region {
		return other, nil // another call was first
	}
	s.room()
	s.sources[key] = made
	return made, nil
}

// room forgets what was not used for long, and makes place for one more.
func (s *Signer) room() {
	now := s.Now()
	full := len(s.sources) >= sourcesMax
	if !full && now.Sub(s.swept) < sweepInterval {
		return
	}
	s.swept = now
	var oldest sourceKey
	var at time.Time
	for key, from := range s.sources {
		used := from.lastUse()
		if now.Sub(used) > sourceIdle {
			delete(s.sources, key)
			continue
		}
		if at.IsZero() || used.Before(at) {
			oldest, at = key, used
		}
	}
	if len(s.sources) >= sourcesMax {
		delete(s.sources, oldest)
	}
}

func (from *source) lastUse() time.Time {
	from.mu.Lock()
	defer from.mu.Unlock()
	return from.used
}

// grant gives a grant that is good now. It waits only where there is none.
func (s *Signer) grant(ctx context.Context, from *source) (*grant, error) {
	now := s.Now()
	from.mu.Lock()
	from.used = now
	g := from.kept
	if g.fresh(now) {
		from.mu.Unlock()
		return g, nil
	}
	if from.flight == nil && !now.Before(from.again) {
		s.depart(from) //nolint:contextcheck // others wait for it too: no one caller ends it
	}
	f, failed := from.flight, from.failed
	from.mu.Unlock()
	switch {
	case g.usable(now):
		return g, nil
	case f == nil:
		return nil, failed
	}
	select {
	case <-f.done:
		return f.got, f.err
	case <-ctx.Done():
		return nil, credential.ErrTokenUnreachable.Say("%s did not give a token for the credential %q in time.", from.who, from.use.Name).Because(context.Cause(ctx))
	}
}

// depart asks for a grant in the background, for as long as the process lives and no longer than flightTime. from.mu is held.
func (s *Signer) depart(from *source) {
	f := &flight{done: make(chan struct{})}
	from.flight = f
	s.flights.Go(func() {
		ctx, cancel := context.WithTimeout(s.life, flightTime)
		defer cancel()
		g, err := s.ask(ctx, from)
		s.arrive(from, f, g, err)
	})
}

func (s *Signer) ask(ctx context.Context, from *source) (*grant, error) {
	w := &wire{next: s.Transport, life: ctx}
	started := s.Now()
	g, err := from.mint(ctx, from.use, w)
	if err != nil {
		return nil, w.tell(from, err)
	}
	g.from = started
	if !g.usable(s.Now()) {
		return nil, credential.ErrTokenUnreachable.Say("%s gave a token for the credential %q that has expired already.", from.who, from.use.Name)
	}
	return &g, nil
}

func (s *Signer) arrive(from *source, f *flight, g *grant, err error) {
	from.mu.Lock()
	defer from.mu.Unlock()
	f.got, f.err = g, err
	from.flight, from.failed = nil, err
	if err == nil {
		from.kept = g
	} else {
		from.again = s.Now().Add(wait(err))
	}
	close(f.done)
}
