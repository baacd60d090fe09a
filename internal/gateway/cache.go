package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/fnv"
	"net/http"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// cacheHeader tells a client whether its answer was given before, where the route keeps answers. As a request's header, "no-store"
// keeps a call out of it altogether, and "no-cache" asks the provider and keeps its answer.
const cacheHeader = "X-Tollgate-Cache"

var (
	cacheHit  = []string{"hit"}
	cacheMiss = []string{"miss"}
)

// keeping is a call whose answer may be kept.
type keeping struct {
	key     keptKey
	hit     bool
	stream  []byte // of a stream: what was sent so far
	tooLong bool
}

// recall answers a call from memory where its route keeps answers and the same call was answered before: of the same team, to the
// same alias in the same version, by the same choice of targets. Such a call reaches no provider and costs nothing.
func (g *Gateway) recall(c *Call) error {
	wish := strings.ToLower(c.req.Header.Get(cacheHeader))
	if c.Plan.Cache.Mode != alias.CacheExact || c.Plan.Cache.TTL <= 0 || c.in != nil || wish == "no-store" ||
		c.privacy() == key.PrivacyNone || !c.repeatable() { // what is not to be kept is not kept in memory either
		return nil
	}
	c.keeping = &keeping{key: c.keptKey()}
	if wish != "no-cache" {
		if a := g.kept.find(c.keeping.key, c.Caller.key.Org.ID, c.Start); a != nil {
			g.metrics.cache.WithLabelValues("hit").Inc()
			c.again(a)
			return nil
		}
	}
	g.metrics.cache.WithLabelValues("miss").Inc()
	c.client.w.Header()[cacheHeader] = cacheMiss
	return nil
}

// repeatable reports a call whose answer depends on nothing but the call: no file, no audio, no job.
func (c *Call) repeatable() bool {
	switch c.Surface.dialect.Operation() {
	case provider.Chat, provider.Embed, provider.Rerank, provider.Moderate:
		return len(c.Ask.body) > 0
	case provider.Count, provider.Image, provider.Speech, provider.Transcribe, provider.Files:
	}
	return false
}

// again makes a kept answer the call's.
func (c *Call) again(a *keptAnswer) {
	c.keeping.hit = true
	c.note("cache hit: the answer is one of " + a.from)
	for _, w := range a.warnings {
		c.Record.Warn(w)
	}
	c.Work.finish = a.finish
	c.client.w.Header()[cacheHeader] = cacheHit
	header := http.Header{"Content-Type": a.kind}
	if !c.Ask.head.Stream {
		c.Answer = answer{status: http.StatusOK, header: header, whole: &whole{body: a.body}}
		return
	}
	c.Work.content, c.Work.firstByte = true, c.client.g.Now().Sub(c.Start)
	c.client.begin(http.StatusOK, header)
	c.Answer = answer{status: http.StatusOK, tail: &passing{held: a.body}}
}

// answered reports that the call has its answer already.
func (c *Call) answered() bool { return c.Answer.whole != nil || c.Answer.tail != nil }

// keep keeps an answer that came to its end, for calls that are the same. It holds neither errors nor what broke off.
func (g *Gateway) keep(c *Call) error {
	k := c.keeping
	if k == nil || k.hit || k.tooLong || c.Outcome.how != calllog.OK || !c.answered() || len(c.Work.attempts) == 0 {
		return nil
	}
	a := &keptAnswer{
		key: k.key, org: c.Caller.key.Org.ID, finish: c.Work.finish, warnings: c.Record.Warnings, until: g.Now().Add(c.Plan.Cache.TTL),
	}
	last := &c.Work.attempts[len(c.Work.attempts)-1]
	a.from = last.Provider + "/" + last.Model
	switch w := c.Answer.whole; {
	case w == nil:
		a.body, a.kind = append(k.stream, c.Answer.last...), c.client.w.Header()["Content-Type"]
	case w.ours == nil:
		a.body, a.kind = append([]byte(nil), c.Answer.last...), c.Answer.header["Content-Type"]
	default: // written anew with what it costs to give it again
		a.body, a.kind = w.ours.Append(nil, free), jsonType
	}
	if len(a.body) <= answerMax && (c.Work.finish != "" || c.Surface.dialect.Operation() != provider.Chat) {
		g.kept.keep(a)
	}
	return nil
}

const free = "0"

// keepStream keeps a part of a stream that may be given again.
func (k *keeping) keepStream(out []byte) {
	if k == nil || k.hit || k.tooLong {
		return
	}
	if len(k.stream)+len(out) > answerMax {
		k.stream, k.tooLong = nil, true
		return
	}
	k.stream = append(k.stream, out...)
}

// ephemeral are fields of bodies on which an answer does not depend: whom the call is for and how it is labelled.
var ephemeral = map[string]bool{"user": true, "metadata": true, "safety_identifier": true, "prompt_cache_key": true, "tollgate": true}

// keptKey hashes all that the answer depends on. Each part stands with its length, so that no two lists of parts read the same.
func (c *Call) keptKey() (key keptKey) {
	k := c.Caller.key
	h := digest{Hash: sha256.New()}
	h.text(string(k.Org.ID), string(k.Team), string(c.Surface.endpoint), string(c.Surface.dialect.Name()), c.Plan.Alias,
		string(c.Plan.Experiment), c.Plan.Arm)
	h.number(uint64(c.Plan.AliasVersion))
	h.number(c.choice())
	flags := uint64(0)
	for i, set := range [...]bool{c.Ask.head.Stream, k.DropUnsupported, c.Plan.Drop} {
		if set {
			flags |= 1 << i
		}
	}
	h.number(flags)
	for _, f := range flagHeaders {
		h.text(strings.Join(c.req.Header.Values(f.header), ","))
	}
	for i := range c.Plan.Targets {
		for _, name := range c.Plan.Targets[i].Vendor.Forward {
			h.text(strings.Join(c.req.Header.Values(name), ","))
		}
	}
	for w := wire.Walk(c.Ask.body); w.Next(); {
		if !ephemeral[string(w.Key)] {
			h.bytes(w.Key)
			h.bytes(w.Value())
		}
	}
	h.Sum(key[:0])
	return key
}

// choice is a number of the targets that the call has, whatever their order: a rule may give a key others than its neighbour's.
func (c *Call) choice() (sum uint64) {
	for i := range c.Plan.Targets {
		t := &c.Plan.Targets[i]
		h := fnv.New64a()
		_, _ = h.Write([]byte(t.Vendor.ID + "\x00" + t.Model))
		sum += h.Sum64()
	}
	return sum
}

// digest hashes lists.
type digest struct{ hash.Hash }

func (p digest) text(list ...string) {
	for _, s := range list {
		p.bytes([]byte(s))
	}
}

func (p digest) bytes(b []byte) {
	p.number(uint64(len(b)))
	_, _ = p.Write(b)
}

func (p digest) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	_, _ = p.Write(b[:])
}
