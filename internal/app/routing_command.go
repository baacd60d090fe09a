package app

import (
	"context"

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
	console
	message            string
	yes, force, effect bool
	path               string // of the file; "-": standard input and output
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
	t := &routingTool{path: "routing.yaml"}
	cmd := t.command(use, short, &t.path, func(ctx context.Context) error { return run(t, ctx) })
	if more != nil {
		more(cmd, t)
	}
	return cmd
}
