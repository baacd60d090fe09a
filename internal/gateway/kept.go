package gateway

import (
	"container/list"
	"sync"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/id"
)

// kept are answers that may be given again: in memory, by least use, at most so many bytes.
type kept struct {
	mu     sync.Mutex
	limit  int64
	size   int64
	byKey  map[keptKey]*list.Element
	recent list.List // of *keptAnswer, used last in front
}

// keptKey is a hash over all that an answer depends on, the organization and the team among it.
type keptKey [32]byte

// keptAnswer is one answer, whole. It is never changed.
type keptAnswer struct {
	key      keptKey
	org      id.Org // beside the key: an answer is given to the organization that paid for it, whatever a hash may do
	body     []byte
	kind     []string // media type
	finish   chat.FinishReason
	from     string // who answered, in words
	warnings []string
	until    time.Time
}

const (
	keptMax   = 64 << 20 // bytes of all answers
	answerMax = 1 << 20  // bytes of one
	keptCost  = 512      // bytes that an answer takes besides its own, about
)

func newKept(limit int64) *kept { return &kept{limit: limit, byKey: map[keptKey]*list.Element{}} }

func (a *keptAnswer) cost() int64 { return int64(len(a.body)) + keptCost }

// find gives an answer that is still good.
func (k *kept) find(key keptKey, org id.Org, now time.Time) *keptAnswer {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byKey[key]
	if e == nil {
		return nil
	}
	a := e.Value.(*keptAnswer) //nolint:forcetypeassert // nothing else is in the list
	if !now.Before(a.until) {
		k.drop(e)
		return nil
	}
	if a.org != org {
		return nil
	}
	k.recent.MoveToFront(e)
	return a
}

// keep takes an answer in, and lets the least used ones go.
func (k *kept) keep(a *keptAnswer) {
	if a.cost() > k.limit {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.byKey[a.key]; e != nil {
		k.drop(e)
	}
	k.byKey[a.key] = k.recent.PushFront(a)
	for k.size += a.cost(); k.size > k.limit; {
		k.drop(k.recent.Back())
	}
}

func (k *kept) drop(e *list.Element) {
	a := k.recent.Remove(e).(*keptAnswer) //nolint:forcetypeassert // nothing else is in the list
	delete(k.byKey, a.key)
	k.size -= a.cost()
}

// bytes is what the answers take.
func (k *kept) bytes() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.size
}
