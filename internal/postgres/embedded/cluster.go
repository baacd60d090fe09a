//go:build unix

package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Names in the place and in the cluster. The superuser is for this package only.
const (
	dataName      = "pgdata"
	secretsName   = "passwords.json"
	portName      = "port"
	logName       = "postgres.log"
	superuserName = "postgres"
	loginName     = "tollgate"
	databaseName  = "tollgate"
)

// password is a secret that prints as stars.
type password string

func newPassword() password { return password(rand.Text()) }

func (password) String() string       { return "***" }
func (password) GoString() string     { return "***" }
func (password) LogValue() slog.Value { return slog.StringValue("***") }

// literal writes the password into SQL that takes no parameters; wellFormed has refused those with quotes.
func (p password) literal() string { return "'" + string(p) + "'" }

func (p password) wellFormed() bool { return p != "" && !strings.ContainsAny(string(p), `'\\`) }

// secrets are the two passwords of a cluster, kept beside it with mode 0600.
type secrets struct {
	Superuser password `json:"superuser"`
	Login     password `json:"login"`
}

// cluster is the folder of databases in a place, and what runs it.
type cluster struct {
	place string
	bin   string // folder of the programs
	who   account
}

func (c cluster) data() string            { return c.path(dataName) }
func (c cluster) path(name string) string { return filepath.Join(c.place, name) }
func (c cluster) tool(name string) string { return filepath.Join(c.bin, "bin", name) }

// ensure makes the cluster when there is none and returns its passwords.
func (c cluster) ensure(ctx context.Context, log *slog.Logger) (secrets, error) {
	if isDir(c.data()) {
		return c.existing()
	}
	log.Info("making the database cluster", "in", c.data())
	return c.create(ctx)
}

func (c cluster) existing() (secrets, error) {
	var s secrets
	v, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if err != nil {
		return s, fmt.Errorf("%s is no database cluster: %w", c.data(), err)
	}
	if got := strings.TrimSpace(string(v)); got != major {
		return s, fmt.Errorf("the cluster in %s was made by PostgreSQL %s; this program runs %s: dump it with the old "+
			"release and load it into a new data folder", c.data(), got, major)
	}
	b, err := os.ReadFile(c.path(secretsName))
	if err != nil {
		return s, fmt.Errorf("the passwords of the cluster are missing: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil || !s.Superuser.wellFormed() || !s.Login.wellFormed() {
		return s, fmt.Errorf("%s is damaged", c.path(secretsName))
	}
	return s, nil
}

// create makes a cluster beside its final name and renames it, so that a crash leaves no half of one. The passwords
// are on disk before the cluster appears.
func (c cluster) create(ctx context.Context) (secrets, error) {
	s := secrets{Superuser: newPassword(), Login: newPassword()}
	leftovers, err := filepath.Glob(c.path("new-*"))
	if err != nil {
		return s, err
	}
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir)
	}
	work, err := os.MkdirTemp(c.place, "new-")
	if err != nil {
		return s, fmt.Errorf("make the cluster: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := c.who.own(work); err != nil {
		return s, err
	}
	if err := c.initdb(ctx, work, s); err != nil {
		return s, err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	if err := os.WriteFile(c.path(secretsName), b, 0o600); err != nil {
		return s, fmt.Errorf("keep the passwords: %w", err)
	}
	if err := os.Rename(filepath.Join(work, dataName), c.data()); err != nil {
		return s, fmt.Errorf("make the cluster: %w", err)
	}
	return s, nil
}

// initdb runs the program of that name. It gets the superuser's password through a file that only its account reads.
func (c cluster) initdb(ctx context.Context, work string, s secrets) error {
	pass := filepath.Join(work, "password")
	if err := os.WriteFile(pass, []byte(string(s.Superuser)+"\n"), 0o600); err != nil {
		return fmt.Errorf("make the cluster: %w", err)
	}
	if err := c.who.own(pass); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.tool("initdb"), //nolint:gosec // our own program
		"--pgdata", filepath.Join(work, dataName), "--username", superuserName, "--pwfile", pass,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
		"--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions")
	cmd.Dir, cmd.Env = work, environment()
	cmd.SysProcAttr = c.who.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the cluster: %w: %s", err, lastLines(string(out)))
	}
	return nil
}

// environment is what children get: nothing of ours, which may hold secrets.
func environment() []string { return []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"} }

// fixedSettings come first, so that Config.Settings can change them. The log must hold no values: statements are not
// logged, not even failing ones, and error details (which quote rows) are left out.
func fixedSettings(port int) map[string]string {
	return map[string]string{ //nolint:gosec // names a way to hash passwords, holds none
		"port":                    strconv.Itoa(port),
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_statement":           "none",
		"max_connections":         "100",
		"shared_buffers":          "128MB",
		"password_encryption":     "scram-sha-256",
	}
}

// run starts the server on the port that it had last time, when that is free, so that a restart keeps the URL.
func (c cluster) run(ctx context.Context, settings map[string]string, s secrets, life lifetime) (*process, int, error) {
	want := c.lastPort()
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	for {
		port, err := freePort(ctx, want)
		if err != nil {
			port, err = freePort(ctx, 0)
		}
		if err != nil {
			return nil, 0, err
		}
		proc, err := c.runOn(ctx, port, settings, s, life)
		if err == nil {
			// Best effort: without it the next start takes another port.
			_ = os.WriteFile(c.path(portName), []byte(strconv.Itoa(port)), 0o600)
			return proc, port, nil
		}
		if !errors.Is(err, errPassing) {
			return nil, 0, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, errors.Join(ctx.Err(), err)
		case <-patience.C:
			return nil, 0, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// errPassing marks a start that failed for a reason which passes by itself.
var errPassing = errors.New("not yet")

// passing are such reasons, in the server's words: somebody took the port between our look and the server's bind;
// children of a killed server have not noticed its death yet.
var passing = []string{"Address already in use", "pre-existing shared memory block"}

func (c cluster) runOn(ctx context.Context, port int, settings map[string]string, s secrets, life lifetime) (*process, error) {
	all := fixedSettings(port)
	for k, v := range settings {
		all[k] = v
	}
	args := []string{"-D", c.data()}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", k+"="+all[k])
	}
	proc, err := launch(c.command(args), c.path(logName), life)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := proc.ready(ctx, loginURL(superuserName, s.Superuser, port, "postgres")); err != nil {
		_ = proc.stop(context.WithoutCancel(ctx), killAfter)
		return nil, c.explain(err)
	}
	return proc, nil
}

// command is the server's command line, run in its data folder as its account.
func (c cluster) command(args []string) *exec.Cmd {
	cmd := exec.Command(c.tool("postgres"), args...) //nolint:gosec,noctx // our own program; its life is ours to manage
	cmd.Dir, cmd.Env = c.data(), environment()
	cmd.SysProcAttr = c.who.attributes()
	return cmd
}

// explain adds the end of the server's log to a failed start.
func (c cluster) explain(err error) error {
	b, readErr := os.ReadFile(c.path(logName))
	if readErr != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	tail := lastLines(string(b))
	for _, reason := range passing {
		if strings.Contains(tail, reason) {
			return fmt.Errorf("start PostgreSQL: %w: %s", errPassing, tail)
		}
	}
	return fmt.Errorf("start PostgreSQL: %w; its log %s ends with: %s", err, c.path(logName), tail)
}

func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}

func (c cluster) lastPort() int {
	b, err := os.ReadFile(c.path(portName))
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}

// freePort asks the kernel for a port; want 0 means any.
func freePort(ctx context.Context, want int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(want))
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	return addr.Port, nil
}

// prepare makes the application's login and database when they are missing. The login may make databases and roles
// (migrations do) and is no superuser.
func prepare(ctx context.Context, port int, s secrets) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, loginURL(superuserName, s.Superuser, port, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var haveLogin, haveDatabase bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
		EXISTS (SELECT FROM pg_database WHERE datname = $2)`, loginName, databaseName).Scan(&haveLogin, &haveDatabase)
	if err != nil {
		return err
	}
	if !haveLogin {
		create := `CREATE ROLE ` + loginName + ` LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD ` + s.Login.literal()
		if _, err := conn.Exec(ctx, create); err != nil {
			return err
		}
	}
	if !haveDatabase {
		if _, err := conn.Exec(ctx, `CREATE DATABASE `+databaseName+` OWNER `+loginName); err != nil {
			return err
		}
	}
	return nil
}
