package promptstatpg_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstatpg"
)

// BenchmarkPage is what the page of a busy prompt asks: 30 days of hours in which six versions answered 10 million calls by two labels, and two
// versions with 100,000 calls each of which the newest are compared. The promise of the page is 150 ms.
func BenchmarkPage(b *testing.B) {
	db := pgtest.New(b)
	in, team := pgtest.Org(b, db, "Acme")
	p, _, err := prompt.NewService(promptpg.New(db), func() time.Time { return noon }).
		Create(b.Context(), in, prompt.New{Name: "busy", Kind: prompt.Text, Content: prompt.Content{Text: "x"}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := calllogpg.New(db).MakeDays(b.Context(), noon); err != nil {
		b.Fatal(err)
	}
	err = db.InSystemPgx(b.Context(), "test", func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.Context(), `INSERT INTO prompt_hourly (org_id, prompt_id, hour, version, label, calls, errors, cost_nano, unpriced, input, output, cached,
				first_at, last_at, total_at, total_n, first_byte_at, first_byte_n, scores)
			SELECT $1, $2, h, v, l, 1157, 11, 1157000, 0, 1000000, 100000, 500000, h, h, ARRAY(SELECT 100 + n FROM generate_series(1, 60) AS n),
				ARRAY(SELECT 19::bigint FROM generate_series(1, 60) AS n), ARRAY(SELECT 60 + n FROM generate_series(1, 40) AS n), ARRAY(SELECT 28::bigint FROM generate_series(1, 40) AS n),
				'{"quality": {"n": 300, "sum": 240.5}}'
			FROM generate_series($3::timestamptz, $3::timestamptz + interval '719 hours', interval '1 hour') AS h, generate_series(1, 6) AS v, unnest(ARRAY['production', '']) AS l`,
			string(in.Org()), string(p.ID), noon.AddDate(0, 0, -30)); err != nil {
			return err
		}
		if _, err := tx.Exec(b.Context(), `INSERT INTO calls (org_id, call_id, started_at, proxy, team_id, key_id, environment, workflow, end_user, tags, endpoint, dialect, requested, alias,
				alias_version, provider, model, stream, status, outcome, error_code, finish, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, input_audio,
				output_audio, web_search, usage_source, cost_nano, price_state, estimated, duration_us, first_byte_us, overhead_us, request_bytes, response_bytes, marks,
				attempts, split, has_payload, prompt_id, prompt_version, prompt_label)
			SELECT $1, gen_random_uuid(), $3::timestamptz - n * interval '0.4 seconds', 'prx', $4, 'key', 'production', 'w', 'user-' || n % 5000, '{}', 'chat', 'openai-chat', 'a', 'a', 1, 'p', 'm',
				true, 200, 'ok', '', 'stop', 1000, 200, 0, 0, 100, 0, 0, 0, 0, 1, 100000 + n % 999, 'priced', false, 900000, 200000 + n % 5000, 100, 4000, 900, '[]',
				'[]', false, false, $2, 1 + n % 2, 'production' FROM generate_series(1, 200000) AS n`,
			string(in.Org()), string(p.ID), noon, string(team)); err != nil {
			return err
		}
		_, err := tx.Exec(b.Context(), `INSERT INTO scores (org_id, call_id, started_at, name, source, author, id, kind, value, text, team_id, at)
			SELECT org_id, call_id, started_at, 'quality', 'human', 'u', 'score_' || call_id, 'numeric', 1, '', '', started_at FROM calls WHERE cost_nano % 3 = 0`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, table := range []string{"calls", "scores", "prompt_hourly"} {
		if err := db.InSystemPgx(b.Context(), "test", func(tx pgx.Tx) error { _, err := tx.Exec(b.Context(), "ANALYZE "+table); return err }); err != nil && !strings.Contains(err.Error(), "permission") {
			b.Fatal(err)
		}
	}
	s := promptstat.NewService(promptstatpg.New(db))
	b.Run("metrics", func(b *testing.B) {
		for b.Loop() {
			m, err := s.Metrics(b.Context(), in, promptstat.Query{Prompt: p.ID, By: promptstat.ByVersion, From: noon.AddDate(0, 0, -30), To: noon})
			if err != nil || len(m.Rows) != 6 {
				b.Fatal(len(m.Rows), err)
			}
		}
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			c, err := s.Compare(b.Context(), in, promptstat.Pair{Prompt: p.ID, A: 1, B: 2, From: noon.AddDate(0, 0, -30), To: noon})
			if err != nil || !c.A.Sampled {
				b.Fatal(c.A, err)
			}
		}
	})
}
