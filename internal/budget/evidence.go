package budget

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// evidenceMax bounds one file.
const evidenceMax = 1_000_000

// ErrEvidence is for a file of evidence that cannot be read. The field is the line.
var ErrEvidence = fault.New(fault.Invalid, "budget.evidence", "This file of costs cannot be read.")

// ReadEvidence reads what providers say that calls cost: CSV with a header, or JSON, one object after the other or an array of them. The
// columns (members) are call_id (of CSV also call) or upstream_id, and cost_usd, a decimal number of dollars with at most nine places; others are ignored.
// A call, or an upstream id, may be named once. The error is ErrEvidence at the line.
func ReadEvidence(r io.Reader) ([]Evidence, error) {
	in := bufio.NewReader(r)
	first, err := firstByte(in)
	if err != nil {
		return nil, ErrEvidence.Say("The file is empty.").Because(err)
	}
	g := gatherer{calls: map[id.Call]int{}, upstream: map[string]int{}}
	if first == '{' || first == '[' {
		err = g.json(in, first == '[')
	} else {
		err = g.csv(in)
	}
	return g.out, err
}

// firstByte looks at the first byte that is no white space and no byte order mark.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if strings.IndexByte(" \t\r\n\xef\xbb\xbf", b) < 0 {
			return b, in.UnreadByte()
		}
	}
}

// gatherer collects evidence, each call and each upstream id once.
type gatherer struct {
	out      []Evidence
	calls    map[id.Call]int // to the line
	upstream map[string]int
}

func (g *gatherer) add(line int, call, upstream, cost string) error {
	at := fmt.Sprintf("line.%d", line)
	call, upstream, cost = strings.TrimSpace(call), strings.TrimSpace(upstream), strings.TrimSpace(cost)
	e := Evidence{Line: line, Upstream: upstream}
	var err error
	if e.Cost, err = money.ParseUSD(cost); err != nil || e.Cost < 0 {
		return ErrEvidence.Say("Line %d: cost_usd %q is no amount of dollars: write it as 0.0123, with at most nine places.", line, fault.Clip(cost)).At(at)
	}
	var before int
	switch {
	case (call == "") == (upstream == ""):
		return ErrEvidence.Say("Line %d needs call_id or upstream_id, and not both.", line).At(at)
	case len(g.out) == evidenceMax:
		return ErrEvidence.Say("At most %d lines.", evidenceMax).At(at)
	case call != "":
		if e.Call, err = id.ParseCall(call); err != nil {
			return ErrEvidence.Say("Line %d: %q is no call id.", line, fault.Clip(call)).At(at)
		}
		before = g.calls[e.Call]
		g.calls[e.Call] = line
	default:
		before = g.upstream[upstream]
		g.upstream[upstream] = line
	}
	if before != 0 {
		return ErrEvidence.Say("Line %d names what line %d has named: give the sum on one line.", line, before).At(at)
	}
	g.out = append(g.out, e)
	return nil
}

func (g *gatherer) csv(in io.Reader) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return ErrEvidence.Because(err)
	}
	head = slices.Clone(head)
	for i, name := range head {
		head[i] = strings.ToLower(strings.TrimSpace(name))
	}
	call, upstream, cost := max(slices.Index(head, "call_id"), slices.Index(head, "call")), slices.Index(head, "upstream_id"), slices.Index(head, "cost_usd")
	if cost < 0 || call < 0 && upstream < 0 {
		return ErrEvidence.Say("The first line names the columns: call_id or upstream_id, and cost_usd.").At("line.1")
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return ErrEvidence.Say("A line of the file is no CSV.").Because(err)
		}
		line, _ := r.FieldPos(0)
		if err := g.add(line, field(row, call), field(row, upstream), field(row, cost)); err != nil {
			return err
		}
	}
}

func field(row []string, i int) string {
	if i < 0 || i >= len(row) {
		return ""
	}
	return row[i]
}

// evidenceJSON is one object. The cost is kept as it was written: a number that went through binary would not be exact.
type evidenceJSON struct {
	Call     string      `json:"call_id"`
	Upstream string      `json:"upstream_id"`
	Cost     json.Number `json:"cost_usd"`
}

func (g *gatherer) json(in io.Reader, array bool) error {
	dec := json.NewDecoder(in)
	if array {
		if _, err := dec.Token(); err != nil {
			return ErrEvidence.Because(err)
		}
	}
	for n := 1; !array || dec.More(); n++ {
		var e evidenceJSON
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			return ErrEvidence.Say("Object %d of the file is no JSON as it is wanted: {\"call_id\": …, \"cost_usd\": \"0.0123\"}.", n).At(fmt.Sprintf("line.%d", n)).Because(err)
		}
		if err := g.add(n, e.Call, e.Upstream, string(e.Cost)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return ErrEvidence.Say("The array of the file has no end: a part of it is missing.").Because(err)
	}
	return nil
}
