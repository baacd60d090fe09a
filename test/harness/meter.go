package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tollgate/test/replay"
)

// Meter is a provider's billing of random answers. What a request costs depends on the seed, its end user and how often he has asked: a
// run with the same seed costs the same. A meter keeps the promises of a provider and no other: it generates no more than the request's
// output cap, and counts no more input than the request has bytes or, where it speaks of what it does not bring, than the model reads. It bills before it answers, and whatever becomes of the answer.
type Meter struct {
	Seed  uint64
	Costs Spread        // where between nothing and the most the true cost lies
	Pause time.Duration // between the pieces of an answer
	First time.Duration // before an answer begins; random, and this is the longest

	// Odds in a thousand.
	Busy   int // 429, which is not billed
	Broken int // 500, which is not billed
	Reset  int // the connection is reset in the middle, which is billed in full
	Mute   int // the answer ends without its usage, which is billed in full

	mu   sync.Mutex
	asks map[string]uint64 // by end user
}

// Spread is where true costs lie.
type Spread string

// The spreads. The zero Spread is Any.
const (
	Any  Spread = ""     // evenly between nothing and the most
	Most Spread = "most" // the most that the request allows
)

// ownCap is what a model generates at most of itself where a request has no cap, by the providers' pages.
func ownCap(model string) int64 {
	if model == "claude-haiku-4-5" {
		return 64_000
	}
	return 16_384
}

// On lets the meter answer for a provider.
func (m *Meter) On(s *replay.Server) { s.Answer(m.answer) }

func (m *Meter) answer(c *replay.Call) replay.Turn {
	dice := m.dice(c.User)
	t := replay.Turn{Pause: m.Pause, Words: 3}
	if m.First > 0 {
		t.First = rand.N(m.First)
	}
	switch roll := dice.IntN(1000); {
	case roll < m.Busy:
		return replay.Turn{Status: http.StatusTooManyRequests, First: t.First, Body: replay.ErrorBody(c.Dialect, "rate_limit_error", "Slow down.")}
	case roll < m.Busy+m.Broken:
		return replay.Turn{Status: http.StatusInternalServerError, First: t.First, Body: replay.ErrorBody(c.Dialect, "server_error", "Something went wrong.")}
	case roll < m.Busy+m.Broken+m.Reset:
		t.Break, t.How = 2, replay.Reset
	case roll < m.Busy+m.Broken+m.Reset+m.Mute:
		t.Break, t.How = 2, replay.Ended
	}
	rate, ok := Rates(c.Model)
	if !ok {
		return replay.Turn{Status: http.StatusNotFound, Body: replay.ErrorBody(c.Dialect, "not_found", "The meter has no price for this model.")}
	}
	input, output := Allowance(c)
	if m.Costs == Any {
		input, output = 1+dice.Int64N(max(input, 1)), dice.Int64N(output+1)
	}
	t.Usage = replay.Usage{Known: true, Input: input, Output: output}
	if m.Costs == Most && written(c) != 0 { // a prompt that is written to the provider's cache costs more than one that is only read
		t.Usage.Input, t.Usage.CacheWrite5m, t.Usage.CacheWrite1h = 0, 0, 0
		if written(c) == time.Hour {
			t.Usage.CacheWrite1h = input
		} else {
			t.Usage.CacheWrite5m = input
		}
	}
	t.Bill = rate.Nano(t.Usage)
	if c.Dialect == replay.Embeddings {
		t.Usage.Output = 0
		t.Body = fmt.Appendf(nil, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":%q,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`,
			c.Model, input, input)
	}
	return t
}

// written is for how long a request asks to keep its prompt in the provider's cache; 0: it does not ask.
func written(c *replay.Call) time.Duration {
	switch {
	case !bytes.Contains(c.Body, []byte(`"cache_control"`)):
		return 0
	case bytes.Contains(c.Body, []byte(`"1h"`)):
		return time.Hour
	}
	return 5 * time.Minute
}

// Reseed starts another run.
func (m *Meter) Reseed(seed uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Seed, m.asks = seed, nil
}

// dice are those of an end user's next request.
func (m *Meter) dice(user string) *rand.Rand {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asks == nil {
		m.asks = map[string]uint64{}
	}
	m.asks[user]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(user)) // a hash never fails
	return rand.New(rand.NewPCG(m.Seed, h.Sum64()+m.asks[user]))
}

// window is how much a model reads at most, by the providers' pages: what a request names and does not bring may fill it.
func window(model string) int64 {
	switch model {
	case "claude-haiku-4-5":
		return 200_000
	case "text-embedding-3-small":
		return 8_192
	}
	return 128_000
}

// Allowance is the most that a request can make a model read and write, in tokens: a token of text stands for at least one byte of it, and an
// answer ends at the output cap, or where the model ends by itself.
func Allowance(c *replay.Call) (input, output int64) {
	const perItem, perRequest = 4, 3 // what a chat template adds to a message and to all of them
	const picture = 2833 + 8*5667    // the most that one is to gpt-4o-mini, by OpenAI's page on vision: 8 tiles
	ask, err := replay.ReadAsk(c.Dialect, c.Body)
	if err != nil {
		return int64(len(c.Body)), ownCap(c.Model)
	}
	input = perRequest
	for _, it := range ask.Items {
		switch it.Kind {
		case "image":
			input += picture
		case "document", "audio":
			input = window(c.Model)
		default:
			input += int64(len(it.Data)) + perItem
		}
	}
	if bytes.Contains(c.Body, []byte(`"previous_response_id"`)) {
		input = window(c.Model)
	}
	for _, tool := range ask.Tools {
		input += int64(len(tool.Name) + len(tool.About) + len(tool.Schema))
	}
	output = ownCap(c.Model)
	if n, err := strconv.ParseInt(ask.Max, 10, 64); err == nil {
		output = n
	}
	var several struct {
		N int64 `json:"n"`
	}
	_ = json.Unmarshal(c.Body, &several)
	return min(input, window(c.Model)), output * max(several.N, 1)
}
