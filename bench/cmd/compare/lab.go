package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"tollgate/bench/internal/procstat"
)

// The cores: the target alone on one, everything else on the other.
const (
	targetCore = "0"
	otherCore  = "1"
)

// lab is the processes of one run.
type lab struct {
	dir     string // of data and logs
	bins    string // where the programs are
	seconds int
	pinned  bool
	env     []string // of every process
	mock    string   // address
	procs   []*exec.Cmd
	targets []*target
}

// target is one thing that is measured.
type target struct {
	name    string
	url     string // of the chat endpoint
	pid     int    // 0: nothing to watch
	model   string
	headers []string
}

func (l *lab) bin(name string) string { return filepath.Join(l.bins, name) }

// build makes the programs, once for all labs of a run.
func build(ctx context.Context, into string) error {
	log.Print("building")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", into+"/",
		"./bench/cmd/mockupstream", "./bench/cmd/loadgen", "./bench/cmd/baseline", "./cmd/tollgate")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, b)
	}
	return nil
}

// open starts everything.
func (l *lab) open(ctx context.Context) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	_, err := exec.LookPath("taskset")
	l.pinned = err == nil && runtime.NumCPU() >= 2
	l.mock = freeAddr()
	if _, err := l.start(ctx, "mockupstream", otherCore, nil, "-addr", l.mock); err != nil {
		return err
	}
	const path = "/v1/chat/completions"
	l.targets = append(l.targets, &target{name: "direct", url: "http://" + l.mock + path, model: "mock-model"})
	for _, mode := range []string{"reverseproxy", "relay"} {
		addr := freeAddr()
		cmd, err := l.start(ctx, "baseline", targetCore, nil, "-mode", mode, "-addr", addr, "-upstream", "http://"+l.mock)
		if err != nil {
			return err
		}
		l.targets = append(l.targets, &target{name: mode, url: "http://" + addr + path, pid: cmd.Process.Pid, model: "mock-model"})
	}
	t, err := l.tollgate(ctx)
	if err != nil {
		return fmt.Errorf("tollgate: %w", err)
	}
	t.url += path
	l.targets = append(l.targets, t)
	for _, t := range l.targets {
		if err := answers(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// start runs one of our binaries on a core, its output in a file.
func (l *lab) start(ctx context.Context, name, core string, env []string, args ...string) (*exec.Cmd, error) {
	argv := append([]string{l.bin(name)}, args...)
	if l.pinned {
		argv = append([]string{"taskset", "-c", core}, argv...) // taskset becomes the program: the pid is the same
	}
	cmd := exec.Command(argv[0], argv[1:]...) // stopped by close, in order
	cmd.Env = append(append(os.Environ(), l.env...), env...)
	f, err := os.OpenFile(filepath.Join(l.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.procs = append(l.procs, cmd)
	return cmd, ctx.Err()
}

// close stops what was started, last first, and waits.
func (l *lab) close() {
	for i := len(l.procs) - 1; i >= 0; i-- {
		p := l.procs[i]
		_ = p.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = p.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = p.Process.Kill()
			<-done
		}
	}
}

// tollgate starts the product and sets it up as its users do: through its API.
func (l *lab) tollgate(ctx context.Context) (*target, error) {
	web, gate := freeAddr(), freeAddr()
	args := []string{"run", "--data-dir", filepath.Join(l.dir, "data"), "--addr", web, "--gateway-addr", gate}
	cmd, err := l.start(ctx, "tollgate", targetCore, []string{"TOLLGATE_EGRESS_ALLOW=127.0.0.0/8"}, args...)
	if err != nil {
		return nil, err
	}
	log.Print("waiting for tollgate")
	for _, addr := range []string{web, gate} {
		if err := poll(ctx, 2*time.Minute, func() error { return get("http://" + addr + "/readyz") }); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, l.tail("tollgate"))
		}
	}
	if l.pinned { // the database is another machine's work: it must not hold up the generator that shares its core
		for _, pid := range procstat.Tree(cmd.Process.Pid) {
			if pid != cmd.Process.Pid {
				_ = exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", otherCore, strconv.Itoa(pid)).Run()
				_ = exec.CommandContext(ctx, "renice", "-n", "15", "-p", strconv.Itoa(pid)).Run()
			}
		}
	}
	boot := exec.CommandContext(ctx, l.bin("tollgate"), "bootstrap", "--email", "bench@example.com", "--password", "a long bench password",
		"--organization", "Bench", "--team", "Bench", "--addr", web, "--gateway-addr", gate, "--data-dir", filepath.Join(l.dir, "data"))
	boot.Stderr = os.Stderr
	b, err := boot.Output()
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w\n%s", err, b)
	}
	var made struct {
		Token string `json:"management_token"`
		Key   string `json:"virtual_key"`
	}
	if err := json.Unmarshal(b, &made); err != nil {
		return nil, err
	}
	api := "http://" + web + "/api/v1"
	credential := map[string]any{"provider": "openai", "name": "mock", "secret": "sk-bench-mock-secret", "base_url": "http://" + l.mock + "/v1", "default": true}
	if err := post(ctx, api+"/credentials", made.Token, credential); err != nil {
		return nil, err
	}
	route := map[string]any{"targets": []any{map[string]any{"provider": "openai", "model": "gpt-4o-mini"}}}
	if err := post(ctx, api+"/aliases", made.Token, map[string]any{"name": "bench", "route": route}); err != nil {
		return nil, err
	}
	return &target{name: "tollgate", url: "http://" + gate, pid: cmd.Process.Pid, model: "bench", headers: []string{"Authorization: Bearer " + made.Key}}, nil
}

func post(ctx context.Context, url, token string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "bench-"+path.Base(url))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("POST %s: %s: %s", url, resp.Status, b)
	}
	return nil
}

// answers waits until a target serves a call: a saved change takes a moment to reach the gateway.
func answers(ctx context.Context, t *target) error {
	return poll(ctx, 30*time.Second, func() error {
		body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hi"}]}`, t.model)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		for _, h := range t.headers {
			name, value, _ := bytes.Cut([]byte(h), []byte(": "))
			req.Header.Set(string(name), string(value))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			b, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
			return fmt.Errorf("%s: %s: %s", t.name, resp.Status, b)
		}
		return nil
	})
}

func get(url string) error {
	resp, err := http.Get(url) //nolint:noctx // a loopback address of ours; poll bounds it
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(url + ": " + resp.Status)
	}
	return nil
}

func poll(ctx context.Context, within time.Duration, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (l *lab) tail(name string) []byte {
	b, _ := os.ReadFile(filepath.Join(l.dir, name+".log"))
	return b[max(0, len(b)-2000):]
}

// freeAddr is a loopback address that was free a moment ago.
func freeAddr() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
