package fault

import (
	"context"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// What was said and what opens doors is nowhere but where it belongs: not in a log line, a file, a figure or a table.
func TestSecretsAndPromptsLeaveNoTrace(t *testing.T) {
	database := pgtest.URL(t)
	s := build(t, harness.Config{DatabaseURL: database, Env: []string{"TOLLGATE_LOG_LEVEL=debug"}})
	const provider, prompt, kept, said = "sk-canary-provider-5f1c", "canary-prompt-77aa", "canary-kept-31bd", "canary-answer-90ce"
	s.owner.Connect("groq", provider, s.provider.Base("groq"))
	s.owner.Connect("deepseek", provider, "http://127.0.0.1:1/v1") // nobody listens
	_, full := s.owner.IssueKey("keeps bodies", map[string]any{"privacy": "full"})
	until(t, s.Client(full), http.StatusOK)
	s.provider.Script("llama", replay.Turn{Body: []byte(`{"id":"x","object":"chat.completion","model":"llama","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		said + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)})
	s.provider.Script("llama-500", replay.Turn{Status: 500, Body: replay.ErrorBody(replay.OpenAI, "server_error", "cannot say "+said+" to "+provider)})
	s.provider.Script("llama-cut", replay.Turn{Break: 4, How: replay.Reset})
	ask := func(model, words string) []byte {
		return []byte(`{"model":"` + model + `","user":"canary","tools":[{"type":"function","function":{"name":"f","description":"` + words + `"}}],` +
			`"messages":[{"role":"user","content":"` + words + `"}]}`)
	}
	calls := [][]byte{
		ask("groq/llama", prompt), ask("groq/llama-500", prompt), ask("groq/llama-cut", prompt), ask("deepseek/x", prompt), ask("nobody/"+"x", prompt),
		[]byte(`{"model":"groq/llama","messages":[{"content":"` + prompt), []byte(prompt),
	}
	for _, body := range calls {
		for _, dialect := range []string{replay.OpenAI, replay.Anthropic} {
			if _, err := s.client.Chat(t.Context(), dialect, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := s.Client(s.owner.Key+"x").Chat(t.Context(), replay.OpenAI, ask("groq/llama", prompt)); err != nil || got.Status != http.StatusUnauthorized {
		t.Fatalf("%v %v", got, err)
	}
	if _, err := s.Client(full).Chat(t.Context(), replay.OpenAI, ask("groq/llama", kept)); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 15*time.Second, func() error { // all of it is recorded
		if found := inDatabase(t, database, kept); len(found) == 0 {
			return harness.ErrNotYet // and the search finds what is there
		}
		return nil
	})
	canaries := map[string]string{
		"the virtual key": s.owner.Key, "the management token": s.owner.Token, "the provider's secret": provider,
		"the password": "correct horse battery", "the prompt": prompt,
	}
	for what, canary := range canaries {
		if strings.Contains(string(s.Log()), canary) {
			t.Errorf("%s is in the log", what)
		}
		for _, file := range inFiles(t, s.DataDir, canary) {
			t.Errorf("%s is in %s", what, file)
		}
		for _, table := range inDatabase(t, database, canary) {
			t.Errorf("%s is in table %s", what, table)
		}
		for _, url := range []string{s.API + "/metrics", s.Gateway + "/metrics", s.API + "/api/v1/calls", s.API + "/api/v1/credentials", s.API + "/api/v1/keys"} {
			if strings.Contains(s.get(t, url), canary) {
				t.Errorf("%s is at %s", what, url)
			}
		}
	}
	if strings.Contains(string(s.Log()), said) {
		t.Error("the answer is in the log")
	}
	if found := inDatabase(t, database, said); len(found) != 1 { // the payload that the other key keeps
		t.Errorf("the answer is in %v, want the payloads alone", found)
	}
}

func (s *site) get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.owner.Token)
	got, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return string(got.Body)
}

// inFiles lists the files below dir that hold the words.
func inFiles(t *testing.T, dir, words string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // a file that went away meanwhile
		}
		if raw, err := os.ReadFile(path); err == nil && strings.Contains(string(raw), words) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inDatabase lists the tables with a row that holds the words, as text or as bytes. The owner lifts the row policies for itself in a
// transaction that is rolled back.
func inDatabase(t *testing.T, database, words string) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, table := range tables {
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		name := pgx.Identifier{table}.Sanitize()
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'; ALTER TABLE "+name+" NO FORCE ROW LEVEL SECURITY"); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		var n int
		err = tx.QueryRow(ctx, "SELECT count(*) FROM "+name+" x WHERE x::text LIKE $1 OR x::text LIKE $2",
			"%"+words+"%", "%"+hex.EncodeToString([]byte(words))+"%").Scan(&n)
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		if n > 0 {
			found = append(found, table)
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return found
}
