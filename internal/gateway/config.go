package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/provider"
	"tollgate/internal/provider/flags"
	"tollgate/internal/snapshot"
)

// Log is what the gateway needs from the call log. A call that may reach a provider is announced by Intent before it does, and
// written by Final before the client sees the end. Both return once the record is written; neither waits for a disk to sync.
type Log interface {
	Intent(r *calllog.Record) error
	Final(r *calllog.Record) error
	// Void takes an intent back: the call's end is kept elsewhere.
	Void(call id.Call) error
	// Healthy reports why calls cannot be logged now, or nil. Without a log there is no call.
	Healthy() error
}

// Deps is what the gateway stands on. All fields but Logger are needed.
type Deps struct {
	Snapshots func() *snapshot.Snapshot // the newest configuration; nil until there is one
	Log       Log
	Hash      func(key.Secret) key.Hash
	// Upgrade hears of imported secrets that are used (see key.Upgrades); it must not wait. nil: nobody does.
	Upgrade func(key.Upgrade)
	Vendors func(id string) (*provider.Vendor, bool)
	Clients func(name provider.Name) (provider.Client, bool)
	// Choose is the way in which a vendor is asked for what a client wants; package catalog has it.
	Choose func(v *provider.Vendor, client provider.Client, model string, own bool) (*provider.Spoken, provider.Target, bool)
	// Signer puts credentials into requests.
	Signer interface {
		Sign(ctx context.Context, req *http.Request, body []byte, u credential.Use) error
	}
	Flags     func() *flags.Policy // which opt-in flags go to which provider
	Transport http.RoundTripper    // to providers; made by NewTransport over the guarded dialer
	Sandbox   http.RoundTripper    // the built-in provider, served in the process
	Keyed     Keyed                // endpoints beside model calls; the zero value serves none
	Health    *health.Board        // how targets are doing; nil: the gateway makes its own
	Limits    limit.Meter          // counts what passes; nil: in memory, for a proxy that is alone
	Budgets   *lease.Book          // what may be spent; nil: calls that a blocking budget covers are refused
	Durable   Durable              // money for lines that providers work on for hours; nil: what a blocking budget covers goes line by line
	Now       func() time.Time
	Logger    *slog.Logger
}

// Config is the gateway's settings. The zero value of each field is its default.
type Config struct {
	Proxy          string         // id of this proxy, in every record
	DashboardURL   string         // where refusals send people to, without a slash at its end
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; none by default
	BodyMax        int64          // largest request body; 32 MiB
	AnswerMax      int64          // largest whole answer; 64 MiB
	BodyTimeout    time.Duration  // for a request body to arrive; 60 s
	WriteTimeout   time.Duration  // for one write to a client; 60 s
	Heartbeat      time.Duration  // idle time of a stream before a comment is sent; 15 s
	DrainTime      time.Duration  // how long an answer is read on after its client left; 60 s
	DrainMax       int            // how many answers are read on at once; 256
	RetryWaitMax   time.Duration  // longest Retry-After that is waited for; 5 s
	TailWait       time.Duration  // how long a provider may keep a finished stream open; 5 s
	ConcurrencyMax int            // calls under way, at most; 0: as many as the processors keep up with
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.BodyTimeout, time.Minute)
	def(&c.WriteTimeout, time.Minute)
	def(&c.Heartbeat, 15*time.Second)
	def(&c.DrainTime, time.Minute)
	def(&c.RetryWaitMax, 5*time.Second)
	def(&c.TailWait, 5*time.Second)
	if c.BodyMax <= 0 {
		c.BodyMax = 32 << 20
	}
	if c.AnswerMax <= 0 {
		c.AnswerMax = 64 << 20
	}
	if c.DrainMax <= 0 {
		c.DrainMax = 256
	}
	return c
}
