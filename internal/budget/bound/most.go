package bound

import (
	"math"
	"math/bits"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

// most is what an attempt weighs at most, in tokens and things, and what those cost.
type most struct {
	price id.PriceRecord
	rates []rate // one for each price list and tier that could hold: the dearest decides

	input   int64 // tokens of one round
	said    int64 // output cap of the request; 0: none
	inject  int64 // output cap to put in where there is none
	fixed   int64 // output that no cap bounds, instead of the cap; 0: the cap does
	extra   int64 // output tokens beyond any cap
	reads   int64 // how often the input is billed: once for each answer, because some do; 0 is 1
	answers int64 // how many are written; 0 is 1
	rounds  int64 // in which the provider asks its model again by itself; 0 is 1
	floor   int64 // the least cap that the request can go with
}

// rate is what units cost by one list.
type rate struct {
	in, out money.Price
	fee     money.Sum // of the whole attempt
}

// capped reports whether the output cap decides what the attempt costs.
func (m *most) capped() bool { return m.fixed == 0 && m.output() > 0 }

// output is how many tokens each answer has.
func (m *most) output() int64 {
	switch {
	case m.fixed > 0:
		return m.fixed
	case m.said > 0:
		return m.said
	}
	return m.inject
}

// cost is the dearest that any list makes of it with answers of so many tokens.
func (m *most) cost(output int64) money.NanoUSD {
	in := product(m.read(), max(m.reads, 1))
	out := product(product(sum(output, m.extra), max(m.answers, 1)), max(m.rounds, 1))
	dearest := money.NanoUSD(0)
	for _, r := range m.rates {
		s := r.fee
		s.Add(in, r.in)
		s.Add(out, r.out)
		dearest = max(dearest, s.NanoUSD())
	}
	return dearest
}

// read is how many tokens are read for one answer.
func (m *most) read() int64 { return product(m.input, max(m.rounds, 1)) }

func (m *most) bound(output int64) Bound {
	b := Bound{Cost: m.cost(output), Input: m.read(), Output: output, Price: m.price}
	if m.said == 0 && m.fixed == 0 {
		b.Cap = m.inject
	}
	return b
}

// feeMost is what a call costs that is billed by nothing but itself.
func feeMost(lists []price.Record) most {
	m := most{}
	if len(lists) == 0 {
		return m
	}
	m.price = lists[0].ID
	for _, l := range lists {
		m.rates = append(m.rates, rate{fee: feeOf(l.Rates)})
	}
	return m
}

// product and sum stay at the largest value rather than wrapping. Nothing here is negative.
func product(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(b, 0)))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
