package spool

import (
	"encoding/binary"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// charged reports whether the record says anything of what the call may cost and did.
func charged(r *calllog.Record) bool {
	return r.Secret != "" || len(r.Charges) > 0 || len(r.Checks) > 0
}

func appendCharges(b []byte, r *calllog.Record) []byte {
	b = appendString(b, string(r.Secret))
	b = binary.AppendUvarint(b, uint64(len(r.Charges)))
	for i := range r.Charges {
		c := &r.Charges[i]
		b = appendString(b, string(c.Budget))
		b = append(append(b, c.Pot[:]...), c.Holder[:]...)
		b = binary.AppendVarint(b, int64(c.Amount))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Checks)))
	for i := range r.Checks {
		k := &r.Checks[i]
		b = appendString(appendString(appendString(appendString(b, k.By), string(k.Did)), k.Subject), k.Period)
		b = binary.AppendVarint(b, k.Short)
	}
	return b
}

func (d *decoder) charges(r *calllog.Record) {
	r.Secret = id.Secret(d.string())
	if n := d.count(); n > 0 {
		r.Charges = make([]calllog.Charge, n)
		for i := range r.Charges {
			c := &r.Charges[i]
			c.Budget = id.Budget(d.string())
			c.Pot, c.Holder = d.sixteen(), d.sixteen()
			c.Amount = money.NanoUSD(d.varint())
		}
	}
	if n := d.count(); n > 0 {
		r.Checks = make([]calllog.Check, n)
		for i := range r.Checks {
			r.Checks[i] = calllog.Check{By: d.string(), Did: calllog.Did(d.string()), Subject: d.string(), Period: d.string(), Short: d.varint()}
		}
	}
}

func (d *decoder) sixteen() (out [16]byte) {
	if len(d.s) < len(out) {
		d.fail(errDamaged)
		return out
	}
	copy(out[:], d.s)
	d.s = d.s[len(out):]
	return out
}
