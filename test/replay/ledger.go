package replay

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// End says how the server's side of a call ended.
type End string

// The ends. Only a whole 200 answer is billed in full.
const (
	Open        End = ""            // not over yet
	Whole       End = "whole"       // everything that was to be sent was sent
	CutByClient End = "client gone" // the caller closed the connection before that
	CutByScript End = "scripted"    // the script broke it off
)

// Call is one request in the ledger.
type Call struct {
	N       int // from 1, in order of arrival
	Vendor  string
	Dialect string
	Method  string
	Path    string // escaped
	Query   string
	Model   string
	Case    string
	Secret  string
	User    string
	Stream  bool
	Header  http.Header
	Body    []byte
	Start   time.Time

	Status int
	ID     string // of the answer
	Billed Usage
	Bill   int64 // nano-dollars, by a server that was told what its answers cost; see Server.Answer
	Sent   int64
	End    End
}

// Ledger is the provider's own book.
type Ledger struct {
	mu    sync.Mutex
	calls []*Call
	byKey map[string]*Call // the newest
	slim  bool
}

// KeyOf is what stands behind the last "~" of a model.
func KeyOf(model string) string { return model[strings.LastIndexByte(model, '~')+1:] }

// name notes which model a call is for.
func (l *Ledger) name(c *Call, model string, change func(*Call)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey == nil {
		l.byKey = map[string]*Call{}
	}
	c.Model = model
	l.byKey[KeyOf(model)] = c
	change(c)
}

// ByKey is the newest call for a key; see Play.
func (l *Ledger) ByKey(key string) (Call, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.byKey[key]
	if c == nil {
		return Call{}, false
	}
	return *c, true
}

// Slim forgets the bodies and headers of requests from now on: for long loads.
func (l *Ledger) Slim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slim = true
}

func (l *Ledger) open(c Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.N = len(l.calls) + 1
	if l.slim {
		c.Body, c.Header = nil, nil
	}
	l.calls = append(l.calls, &c)
	return &c
}

func (l *Ledger) note(c *Call, change func(*Call)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(c)
}

func (l *Ledger) close(c *Call, change func(*Call)) { l.note(c, change) }

// Calls copies the book.
func (l *Ledger) Calls() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Call, len(l.calls))
	for i, c := range l.calls {
		out[i] = *c
	}
	return out
}

// Of gives the calls for which keep holds.
func (l *Ledger) Of(keep func(Call) bool) []Call {
	return slices.DeleteFunc(l.Calls(), func(c Call) bool { return !keep(c) })
}

// Bill is what the provider has billed up to now, whatever became of its answers.
func (l *Ledger) Bill() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := int64(0)
	for _, c := range l.calls {
		sum += c.Bill
	}
	return sum
}

// Last is the newest call for a model.
func (l *Ledger) Last(model string) (Call, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range slices.Backward(l.calls) {
		if c.Model == model {
			return *c, true
		}
	}
	return Call{}, false
}

// Len is the number of requests so far.
func (l *Ledger) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}
