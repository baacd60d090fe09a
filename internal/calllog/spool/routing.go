package spool

import (
	"encoding/binary"
	"math"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// Most calls name a model and have nothing of what stands here: a flag spares them the fields.

// routed reports whether the record says anything of its routing.
func routed(r *calllog.Record) bool {
	return r.Task != "" || r.TaskBy != "" || r.Experiment != "" || r.Arm != "" || r.ArmServed != "" || r.Unit != 0 || r.UnitBy != "" ||
		r.Signals != 0 || r.Fingerprint != 0 || r.Batch != "" || r.Decision != nil
}

func appendRouting(b []byte, r *calllog.Record) []byte {
	b = appendString(appendString(b, r.Task), r.TaskBy)
	b = appendString(appendString(appendString(b, string(r.Experiment)), r.Arm), r.ArmServed)
	b = binary.LittleEndian.AppendUint64(b, r.Unit) // hashes: eight bytes are shorter than their varints
	b = appendString(b, r.UnitBy)
	b = binary.AppendUvarint(b, uint64(r.Signals))
	b = binary.LittleEndian.AppendUint64(b, r.Fingerprint)
	b = appendString(b, string(r.Batch))
	if r.Decision == nil {
		return append(b, 0)
	}
	return appendDecision(append(b, 1), r.Decision)
}

func appendDecision(b []byte, d *calllog.Decision) []byte {
	b = appendString(appendString(b, d.Strategy), d.Rule)
	var sticky byte
	if d.Sticky {
		sticky = 1
	}
	b = appendStrings(append(b, sticky), d.Filters)
	b = binary.AppendUvarint(b, uint64(len(d.Features)))
	for i := range d.Features {
		f := &d.Features[i]
		b = appendFloat(appendFloat(appendString(b, f.Name), f.Value), f.Weight)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Candidates)))
	for i := range d.Candidates {
		c := &d.Candidates[i]
		b = appendString(appendString(appendString(b, c.Provider), c.Model), string(c.Credential))
		b = binary.AppendVarint(b, int64(c.Place))
		b = appendString(b, c.Why)
	}
	return appendStrings(b, d.Notes)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

func (d *decoder) routing(r *calllog.Record) {
	r.Task, r.TaskBy = d.string(), d.string()
	r.Experiment, r.Arm, r.ArmServed = id.Experiment(d.string()), d.string(), d.string()
	r.Unit, r.UnitBy = d.uint64(), d.string()
	r.Signals = calllog.Signals(d.uvarint()) // bits of a later release are cut off
	r.Fingerprint, r.Batch = d.uint64(), id.Batch(d.string())
	if d.byte() != 0 {
		r.Decision = d.decision()
	}
}

func (d *decoder) decision() *calllog.Decision {
	out := &calllog.Decision{Strategy: d.string(), Rule: d.string(), Sticky: d.byte() != 0, Filters: d.strings()}
	if n := d.count(); n > 0 {
		out.Features = make([]calllog.Feature, n)
		for i := range out.Features {
			out.Features[i] = calllog.Feature{Name: d.string(), Value: d.float(), Weight: d.float()}
		}
	}
	if n := d.count(); n > 0 {
		out.Candidates = make([]calllog.Candidate, n)
		for i := range out.Candidates {
			out.Candidates[i] = calllog.Candidate{
				Provider: d.string(), Model: d.string(), Credential: id.Credential(d.string()), Place: int(d.varint()), Why: d.string(),
			}
		}
	}
	out.Notes = d.strings()
	return out
}

func (d *decoder) uint64() uint64 {
	if len(d.s) < 8 {
		d.fail(errDamaged)
		return 0
	}
	var n uint64
	for i := range 8 {
		n |= uint64(d.s[i]) << (8 * i)
	}
	d.s = d.s[8:]
	return n
}

// float reads a number; what is none counts as zero, because no log can hold it.
func (d *decoder) float() float64 {
	f := math.Float64frombits(d.uint64())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
