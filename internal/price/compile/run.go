package compile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tollgate/internal/price"
	"tollgate/internal/price/seed"
)

// Run is "tollgate prices compile --litellm FILE --models-dev FILE --out FILE [--effective DAY] [--verbose]": it makes the
// catalogue that a release ships. With --effective, the catalogue at --out is succeeded instead of replaced: changed
// prices start on that day. The report goes to stdout.
func Run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("prices compile", flag.ContinueOnError)
	flags.SetOutput(stdout)
	lite := flags.String("litellm", "", "LiteLLM's model_prices_and_context_window.json")
	dev := flags.String("models-dev", "", "models.dev's api.json")
	out := flags.String("out", "", "the catalogue to write")
	effective := flags.String("effective", "", "the day (2026-11-22) on which changed prices start; without it every price holds from the beginning")
	verbose := flags.Bool("verbose", false, "list every row that was ignored, noted or differs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *lite == "" || *dev == "" || *out == "" {
		return errors.New("prices compile needs --litellm, --models-dev and --out")
	}
	first, err := parseFile(*lite, FromLiteLLM)
	if err != nil {
		return err
	}
	second, err := parseFile(*dev, FromModelsDev)
	if err != nil {
		return err
	}
	records, differ := Merge(first.Records(), second.Records())
	records = append(records, Builtin()...)
	if *effective != "" {
		if records, err = succeedFile(*out, records, *effective); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := seed.Write(&text, records); err != nil {
		return err
	}
	if err := os.WriteFile(*out, text.Bytes(), 0o644); err != nil { //nolint:gosec // a source file, readable by all
		return err
	}
	p := &printer{w: stdout}
	p.parsed("LiteLLM", first, *verbose)
	p.parsed("models.dev", second, *verbose)
	p.differences(differ, *verbose)
	p.line("%s: %d records, %d bytes", filepath.Base(*out), len(records), text.Len())
	return p.err
}

func parseFile(path string, parse func(io.Reader) (Parsed, error)) (Parsed, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return Parsed{}, err
	}
	defer f.Close()
	p, err := parse(f)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func succeedFile(path string, next []price.Record, effective string) ([]price.Record, error) {
	day, err := time.Parse(time.DateOnly, effective)
	if err != nil {
		return nil, fmt.Errorf("--effective: %w", err)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, os.ErrNotExist) {
		return next, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	old, err := seed.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Succeed(old, next, day), nil
}
