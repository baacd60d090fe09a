package spool

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

var (
	errShort   = errors.New("spool: frame is cut")
	errDamaged = errors.New("spool: frame is damaged")
	errVersion = errors.New("spool: frame of an unknown version")
)

// cutFrame returns the payload of the frame at the start of b and the frame's whole size. errShort: b ends inside the frame.
func cutFrame(b []byte) (payload []byte, size int, err error) {
	if len(b) < frameHead {
		return nil, 0, errShort
	}
	n := binary.LittleEndian.Uint32(b)
	if n < payloadHead || n > payloadMax {
		return nil, 0, errDamaged
	}
	size = frameHead + int(n)
	if len(b) < size {
		return nil, size, errShort
	}
	payload = b[frameHead:size]
	if checksum(b[:4], payload) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, size, errDamaged
	}
	return payload, size, nil
}

// head reads what every version keeps in the same place.
func head(payload []byte) (kind byte, call id.Call) {
	copy(call[:], payload[2:payloadHead])
	return payload[1], call
}

// decode reads an intent's or a final's payload. The record shares no memory with it.
func decode(payload []byte) (calllog.Record, error) {
	var r calllog.Record
	if len(payload) < payloadHead {
		return r, errShort
	}
	if payload[0] < versionFirst || payload[0] > version {
		return r, errVersion
	}
	// One copy for all strings of the record: they are slices of it.
	d := decoder{s: string(payload[payloadHead:]), version: payload[0]}
	copy(r.ID[:], payload[2:payloadHead])
	d.record(&r)
	if d.err == nil && d.s != "" {
		d.err = errDamaged
	}
	return r, d.err
}

// decoder eats s from the front. After an error everything reads as zero.
type decoder struct {
	s       string
	version byte
	err     error
}

func (d *decoder) record(r *calllog.Record) {
	flags := d.byte()
	r.Stream, r.Estimated = flags&flagStream != 0, flags&flagEstimated != 0
	r.Org, r.Team, r.Key = id.Org(d.string()), id.Team(d.string()), id.Key(d.string())
	r.Environment, r.Workflow, r.EndUser = d.string(), d.string(), d.string()
	if n := d.count(); n > 0 {
		r.Tags = make(map[string]string, n)
		for range n {
			k := d.string()
			r.Tags[k] = d.string()
		}
	}
	r.Endpoint, r.Dialect, r.Requested, r.Alias = d.string(), d.string(), d.string(), d.string()
	r.AliasVersion = int(d.varint())
	r.Provider, r.Model = d.string(), d.string()
	r.Status = int(d.varint())
	r.Outcome, r.ErrorCode, r.Finish = calllog.Outcome(d.string()), d.string(), chat.FinishReason(d.string())
	r.Usage = d.usage()
	r.Cost, r.Price = money.NanoUSD(d.varint()), calllog.PriceState(d.string())
	r.Duration, r.FirstByte, r.Overhead = d.duration(), d.duration(), d.duration()
	r.RequestBytes, r.ResponseBytes = d.varint(), d.varint()
	if n := d.count(); n > 0 {
		r.Marks = make([]calllog.Mark, n)
		for i := range r.Marks {
			r.Marks[i] = calllog.Mark{Stage: d.string(), At: d.duration()}
		}
	}
	if n := d.count(); n > 0 {
		r.Attempts = make([]calllog.Attempt, n)
		for i := range r.Attempts {
			d.attempt(&r.Attempts[i])
		}
	}
	if d.version >= 2 {
		r.ProviderCost = d.told(flags)
		r.Warnings = d.strings()
	}
	if d.version >= 3 && flags&flagRouted != 0 {
		d.routing(r)
	}
	if d.version >= 4 && flags&flagCharged != 0 {
		d.charges(r)
	}
	if d.version >= 5 && flags&flagPrompted != 0 {
		d.prompt(r)
	}
	if flags&flagPayload != 0 {
		r.Payload = &calllog.Payload{Request: d.bytes(), Response: d.bytes(), Cut: flags&flagCut != 0}
	}
}

func (d *decoder) attempt(a *calllog.Attempt) {
	a.Number = int(d.varint())
	a.Provider, a.Model, a.Credential = d.string(), d.string(), id.Credential(d.string())
	a.Start, a.FirstByte, a.Duration = d.duration(), d.duration(), d.duration()
	a.Status = int(d.varint())
	a.ErrorClass, a.UpstreamID = d.string(), d.string()
	a.Usage = d.usage()
	a.Cost, a.Price, a.PriceID = money.NanoUSD(d.varint()), calllog.PriceState(d.string()), id.PriceRecord(d.string())
	if d.version >= 2 {
		a.ProviderCost = d.told(d.byte())
	}
}

func (d *decoder) told(flags byte) *money.NanoUSD {
	if flags&flagTold == 0 {
		return nil
	}
	n := money.NanoUSD(d.varint())
	return &n
}

func (d *decoder) strings() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = d.string()
	}
	return out
}

func (d *decoder) usage() (u chat.Usage) {
	u.Source = chat.Source(d.byte())
	have := d.uvarint()
	if bits.Len64(have) > int(chat.Classes) {
		d.fail(errDamaged)
		return u
	}
	for c := range u.Units {
		if have&(1<<c) != 0 {
			u.Units[c] = d.varint()
		}
	}
	return u
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err, d.s = err, ""
	}
}

func (d *decoder) byte() byte {
	if d.s == "" {
		d.fail(errDamaged)
		return 0
	}
	c := d.s[0]
	d.s = d.s[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	var v uint64
	for i := range len(d.s) {
		c := d.s[i]
		if i == 9 && c > 1 || i > 9 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.s = d.s[i+1:]
			return v
		}
	}
	d.fail(errDamaged)
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) duration() time.Duration { return time.Duration(d.varint()) }

// count is a length of a list; each entry takes at least a byte, so a count beyond the rest is damage and no reason to allocate.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.s)) {
		d.fail(errDamaged)
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}

func (d *decoder) bytes() []byte {
	if s := d.string(); s != "" {
		return []byte(s)
	}
	return nil
}
