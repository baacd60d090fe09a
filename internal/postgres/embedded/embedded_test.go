//go:build unix

package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres/embedded"
)

// The tests start this binary again as the process that owns a server, so that it can be killed.
const helperEnv = "TOLLGATE_EMBEDDED_HELPER"

func TestMain(m *testing.M) {
	if how := os.Getenv(helperEnv); how != "" {
		if err := own(how, os.Args[len(os.Args)-1]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// own starts a server, says its process id, and waits for its input to end.
func own(how, dir string) error {
	start := embedded.Start
	if how == "detached" {
		start = embedded.StartDetached
	}
	srv, err := start(context.Background(), config(dir))
	if err != nil {
		return err
	}
	fmt.Println(srv.PID())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func config(dir string) embedded.Config {
	return embedded.Config{DataDir: dir, CacheDir: os.Getenv("TOLLGATE_CACHE_DIR"), Settings: map[string]string{"shared_buffers": "16MB"}}
}

// dataDir is a folder that the server's account can reach, unlike t.TempDir under root.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tollgate-embedded-") //nolint:usetesting // the parents of t.TempDir are closed to the server
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, dir string) *embedded.Server {
	t.Helper()
	srv, err := embedded.Start(t.Context(), config(dir))
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { stop(t, srv) })
	return srv
}

func stop(t *testing.T, srv *embedded.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := srv.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

const makeRow = `WITH made AS (SELECT lo_from_bytea(4711, 'kept')) SELECT count(*)::text FROM made`

func kept(t *testing.T, url string) {
	t.Helper()
	if got := query[string](t, url, `SELECT convert_from(lo_get(4711), 'UTF8')`); got != "kept" {
		t.Errorf("the data is %q", got)
	}
}

func TestDataAndURLSurviveARestart(t *testing.T) { // alone: it measures
	dir := dataDir(t)
	first := start(t, dir)
	url := first.URL()
	query[string](t, url, makeRow)
	stop(t, first)
	select {
	case <-first.Done():
	default:
		t.Error("a stopped server is not done")
	}

	began := time.Now()
	second := start(t, dir)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a warm start took %v", took)
	}
	kept(t, second.URL())
	if second.URL() != url {
		t.Error("the URL changed")
	}
}

func TestTheLoginIsNoSuperuser(t *testing.T) {
	t.Parallel()
	srv := start(t, dataDir(t))
	if query[bool](t, srv.URL(), `SELECT rolsuper OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = current_user`) {
		t.Error("the login may walk through row policies")
	}
	if !query[bool](t, srv.URL(), `SELECT rolcreaterole AND rolcreatedb FROM pg_roles WHERE rolname = current_user`) {
		t.Error("the login may not make roles and databases")
	}
	if got := query[string](t, srv.URL(), `SHOW listen_addresses`); got != "127.0.0.1" {
		t.Errorf("the server listens on %s", got)
	}
}

func TestTheSecretsAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	srv := start(t, dataDir(t))
	for name, mode := range map[string]os.FileMode{"passwords.json": 0o600, "pgdata": 0o700, "postgres.log": 0o600} {
		st, err := os.Stat(filepath.Join(srv.Place(), name))
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Mode().Perm(); got != mode {
			t.Errorf("%s has mode %v, want %v", name, got, mode)
		}
	}
	conn, err := pgx.Connect(t.Context(), srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT 'hunter2'::int`); err == nil {
		t.Fatal("text became a number")
	}
	_ = conn.Close(t.Context())
	log, err := os.ReadFile(filepath.Join(srv.Place(), "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), "SELECT 'hunter2'") || strings.Contains(string(log), conn.Config().Password) {
		t.Errorf("the log holds a statement or a password:\n%s", log)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	start(t, dir)
	_, err := embedded.Start(t.Context(), config(dir))
	if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second owner: %v", err)
	}
}

// owner is another process that owns a server.
type owner struct {
	cmd    *exec.Cmd
	server int // process id
}

func startOwner(t *testing.T, how, dir string) owner {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), helperEnv+"="+how)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, numErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || numErr != nil {
		t.Fatalf("the other process says %q (%v)", line, err)
	}
	return owner{cmd, pid}
}

func (o owner) kill(t *testing.T) {
	t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.cmd.Wait() // it says "killed"
}

func TestDataSurvivesKill9(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, o owner, place string){
		"of the owner": func(t *testing.T, o owner, _ string) { o.kill(t) },
		"of the owner, which leaves its server behind": func(t *testing.T, o owner, _ string) {
			// started detached: the server does not notice
			o.kill(t)
		},
		"of the server, then of the owner": func(t *testing.T, o owner, _ string) {
			if err := syscall.Kill(o.server, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			o.kill(t)
		},
		"of the server, whose number another program got": func(t *testing.T, o owner, place string) {
			if err := syscall.Kill(o.server, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			o.kill(t)
			pidFile := filepath.Join(place, "pgdata", "postmaster.pid")
			b, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(b), "\n")
			if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getppid())+"\n"+rest), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, kill := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			first := start(t, dir)
			query[string](t, first.URL(), makeRow)
			stop(t, first)

			how := "attached"
			if strings.Contains(name, "leaves") {
				how = "detached"
			}
			kill(t, startOwner(t, how, dir), first.Place())
			kept(t, start(t, dir).URL())
		})
	}
}

func TestTheServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	o := startOwner(t, "attached", dataDir(t))
	o.kill(t)
	ended := func() bool {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(o.server) + "/stat")
		return err != nil || strings.Contains(string(b), ") Z ")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !ended() {
		select {
		case <-late:
			t.Fatal("the server goes on without its owner")
		case <-tick.C:
		}
	}
}

// A home folder of mode 0700 is the ordinary case of "make run" by root.
func TestAClosedParentFolderIsNoObstacle(t *testing.T) {
	t.Parallel()
	closed := dataDir(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "data")
	first := start(t, dir)
	t.Cleanup(func() { _ = os.RemoveAll(first.Place()) })
	query[string](t, first.URL(), makeRow)
	place := first.Place()
	stop(t, first)
	if os.Geteuid() == 0 {
		note, err := os.ReadFile(filepath.Join(dir, "postgres.location"))
		if err != nil || strings.TrimSpace(string(note)) != place || strings.HasPrefix(place, closed) {
			t.Errorf("the data is in %s; the note says %q (%v)", place, note, err)
		}
	} else if place != filepath.Join(dir, "postgres") {
		t.Errorf("the data is in %s", place)
	}
	// A folder that is moved takes its data along.
	moved := filepath.Join(closed, "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	kept(t, start(t, moved).URL())
}

func TestAnotherReleasesClusterIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := start(t, dir)
	stop(t, first)
	file := filepath.Join(first.Place(), "pgdata", "PG_VERSION")
	if err := os.WriteFile(file, []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(t.Context(), config(dir)); err == nil || !strings.Contains(err.Error(), "PostgreSQL 15") {
		t.Errorf("Start on an old cluster: %v", err)
	}
}
