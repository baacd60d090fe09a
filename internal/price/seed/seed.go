// Package seed holds the price catalogue that is shipped with a release, and the text format it is kept in.
//
// The file is facts only, one record a line, sorted, so that a change of price is a changed line in a review. It is
// compiled by package compile from public price lists; nothing edits it by hand.
//
// The format: UTF-8, '#' starts a comment line, ten fields a line separated by tabs, "-" for nothing.
//
//	provider  model  from  to  context  max_output  modalities  rates  tiers  source
//
// from and to are days (2026-11-22, midnight UTC). modalities is "text,image>text". rates is "input=2.5 output=10":
// dollars for a million units (of images, pages, milliseconds and fees too), exact. tiers is "200000:input=5,output=15;…": the whole list of
// rates for calls with more input tokens than the number.
package seed

import (
	"bufio"
	"cmp"
	_ "embed" // the catalogue
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

//go:embed prices.tsv
var catalogue string

// Records reads the shipped catalogue. It fails only if the build is broken; call it once, at start.
func Records() ([]price.Record, error) { return Read(strings.NewReader(catalogue)) }

// header opens every file that Write makes.
const header = `# Tollgate price catalogue, format 1. Made by "tollgate prices compile"; see package seed for the format.
# Dollars per million units. Facts gathered from public price lists (LiteLLM's and models.dev's, both MIT-licensed).
# provider	model	from	to	context	max_output	modalities	rates	tiers	source
`

// ErrFormat is returned for a line that is not of the format.
var ErrFormat = errors.New("not a price catalogue line")

const (
	fields  = 10
	lineMax = 64 << 10
	day     = time.DateOnly
)

// Read parses a catalogue strictly: an unknown class, a bad number or a record that Check refuses is an error.
// Every record has the id that its content gives it.
func Read(r io.Reader) ([]price.Record, error) {
	var out []price.Record
	in := bufio.NewScanner(r)
	in.Buffer(nil, lineMax)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		rec, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, rec)
	}
	return out, in.Err()
}

func parse(line string) (price.Record, error) {
	var rec price.Record
	f := strings.Split(line, "\t")
	if len(f) != fields {
		return rec, fmt.Errorf("%w: %d fields", ErrFormat, len(f))
	}
	rec.Provider, rec.Model, rec.Source = f[0], f[1], text(f[9])
	var errs [7]error
	rec.From, errs[0] = date(f[2])
	rec.To, errs[1] = date(f[3])
	rec.ContextWindow, errs[2] = count(f[4])
	rec.MaxOutput, errs[3] = count(f[5])
	rec.Input, rec.Output, errs[4] = modalities(f[6])
	rec.Rates, errs[5] = rates(f[7], " ")
	rec.Tiers, errs[6] = tiers(f[8])
	if err := errors.Join(errs[:]...); err != nil {
		return price.Record{}, err
	}
	if err := rec.Check(); err != nil {
		return price.Record{}, err
	}
	return rec.Stamp(), nil
}

func text(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func date(s string) (time.Time, error) {
	if s == "-" {
		return time.Time{}, nil
	}
	return time.Parse(day, s)
}

func count(s string) (int64, error) {
	if s == "-" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%w: count %q", ErrFormat, s)
	}
	return n, nil
}

func modalities(s string) (in, out price.Modality, err error) {
	if s == "-" {
		return 0, 0, nil
	}
	left, right, ok := strings.Cut(s, ">")
	if !ok {
		return 0, 0, fmt.Errorf("%w: modalities %q", ErrFormat, s)
	}
	if in, err = kinds(left); err != nil {
		return 0, 0, err
	}
	out, err = kinds(right)
	return in, out, err
}

func kinds(s string) (price.Modality, error) {
	var all price.Modality
	if s == "" {
		return 0, nil
	}
	for n := range strings.SplitSeq(s, ",") {
		m, ok := price.ParseModality(n)
		if !ok {
			return 0, fmt.Errorf("%w: modality %q", ErrFormat, n)
		}
		all |= m
	}
	return all, nil
}

func rates(s, sep string) (price.Rates, error) {
	var out price.Rates
	for item := range strings.SplitSeq(s, sep) {
		name, dollars, _ := strings.Cut(item, "=")
		c, ok := chat.ParseClass(name)
		if !ok || out[c].Listed {
			return out, fmt.Errorf("%w: class %q", ErrFormat, name)
		}
		p, err := money.ParsePerMillion(dollars)
		if err != nil {
			return out, fmt.Errorf("%w: rate %q", ErrFormat, item)
		}
		out = out.Set(c, p)
	}
	return out, nil
}

func tiers(s string) ([]price.Tier, error) {
	if s == "-" {
		return nil, nil
	}
	var out []price.Tier
	for item := range strings.SplitSeq(s, ";") {
		above, list, _ := strings.Cut(item, ":")
		n, err := count(above)
		if err != nil {
			return nil, err
		}
		r, err := rates(list, ",")
		if err != nil {
			return nil, err
		}
		out = append(out, price.Tier{AboveInput: n, Rates: r})
	}
	return out, nil
}

// Write writes records in the format, sorted. Starts and ends must be at midnight UTC: the format has days.
func Write(w io.Writer, records []price.Record) error {
	sorted := append([]price.Record(nil), records...)
	price.Sort(sorted)
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(header) // a failed write is kept and given by Flush
	for _, r := range sorted {
		if err := r.Check(); err != nil {
			return fmt.Errorf("%s/%s: %w", r.Provider, r.Model, err)
		}
		from, errFrom := dayOf(r.From)
		to, errTo := dayOf(r.To)
		if err := errors.Join(errFrom, errTo); err != nil {
			return fmt.Errorf("%s/%s: %w", r.Provider, r.Model, err)
		}
		_, _ = out.WriteString(strings.Join([]string{
			r.Provider, r.Model, from, to, number(r.ContextWindow), number(r.MaxOutput),
			kindsText(r), ratesText(r.Rates, " "), tiersText(r.Tiers), cmp.Or(r.Source, "-"),
		}, "\t") + "\n")
	}
	return out.Flush()
}

func dayOf(t time.Time) (string, error) {
	if t.IsZero() {
		return "-", nil
	}
	if !t.Equal(t.UTC().Truncate(24 * time.Hour)) {
		return "", fmt.Errorf("%w: %s is not at midnight UTC", ErrFormat, t)
	}
	return t.UTC().Format(day), nil
}

func number(n int64) string {
	if n <= 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func kindsText(r price.Record) string {
	if r.Input == 0 && r.Output == 0 {
		return "-"
	}
	return r.Input.String() + ">" + r.Output.String()
}

func ratesText(r price.Rates, sep string) string {
	var items []string
	for c, x := range r {
		if x.Listed {
			items = append(items, chat.Class(c).String()+"="+short(x.Price))
		}
	}
	return strings.Join(items, sep)
}

// short is the decimal without the zeros that money prints for people: "10", "2.5".
func short(p money.Price) string {
	return strings.TrimSuffix(strings.TrimRight(p.PerMillion(), "0"), ".")
}

func tiersText(ts []price.Tier) string {
	if len(ts) == 0 {
		return "-"
	}
	var items []string
	for _, t := range ts {
		items = append(items, strconv.FormatInt(t.AboveInput, 10)+":"+ratesText(t.Rates, ","))
	}
	return strings.Join(items, ";")
}
