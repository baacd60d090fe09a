package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"tollgate/internal/limit/limitredis"
	"tollgate/internal/secret"
)

// Config is every setting of every process, read from the environment once and checked at start. Flags of the command line
// override it. The zero value of a field is its documented default.
type Config struct {
	// Addr is where the dashboard and the JSON API listen.
	Addr string `env:"TOLLGATE_ADDR" envDefault:"127.0.0.1:8080"`
	// GatewayAddr is where applications send their calls.
	GatewayAddr string `env:"TOLLGATE_GATEWAY_ADDR" envDefault:"127.0.0.1:8081"`
	// MetricsAddr is where figures are served for Prometheus; empty: nowhere. They are an operator's, not the public's.
	MetricsAddr string `env:"TOLLGATE_METRICS_ADDR"`
	// DataDir holds the embedded database, the spool, the last snapshot and the local key. Kept across restarts.
	DataDir string `env:"TOLLGATE_DATA_DIR" envDefault:".tollgate"`
	// DatabaseURL is the Postgres to use; empty: the embedded one (cmd/tollgate only).
	DatabaseURL secret.Text `env:"DATABASE_URL"`
	// CacheDir keeps the programs of the embedded Postgres, shared by all data folders; empty: the user's cache folder.
	CacheDir string `env:"TOLLGATE_CACHE_DIR"`
	// DatabaseConns is the most connections that one process opens.
	DatabaseConns int `env:"TOLLGATE_DATABASE_CONNS" envDefault:"16"`

	// KEK is the root key, 32 bytes in base64; empty: KEKFile.
	KEK secret.Text `env:"TOLLGATE_KEK"`
	// KEKFile is the file of the root key, made (mode 0600) when missing; empty: kek in DataDir.
	KEKFile string `env:"TOLLGATE_KEK_FILE"`

	// PublicURL is how browsers reach the dashboard; empty: http:// and Addr. With https, cookies are Secure.
	PublicURL string `env:"TOLLGATE_PUBLIC_URL"`
	// GatewayURL is how applications reach the gateway, as shown in snippets; empty: http:// and GatewayAddr.
	GatewayURL string `env:"TOLLGATE_GATEWAY_URL"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `env:"TOLLGATE_TRUSTED_PROXIES"`
	// EgressAllow opens networks that are closed to provider base URLs given by users: private, loopback and link-local ones.
	EgressAllow []netip.Prefix `env:"TOLLGATE_EGRESS_ALLOW"`
	// AmbientCredentials lets credentials borrow the identity of this machine (AWS profiles, Google's default credentials). Only for an
	// installation whose organizations all trust its operator, and are trusted.
	AmbientCredentials bool `env:"TOLLGATE_AMBIENT_CREDENTIALS"`
	// TokenHosts are hosts (host or host:port) at which Google service accounts may get tokens, beside Google's own.
	TokenHosts []string `env:"TOLLGATE_TOKEN_HOSTS"`
	// HeaderPolicy is a file of rules saying which opt-in flags (anthropic-beta) go to which provider, over the built-in ones. It is
	// read again when it changes.
	HeaderPolicy string `env:"TOLLGATE_HEADER_POLICY"`

	// LeakSecret is shared with scanners that report leaked keys to /leaks of the dashboard's address; empty: none may.
	LeakSecret secret.Text `env:"TOLLGATE_LEAK_SECRET"`
	// LeakGitHubKeys is where GitHub publishes the keys by which its secret scanning signs what it reports to /leaks/github; "off":
	// no such reports are taken.
	LeakGitHubKeys string `env:"TOLLGATE_LEAK_GITHUB_KEYS" envDefault:"https://api.github.com/meta/public_keys/secret_scanning"`

	// SpoolQuota is the most bytes that unshipped call records may take on disk.
	SpoolQuota int64 `env:"TOLLGATE_SPOOL_QUOTA_BYTES" envDefault:"2147483648"`
	// SnapshotMax is the most bytes of configuration that a proxy loads.
	SnapshotMax int64 `env:"TOLLGATE_SNAPSHOT_MAX_BYTES" envDefault:"1073741824"`
	// SnapshotForce lets the first configuration after the start be taken even when most keys have vanished from it.
	SnapshotForce bool `env:"TOLLGATE_SNAPSHOT_FORCE"`
	// Retention is how long call logs are kept.
	Retention time.Duration `env:"TOLLGATE_RETENTION" envDefault:"2160h"`
	// PayloadRetention is how long bodies are kept, where a key keeps them.
	PayloadRetention time.Duration `env:"TOLLGATE_PAYLOAD_RETENTION" envDefault:"168h"`
	// Drain is how long running calls may finish after SIGTERM.
	Drain time.Duration `env:"TOLLGATE_DRAIN" envDefault:"30s"`
	// Heartbeat is the pause after which an idle stream gets a keep-alive.
	Heartbeat time.Duration `env:"TOLLGATE_HEARTBEAT" envDefault:"15s"`
	// ConcurrencyMax is the most calls that a proxy has under way at once; what is more is answered 503. 0: as many as its processors
	// keep up with.
	ConcurrencyMax int `env:"TOLLGATE_CONCURRENCY_MAX"`

	// SMTPURL is the mail server for notices (smtp: with STARTTLS, or smtps:); empty: e-mails are kept on the dashboard and not sent.
	SMTPURL secret.Text `env:"TOLLGATE_SMTP_URL"`
	// MailFrom is the address that notices come from.
	MailFrom string `env:"TOLLGATE_MAIL_FROM" envDefault:"tollgate@localhost"`
	// RedisURL is a Redis or Valkey server (redis: or rediss:) on which proxies count rate limits together; empty: each proxy counts by
	// itself, which is right for one.
	RedisURL secret.Text `env:"REDIS_URL"`
	// LimitsFallback is what holds while that server does not answer: share (each proxy holds calls to its part of every limit), open
	// (calls pass) or refuse (calls under a limit are answered 503).
	LimitsFallback string `env:"TOLLGATE_LIMITS_FALLBACK" envDefault:"share"`
	// LimitsProxies is how many proxies share every limit as long as a proxy that has just started has not heard from that server.
	LimitsProxies int `env:"TOLLGATE_LIMITS_PROXIES" envDefault:"1"`
	// LimitsPatience is how long a call waits for that server before its limits hold by this proxy's share.
	LimitsPatience time.Duration `env:"TOLLGATE_LIMITS_PATIENCE" envDefault:"5ms"`

	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level `env:"TOLLGATE_LOG_LEVEL" envDefault:"info"`
	// LogFormat is text or json.
	LogFormat string `env:"TOLLGATE_LOG_FORMAT" envDefault:"text"`
}

// ErrConfig wraps every complaint about a setting.
var ErrConfig = errors.New("configuration")

// ReadConfig reads the environment. Call Check after flags have been applied.
func ReadConfig() (Config, error) {
	c, err := env.ParseAsWithOptions[Config](env.Options{FuncMap: parsers})
	if err != nil {
		return Config{}, named(err)
	}
	return c, nil
}

// Check completes defaults that depend on other settings and names each setting that cannot work.
func (c *Config) Check() error {
	var errs []error
	complain := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s: %s", ErrConfig, name, fmt.Sprintf(format, args...)))
	}
	for name, addr := range map[string]string{"TOLLGATE_ADDR": c.Addr, "TOLLGATE_GATEWAY_ADDR": c.GatewayAddr, "TOLLGATE_METRICS_ADDR": c.MetricsAddr} {
		if name == "TOLLGATE_METRICS_ADDR" && addr == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			complain(name, "%q is no host:port", addr)
		}
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil || c.DataDir == "" {
		complain("TOLLGATE_DATA_DIR", "%q is no directory", c.DataDir)
	}
	c.DataDir = dir
	if c.KEKFile == "" {
		c.KEKFile = filepath.Join(c.DataDir, "kek")
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	if c.GatewayURL == "" {
		c.GatewayURL = "http://" + c.GatewayAddr
	}
	for name, raw := range map[string]string{"TOLLGATE_PUBLIC_URL": c.PublicURL, "TOLLGATE_GATEWAY_URL": c.GatewayURL} {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			complain(name, "%q is no http or https URL", raw)
		}
	}
	c.PublicURL, c.GatewayURL = strings.TrimRight(c.PublicURL, "/"), strings.TrimRight(c.GatewayURL, "/")
	if c.LogFormat != "text" && c.LogFormat != "json" {
		complain("TOLLGATE_LOG_FORMAT", "%q is neither text nor json", c.LogFormat)
	}
	if c.DatabaseConns < 4 {
		complain("TOLLGATE_DATABASE_CONNS", "at least 4 are needed, not %d", c.DatabaseConns)
	}
	if f := limitredis.Fallback(c.LimitsFallback); f != limitredis.Share && f != limitredis.Pass && f != limitredis.Refuse {
		complain("TOLLGATE_LIMITS_FALLBACK", "%q is none of share, open and refuse", c.LimitsFallback)
	}
	if c.LimitsProxies < 1 {
		complain("TOLLGATE_LIMITS_PROXIES", "at least 1 proxy runs, not %d", c.LimitsProxies)
	}
	if c.LimitsPatience <= 0 {
		complain("TOLLGATE_LIMITS_PATIENCE", "a call must wait for some time, not %s", c.LimitsPatience)
	}
	if !c.RedisURL.Empty() {
		if err := limitredis.CheckURL(c.RedisURL.Reveal()); err != nil { // which may quote the password: it is not told
			complain("REDIS_URL", "this is no URL of a server: write redis://host:port/0, or rediss: for TLS")
		}
	}
	if c.ConcurrencyMax < 0 {
		complain("TOLLGATE_CONCURRENCY_MAX", "%d is less than nothing", c.ConcurrencyMax)
	}
	if c.SpoolQuota < 64<<20 {
		complain("TOLLGATE_SPOOL_QUOTA_BYTES", "at least 64 MiB are needed, not %d bytes", c.SpoolQuota)
	}
	if c.SnapshotMax < 1<<20 {
		complain("TOLLGATE_SNAPSHOT_MAX_BYTES", "at least 1 MiB is needed, not %d bytes", c.SnapshotMax)
	}
	for name, d := range map[string]time.Duration{
		"TOLLGATE_RETENTION": c.Retention, "TOLLGATE_PAYLOAD_RETENTION": c.PayloadRetention, "TOLLGATE_DRAIN": c.Drain, "TOLLGATE_HEARTBEAT": c.Heartbeat,
	} {
		if d < 0 {
			complain(name, "%s is less than nothing", d)
		}
	}
	return errors.Join(errs...)
}

// Keyring opens the root key.
func (c *Config) Keyring() (*secret.Keyring, error) {
	if !c.KEK.Empty() {
		k, err := secret.ParseKeyring(c.KEK.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%w: TOLLGATE_KEK: %w", ErrConfig, err)
		}
		return k, nil
	}
	k, err := secret.OpenKeyring(c.KEKFile)
	if err != nil {
		return nil, fmt.Errorf("%w: TOLLGATE_KEK_FILE: %w", ErrConfig, err)
	}
	return k, nil
}

// keySource says where the root key comes from.
func (c *Config) keySource() string {
	if !c.KEK.Empty() {
		return "TOLLGATE_KEK"
	}
	return c.KEKFile
}
