package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/test/actor"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// client is one program of the suite: a script in test/sdk that uses one library.
type client struct {
	name    string // as the table of docs/clients.md calls it
	library string // the packages whose versions the table gives, by blanks
	in      string // the folder of test/sdk that pins it
	script  string
	faces   map[string]face
}

// face is what a client does on one surface.
type face struct {
	steps []string
	// finish is the client's word for an answer that ended by itself; first, for one that ended with tool calls. "" is not looked at.
	finish, first string
	// errors are the classes that the application catches, by step. A step that is not in it raises nothing.
	errors map[string]class
	// miscounts says what the client itself does with token counts of streams, where they are not the provider's.
	miscounts string
}

// class is an error as the client shows it. A client that hides the answer's headers or status leaves them out.
type class struct {
	name   string
	status int
	call   bool // the call id can be read from the error
}

// plan is what a script reads.
type plan struct {
	Client string              `json:"client"`
	Base   string              `json:"base"`
	Key    string              `json:"key"`
	System string              `json:"system"`
	Models map[string][]string `json:"models"` // by surface
	Asks   map[string]string   `json:"asks"`   // by step
	Texts  []string            `json:"texts"`
	Image  []byte              `json:"image"`
}

// seenStep is one line that a script prints.
type seenStep struct {
	Face  string  `json:"face"`
	Model string  `json:"model"`
	Step  string  `json:"step"`
	Ref   string  `json:"ref"`
	Saw   sightOf `json:"saw"`
}

// sightOf is what the application saw in one step.
type sightOf struct {
	Raised  string            `json:"raised"` // what the step did not expect
	Text    string            `json:"text"`
	Finish  string            `json:"finish"`
	First   string            `json:"first"`
	Input   *int64            `json:"input"` // nil: the client does not show it
	Output  *int64            `json:"output"`
	Pieces  *int              `json:"pieces"` // how many came
	Calls   []call            `json:"calls"`
	Parsed  json.RawMessage   `json:"parsed"`
	Vectors [][]float64       `json:"vectors"`
	Flags   []bool            `json:"flags"`
	Names   []string          `json:"names"`
	Headers map[string]string `json:"headers"`
	Error   *struct {
		Class   string `json:"class"`
		Status  any    `json:"status"`
		Call    string `json:"call"`
		Message string `json:"message"`
	} `json:"error"`
}

type call struct {
	Name string            `json:"name"`
	Args map[string]string `json:"args"`
}

// The orders to the actor (see package actor), by step; a step "x-stream" has those of "x".
func asks() map[string]string {
	tools := ">> use=stock sku=A1 depot=Basel use=stock sku=B2 depot=Bern"
	ticket := ">> sku=AX-17 count=3 urgent=true"
	say := ">> say=hello"
	return map[string]string{
		"whole": say, "stream": say, "image": say, "headers": say, "by-bearer": say, "beta": say, "bad-key": say, "bad-model": say, "count": say,
		"tools": tools, "automatic": tools, "structured": ticket, "structured-by-function": ticket,
		"limited": ">> fail=429", "overloaded": ">> fail=529", "broken": ">> say=hello break=1",
	}
}

var picture = []byte("\x89PNG\r\n\x1a\n a very small picture") //nolint:gochecknoglobals // a constant

// scene is a running Tollgate with the actor behind two providers.
type scene struct {
	app   *harness.App
	actor *actor.Server
	owner *harness.Tenant
	key   string
	// recorded are the recordings that stand behind aliases of their own.
	recorded map[string]*replay.Case
}

// behind is which model stands behind an alias, and what its provider must be asked in: natively, where the surface's own dialect is one that the
// provider has, else in its dialect.
type behind struct {
	target, dialect string
	native          map[string]string // dialect by surface
}

func (b behind) spoken(face string) string {
	if own, ok := b.native[face]; ok {
		return own
	}
	return b.dialect
}

// backs are the aliases that the clients call. Every chat client calls all of them: one of its own dialect, others of another.
func backs() map[string]behind {
	return map[string]behind{
		"by-openai":    {"openai/gpt-4o-mini", actor.Chat, map[string]string{"responses": actor.Responses}},
		"by-anthropic": {"anthropic/claude-haiku-4-5", actor.Messages, nil},
		"by-gemini":    {"google-gemini/gemini-2.5-flash", actor.Gemini, map[string]string{"chat": actor.Chat}}, // Google speaks openai-chat, too
		"by-responses": {"openai/gpt-5-codex", actor.Responses, nil},
	}
}

func stage(t *testing.T) *scene {
	t.Helper()
	s := &scene{recorded: map[string]*replay.Case{}}
	player, err := replay.Start(t.Context(), recordings(t, s.recorded))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(player.Close)
	if s.actor, err = actor.Start(t.Context(), player); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.actor.Close)
	s.app = harness.Start(t, harness.Config{})
	s.owner = s.app.Bootstrap()
	s.owner.Connect("openai", "sk-actor", s.actor.Base("openai"))
	s.owner.Connect("anthropic", "sk-ant-actor", s.actor.Base("anthropic"))
	s.owner.Connect("google-gemini", "AIza-actor", s.actor.Base("gemini"))
	for name, b := range backs() {
		s.owner.Alias(name, harness.Target(b.target))
	}
	for name, c := range s.recorded {
		s.owner.Alias(name, harness.Target(recorders()[c.Meta.Provider]+"/"+c.Path))
	}
	s.owner.Alias("embedder", "openai/text-embedding-3-small")
	s.key = s.owner.Key
	_, newest := s.owner.IssueKey("newest", nil)
	client := s.app.Client(newest)
	harness.Eventually(t, 10*time.Second, func() error { // the snapshot has all of it
		for name := range backs() {
			got, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask(name, "warm-up", false))
			if err != nil {
				return err
			}
			if err := got.Failed(); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

// Every client library reaches every provider through Tollgate: what it sends arrives, what it gets back is what the provider said, in its own
// objects, its own stream, its own errors.
func TestEveryClientReachesEveryProvider(t *testing.T) {
	s := stage(t)
	two := make(chan struct{}, 2) // the machine has few cores, the scripts are heavy starters
	t.Run("clients", func(t *testing.T) {
		for _, c := range clients() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				two <- struct{}{}
				defer func() { <-two }()
				s.run(t, c)
			})
		}
		for name, run := range map[string]func(*testing.T){"Claude Code": s.claudeCode, "Codex": s.codexExec} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				two <- struct{}{}
				defer func() { <-two }()
				run(t)
			})
		}
	})
	if !t.Failed() {
		s.settled(t)
	}
}

func (s *scene) run(t *testing.T, c client) {
	t.Helper()
	p := plan{
		Client: strings.NewReplacer(" ", "-", "(", "", ")", "", ",", "").Replace(strings.ToLower(c.name)), Base: s.app.Gateway, Key: s.key,
		System: "Be brief. sign=Ada", Models: map[string][]string{}, Asks: asks(), Texts: texts(), Image: picture,
	}
	due := map[string]bool{}
	for name, f := range c.faces {
		p.Models[name] = modelsFor(name)
		for _, m := range p.Models[name] {
			for _, step := range f.steps {
				due[name+" "+m+" "+step] = true
			}
		}
	}
	s.addRecorded(p.Models, due, c)
	for _, saw := range script(t, c, p) {
		where := saw.Face + " " + saw.Model + " " + saw.Step
		if !due[where] {
			t.Errorf("%s is no step that the table knows, or was taken twice", where)
		}
		delete(due, where)
		s.check(t, c, saw)
	}
	for where := range due {
		t.Errorf("%s was not taken", where)
	}
}

// script runs a client's script and reads what it prints.
func script(t *testing.T, c client, p plan) []seenStep {
	t.Helper()
	input, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	sdk := sdkDir(t)
	command := interpreter(t, sdk, c.in)
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], c.script)...)
	cmd.Dir = filepath.Join(sdk, c.in)
	cmd.Env = quiet(t, "PYTHONPATH="+filepath.Join(sdk, "python"))
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s (test/setup.sh installs it): %v\n%s", c.name, err, stderr.Bytes()[max(0, stderr.Len()-6000):])
	}
	var all []seenStep
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var saw seenStep
		if err := json.Unmarshal(lines.Bytes(), &saw); err != nil {
			t.Errorf("%s printed %.400q: %v", c.name, lines.Text(), err)
			continue
		}
		all = append(all, saw)
	}
	return all
}

func sdkDir(t *testing.T) string {
	t.Helper()
	root, err := replay.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "test", "sdk")
}

// interpreter is the command that runs scripts of a folder of test/sdk.
func interpreter(t *testing.T, sdk, folder string) []string {
	t.Helper()
	switch folder {
	case "node":
		return []string{nodeCommand(sdk)}
	case "go":
		return []string{"go", "run", "-buildvcs=false"}
	}
	return []string{filepath.Join(sdk, folder, ".venv", "bin", "python")}
}

// nodeCommand is the Node that setup.sh installed for the tests, or the machine's own.
func nodeCommand(sdk string) string {
	if own, err := filepath.Glob(filepath.Join(sdk, "runtime", "node_modules", "*", "bin", "node")); err == nil && len(own) > 0 {
		return own[0]
	}
	return "node"
}

// quiet is an environment that names no provider and sends nobody home.
func quiet(t *testing.T, more ...string) []string {
	t.Helper()
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		for _, part := range []string{"OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "CLAUDE", "CODEX", "LANGCHAIN", "LANGSMITH", "LITELLM"} {
			if strings.Contains(strings.ToUpper(name), part) {
				return true
			}
		}
		return false
	})
	return append(env, append([]string{"LITELLM_LOCAL_MODEL_COST_MAP=True", "DO_NOT_TRACK=1"}, more...)...)
}
