package compile

import (
	"context"
	"io"

	"tollgate/internal/fault"
	"tollgate/internal/price"
)

// ErrSource means that the name of a price file's format is not known.
var ErrSource = fault.New(fault.Invalid, "price.source", "A price file is one of litellm, modelsdev, openrouter.")

// Formats gives the readers by the names used on the command line.
func Formats() map[string]func(io.Reader) (Parsed, error) {
	return map[string]func(io.Reader) (Parsed, error){
		"litellm": FromLiteLLM, "modelsdev": FromModelsDev, "openrouter": FromOpenRouter,
	}
}

// Importer takes records into the installation; *price.Service is one.
type Importer interface {
	Import(ctx context.Context, records []price.Record, mode price.Mode) (price.Imported, error)
}

// Options of an import.
type Options struct {
	Mode    price.Mode // price.DryRun changes nothing
	Verbose bool       // list every row that was added, ignored or noted; changed ones are always listed
}

// Import is "tollgate prices import --format FORMAT FILE [--dry-run] [--verbose]": it reads a price file, makes its rows
// the installation's prices from now on, and reports on out what was taken, what changed and what was ignored and why.
func Import(ctx context.Context, format string, in io.Reader, into Importer, o Options, out io.Writer) error {
	parse, ok := Formats()[format]
	if !ok {
		return ErrSource.At("format")
	}
	parsed, err := parse(in)
	if err != nil {
		return err
	}
	got, err := into.Import(ctx, parsed.Records(), o.Mode)
	if err != nil {
		return err
	}
	p := &printer{w: out}
	p.parsed(format, parsed, o.Verbose)
	p.imported(got, o)
	return p.err
}
