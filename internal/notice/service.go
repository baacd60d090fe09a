package notice

import (
	"context"
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Filter selects notices. The zero Filter selects all.
type Filter struct {
	Unread bool
	Kind   Kind
}

// Store is what Service needs from storage; package noticepg provides it.
type Store interface {
	// Notices lists newest first those behind after (empty: from the newest), at most limit.
	Notices(ctx context.Context, in tenant.Scope, f Filter, after id.Notice, limit int) ([]Notice, error)
	// Unread counts, to at most most.
	Unread(ctx context.Context, in tenant.Scope, most int) (int, error)
	// MarkRead marks those named; with none named all up to and with last. It tells how many were unread.
	MarkRead(ctx context.Context, in tenant.Scope, which []id.Notice, by string, at time.Time) (int, error)

	Channels(ctx context.Context, in tenant.Scope) ([]Channel, error)
	// Channel finds one and its sealed part. ErrNoChannel.
	Channel(ctx context.Context, in tenant.Scope, which id.Channel) (Channel, []byte, error)
	// InsertChannel adds one. ErrTaken; ErrTooMany beyond most.
	InsertChannel(ctx context.Context, in tenant.Scope, c Channel, sealed []byte, most int) error
	// ChangeChannel replaces what fn returns, in one transaction in which nobody else changes it. ErrNoChannel, ErrTaken.
	ChangeChannel(ctx context.Context, in tenant.Scope, which id.Channel, fn func(Channel, []byte) (Channel, []byte, error)) (Channel, error)
	// DeleteChannel removes one and its deliveries. ErrNoChannel.
	DeleteChannel(ctx context.Context, in tenant.Scope, which id.Channel) error

	// Deliveries lists newest first those of a channel (empty: of all) behind after, at most limit.
	Deliveries(ctx context.Context, in tenant.Scope, of id.Channel, state State, after id.Delivery, limit int) ([]Delivery, error)
	// Resend makes a delivery pending anew. ErrNoDelivery.
	Resend(ctx context.Context, in tenant.Scope, which id.Delivery, at time.Time) (Delivery, error)
	// Send posts a notice to one channel alone. ErrTooSoon where the channel was sent one of the kind since.
	Send(ctx context.Context, in tenant.Scope, to id.Channel, n New, since time.Time) (Delivery, error)
}

// Service shows notices and manages channels.
type Service struct {
	store Store
	seal  *Seal
	urls  func(field, text string) (string, error)
	now   func() time.Time
}

// NewService needs storage, a seal, a check of URLs that may be called (egress.Policy.CheckHook) and a clock.
func NewService(store Store, seal *Seal, urls func(field, text string) (string, error), now func() time.Time) *Service {
	return &Service{store: store, seal: seal, urls: urls, now: now}
}

// List gives newest first the notices behind after, at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after id.Notice, limit int) ([]Notice, bool, error) {
	list, err := s.store.Notices(ctx, in, f, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// UnreadMax is the most that Unread counts.
const UnreadMax = 100

// Unread is how many notices nobody has read; UnreadMax stands for more.
func (s *Service) Unread(ctx context.Context, in tenant.Scope) (int, error) {
	return s.store.Unread(ctx, in, UnreadMax)
}

// MarkRead marks notices as read, all where none is named, and tells how many were not.
func (s *Service) MarkRead(ctx context.Context, in tenant.Scope, which []id.Notice) (int, error) {
	return s.store.MarkRead(ctx, in, which, in.Actor().ID(), instant(s.now()))
}

// NewChannel is what a caller says about a channel to be made.
type NewChannel struct {
	Name   string
	Medium Medium
	Target string // an address, or a URL
	Kinds  []Kind
}

// Create makes a channel. The secret, of a webhook alone, is returned here and never again.
func (s *Service) Create(ctx context.Context, in tenant.Scope, n NewChannel) (Channel, string, error) {
	c := Channel{
		ID: id.Channel(id.New("chan")), Name: strings.TrimSpace(n.Name), Medium: n.Medium, Kinds: kinds(n.Kinds), Revision: 1, CreatedAt: instant(s.now()),
		CreatedBy: in.Actor().ID(),
	}
	p := Private{Target: strings.TrimSpace(n.Target)}
	if err := c.check(p.Target, s.urls); err != nil {
		return Channel{}, "", err
	}
	secret := ""
	if c.Medium == Webhook {
		secret = NewSecret()
		p.Secrets = []string{secret}
	}
	sealed, err := s.seal.close(in.Org(), c.ID, p)
	if err != nil {
		return Channel{}, "", err
	}
	return c, secret, s.store.InsertChannel(ctx, in, c, sealed, channelsMax)
}

func kinds(list []Kind) []Kind {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// Channels lists all by name.
func (s *Service) Channels(ctx context.Context, in tenant.Scope) ([]Channel, error) {
	return s.store.Channels(ctx, in)
}

// Channel finds one. ErrNoChannel for another organization's too.
func (s *Service) Channel(ctx context.Context, in tenant.Scope, which id.Channel) (Channel, error) {
	c, _, err := s.store.Channel(ctx, in, which)
	return c, err
}

// ChannelChange says what is to be different; nil leaves a thing as it is. The medium stays.
type ChannelChange struct {
	Name   *string
	Target *string
	Kinds  *[]Kind
	Off    *bool
}

// Update changes a channel. check sees it as it stands and may refuse (If-Match); nil accepts any. A channel that was turned off by
// itself starts afresh when it is turned on.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Channel, c ChannelChange, check func(Channel) error) (Channel, error) {
	return s.change(ctx, in, which, check, func(to *Channel, p *Private) error {
		if c.Name != nil {
			to.Name = strings.TrimSpace(*c.Name)
		}
		if c.Target != nil {
			p.Target = strings.TrimSpace(*c.Target)
		}
		if c.Kinds != nil {
			to.Kinds = kinds(*c.Kinds)
		}
		if c.Off != nil {
			to.Off, to.OffReason, to.Failures = *c.Off, "", 0
		}
		return to.check(p.Target, s.urls)
	})
}

// Rotate gives a webhook a new secret and returns it. Until the next Rotate what is sent is signed with the one before as well, so
// that no receiver misses anything meanwhile. ErrNoSecret.
func (s *Service) Rotate(ctx context.Context, in tenant.Scope, which id.Channel) (Channel, string, error) {
	secret := NewSecret()
	c, err := s.change(ctx, in, which, nil, func(to *Channel, p *Private) error {
		if to.Medium != Webhook {
			return ErrNoSecret
		}
		p.Secrets = append([]string{secret}, p.Secrets[:min(len(p.Secrets), 1)]...)
		return nil
	})
	if err != nil {
		return c, "", err
	}
	return c, secret, nil
}

func (s *Service) change(ctx context.Context, in tenant.Scope, which id.Channel, check func(Channel) error, fn func(*Channel, *Private) error) (Channel, error) {
	return s.store.ChangeChannel(ctx, in, which, func(c Channel, sealed []byte) (Channel, []byte, error) {
		if check != nil {
			if err := check(c); err != nil {
				return c, nil, err
			}
		}
		p, err := s.seal.open(in.Org(), c.ID, sealed)
		if err != nil {
			return c, nil, err
		}
		if err := fn(&c, &p); err != nil {
			return c, nil, err
		}
		c.Revision++
		sealed, err = s.seal.close(in.Org(), c.ID, p)
		return c, sealed, err
	})
}

// Delete removes a channel and what is known of its deliveries. ErrNoChannel.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Channel) error {
	return s.store.DeleteChannel(ctx, in, which)
}

// testEvery is how often a channel may be tried: it calls whatever address somebody wrote down.
const testEvery = 10 * time.Second

// Try sends a test through one channel, also one that is off. ErrTooSoon.
func (s *Service) Try(ctx context.Context, in tenant.Scope, which id.Channel) (Delivery, error) {
	now := instant(s.now())
	return s.store.Send(ctx, in, which, New{
		Kind: Test, About: string(which), Title: "A test of this channel", Text: "Somebody of your organization asked whether notices arrive here. They do.", Path: "/alerts", At: now,
	}, now.Add(-testEvery))
}

// Deliveries gives newest first those of a channel (empty: of all) behind after, at most limit, and whether there are more.
func (s *Service) Deliveries(ctx context.Context, in tenant.Scope, of id.Channel, state State, after id.Delivery, limit int) ([]Delivery, bool, error) {
	if of != "" {
		if _, _, err := s.store.Channel(ctx, in, of); err != nil {
			return nil, false, err
		}
	}
	list, err := s.store.Deliveries(ctx, in, of, state, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Resend sends a delivery again, from the start. ErrNoDelivery.
func (s *Service) Resend(ctx context.Context, in tenant.Scope, which id.Delivery) (Delivery, error) {
	return s.store.Resend(ctx, in, which, instant(s.now()))
}
