package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// console is what commands share that work on files here and, by the API, on what the organization has.
type console struct {
	api, token string

	client   *routingClient
	in       io.Reader
	out, err io.Writer
	asks     bool // somebody sits at a terminal
	colour   bool
	chatter  bool // somebody reads the error output
}

// command is one of them. Its argument, where it is given, takes the place of what path holds. A failure ends with exitError, but where run
// chose a status of its own.
func (c *console) command(use, short string, path *string, run func(context.Context) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1), SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				*path = args[0]
			}
			if err := c.open(cmd); err != nil {
				return &exit{exitError, err}
			}
			err := run(cmd.Context())
			var code *exit
			if err != nil && !errors.As(err, &code) {
				return &exit{exitError, err}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&c.api, "api", "", "address of the dashboard (TOLLGATE_API; http://127.0.0.1:8080 unless it is set)")
	cmd.Flags().StringVar(&c.token, "token", "", "management token (better: TOLLGATE_TOKEN, which no list of processes shows)")
	return cmd
}

func (c *console) open(cmd *cobra.Command) (err error) {
	c.in, c.out, c.err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	c.asks = terminal(c.in) && terminal(c.out)
	c.colour = terminal(c.out) && os.Getenv("NO_COLOR") == ""
	c.chatter = terminal(c.err)
	c.client, err = newRoutingClient(cmp.Or(c.api, os.Getenv("TOLLGATE_API"), "http://127.0.0.1:8080"), cmp.Or(c.token, os.Getenv("TOLLGATE_TOKEN")))
	return err
}

// painted is a line of a difference in its colour.
func (c *console) painted(line string) string {
	if !c.colour || line == "" {
		return line
	}
	paint := map[byte]string{'+': "\x1b[32m", '-': "\x1b[31m", '@': "\x1b[36m"}[line[0]]
	if paint == "" {
		return line
	}
	return paint + strings.TrimSuffix(line, "\n") + "\x1b[0m\n"
}

// terminal reports whether a person sits at a stream.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
