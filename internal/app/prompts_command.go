package app

import (
	"context"

	"github.com/spf13/cobra"
)

// promptsTool is one run of a command on prompts.
type promptsTool struct {
	console
	message          string
	label, folder    string
	labels, versions string
	source, langfuse string
	dryRun, prune    bool
	yes, force       bool
	dir              string // of files; of an import also one file, "-": standard input
}

// promptsCommand keeps prompts in a repository, and moves them between places.
func promptsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "prompts", Short: "Prompts as files: pull, diff, apply, import, export"}
	cmd.AddCommand(
		promptsOne("pull [DIR]", "Write the organization's prompts to files in prompts/", (*promptsTool).pull, func(f *cobra.Command, t *promptsTool) {
			t.selects(f)
			f.Flags().BoolVar(&t.force, "force", false, "throw away what was changed in the files here")
			f.Flags().BoolVar(&t.prune, "prune", false, "remove files of prompts that are not there any more")
		}),
		promptsOne("diff [DIR]", "Show what the files would change; ends with 1 if they would", (*promptsTool).diff, func(f *cobra.Command, t *promptsTool) {
			t.selects(f)
			t.applies(f)
		}),
		promptsOne("apply [DIR]", "Make the files the organization's prompts", (*promptsTool).apply, func(f *cobra.Command, t *promptsTool) {
			t.selects(f)
			t.applies(f)
			f.Flags().BoolVar(&t.yes, "yes", false, "do not ask")
			f.Flags().BoolVar(&t.dryRun, "dry-run", false, "say what would be done, and do nothing")
			f.Flags().StringVarP(&t.message, "message", "m", "", "what new versions are for, where their file does not say")
		}),
		promptsOne("import [FILE|DIR]", "Take prompts over from files, Langfuse, Portkey, Helicone or OpenAI", (*promptsTool).take, func(f *cobra.Command, t *promptsTool) {
			f.Flags().StringVar(&t.source, "from", "auto", "files, langfuse, portkey, helicone or openai; auto finds it out")
			f.Flags().StringVar(&t.langfuse, "langfuse-url", "", "read from Langfuse here, with LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY; the keys stay on this machine")
			f.Flags().StringVar(&t.folder, "folder", "", "into which the prompts go")
			f.Flags().StringVar(&t.labels, "labels", "new", "new: those that a prompt does not have yet; all: also move what is live; none")
			f.Flags().StringVar(&t.versions, "versions", "all", "all, labelled or latest")
			f.Flags().StringVarP(&t.message, "message", "m", "", "what new versions are for, where nothing is said of them")
			f.Flags().BoolVar(&t.dryRun, "dry-run", false, "say what would be done, and do nothing")
		}),
		promptsOne("export [FILE]", "Write prompts.zip with the organization's prompts", (*promptsTool).export, func(f *cobra.Command, t *promptsTool) {
			t.selects(f)
			f.Flags().StringVar(&t.versions, "versions", "latest", "all, labelled or latest, where no label is named")
		}),
	)
	return cmd
}

// selects are the flags that say which prompts are meant.
func (t *promptsTool) selects(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.label, "label", "", "pull, export: the versions on which it stands. diff, apply: the label that the versions get, instead of those in the files")
	cmd.Flags().StringVar(&t.folder, "folder", "", "only what is below it")
}

// applies are the flags of what changes prompts.
func (t *promptsTool) applies(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.prune, "prune", false, "archive prompts that have no file")
	cmd.Flags().BoolVar(&t.force, "force", false, "also over what was changed since the files were pulled")
}

func promptsOne(use, short string, run func(*promptsTool, context.Context) error, more func(*cobra.Command, *promptsTool)) *cobra.Command {
	t := &promptsTool{}
	cmd := t.command(use, short, &t.dir, func(ctx context.Context) error { return run(t, ctx) })
	more(cmd, t)
	return cmd
}
