package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// exit ends the program with a status of its own.
type exit struct {
	code int
	err  error // told on the error output; nil: everything was said
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// The statuses with which the routing commands end; 0: the file says what stands.
const (
	exitDiffers = 1
	exitError   = 2
)

// routingTool is one run of a routing command.
type routingTool struct {
	api, token, message string
	yes, force, effect  bool
	path                string // of the file; "-": standard input and output

	client   *routingClient
	in       io.Reader
	out, err io.Writer
	asks     bool // somebody sits at a terminal
	colour   bool
}

// routingCommands keep the routing file in a repository: pull, diff, check and apply.
func routingCommands() []*cobra.Command {
	return []*cobra.Command{
		routingCommand("pull [FILE]", "Write the organization's routing file to routing.yaml", (*routingTool).pull, func(cmd *cobra.Command, t *routingTool) {
			cmd.Flags().BoolVar(&t.force, "force", false, "throw away what was changed in the file here")
		}),
		routingCommand("diff [FILE]", "Show what routing.yaml would change; ends with 1 if it would", (*routingTool).diff, func(cmd *cobra.Command, t *routingTool) {
			cmd.Flags().BoolVar(&t.effect, "effect", false, "also tell what it would have meant for yesterday's calls")
		}),
		routingCommand("check [FILE]", "Tell everything that is wrong with routing.yaml", (*routingTool).check, nil),
		routingCommand("apply [FILE]", "Make routing.yaml the organization's routing", (*routingTool).apply, func(cmd *cobra.Command, t *routingTool) {
			cmd.Flags().BoolVar(&t.yes, "yes", false, "do not ask")
			cmd.Flags().BoolVar(&t.force, "force", false, "apply whatever stands now, also over somebody's change")
			cmd.Flags().StringVarP(&t.message, "message", "m", "", "what the change is for")
		}),
	}
}

func routingCommand(use, short string, run func(*routingTool, context.Context) error, more func(*cobra.Command, *routingTool)) *cobra.Command {
	t := &routingTool{}
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1), SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			t.path = "routing.yaml"
			if len(args) > 0 {
				t.path = args[0]
			}
			if err := t.open(cmd); err != nil {
				return &exit{exitError, err}
			}
			err := run(t, cmd.Context())
			var code *exit
			if err != nil && !errors.As(err, &code) {
				return &exit{exitError, err}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&t.api, "api", "", "address of the dashboard (TOLLGATE_API; http://127.0.0.1:8080 unless it is set)")
	cmd.Flags().StringVar(&t.token, "token", "", "management token (better: TOLLGATE_TOKEN, which no list of processes shows)")
	if more != nil {
		more(cmd, t)
	}
	return cmd
}

// open fills what the environment says.
func (t *routingTool) open(cmd *cobra.Command) (err error) {
	t.in, t.out, t.err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	t.asks = terminal(t.in) && terminal(t.out)
	t.colour = terminal(t.out) && os.Getenv("NO_COLOR") == ""
	t.client, err = newRoutingClient(cmp.Or(t.api, os.Getenv("TOLLGATE_API"), "http://127.0.0.1:8080"), cmp.Or(t.token, os.Getenv("TOLLGATE_TOKEN")))
	return err
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
