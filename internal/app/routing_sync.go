package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/alias/aliashttp"
)

// pull writes the file as it stands, and never over somebody's unsaved work.
func (t *routingTool) pull(ctx context.Context) error {
	now, err := t.client.current(ctx)
	if err != nil {
		return err
	}
	text := aliasfile.Stamped(now.YAML, now.Version)
	if t.path == "-" {
		_, err := io.WriteString(t.out, text)
		return err
	}
	old, err := os.ReadFile(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && t.force:
	case err != nil:
		return err
	default:
		if mine, err := t.changed(ctx, string(old), now); err != nil {
			return err
		} else if mine {
			return fmt.Errorf("%s has changes that are not applied (tollgate diff shows them). tollgate pull --force throws them away", t.path)
		}
	}
	if err := os.WriteFile(t.path, []byte(text), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is version %d\n", t.path, now.Version)
	return err
}

// changed reports whether a file is neither what stands nor the version that it says it is.
func (t *routingTool) changed(ctx context.Context, text string, now aliashttp.Routing) (bool, error) {
	plain := aliasfile.Unstamped(text)
	if plain == now.YAML || strings.TrimSpace(plain) == "" {
		return false, nil
	}
	number, ok := aliasfile.Stamp(text)
	if !ok || number == now.Version || number == 0 {
		return true, nil
	}
	was, err := t.client.version(ctx, number)
	var r *refused
	if errors.As(err, &r) && r.status == http.StatusNotFound {
		return true, nil
	}
	return err == nil && plain != was.YAML, err
}

// read is the file's text.
func (t *routingTool) read() (string, error) {
	var data []byte
	var err error
	if t.path == "-" {
		data, err = io.ReadAll(io.LimitReader(t.in, aliasfile.BytesMax+1))
	} else {
		data, err = os.ReadFile(t.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s here; tollgate pull writes it", t.path)
	}
	if len(data) > aliasfile.BytesMax {
		return "", fmt.Errorf("%s is larger than 1 MiB", t.path)
	}
	return string(data), err
}

// verdict asks what a text would do. What is wrong with it is told and ends the command.
func (t *routingTool) verdict(ctx context.Context, text string) (aliashttp.RoutingVerdict, error) {
	if strings.TrimSpace(text) == "" {
		return aliashttp.RoutingVerdict{}, fmt.Errorf("%s is empty. To remove every alias, write aliases: {}", t.path)
	}
	v, err := t.client.check(ctx, text)
	if err != nil || v.Valid {
		return v, err
	}
	for _, p := range v.Problems {
		place := t.path
		if p.Line > 0 {
			place += fmt.Sprintf(":%d:%d", p.Line, p.Column)
		}
		if p.Path != "" {
			place += ": " + p.Path
		}
		fmt.Fprintf(t.err, "%s: %s\n", place, p.Reason)
	}
	return v, &exit{exitError, fmt.Errorf("%s is not valid: %s", t.path, counted(len(v.Problems), "problem"))}
}

func (t *routingTool) check(ctx context.Context) error {
	text, err := t.read()
	if err != nil {
		return err
	}
	v, err := t.verdict(ctx, text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is valid, and would make %s\n", t.path, counted(len(v.Changes), "change"))
	return err
}

func (t *routingTool) diff(ctx context.Context) error {
	text, err := t.read()
	if err != nil {
		return err
	}
	v, err := t.verdict(ctx, text)
	if err != nil {
		return err
	}
	if len(v.Changes) == 0 {
		return nil
	}
	t.show(v)
	if t.effect {
		if err := t.rehearse(ctx, text); err != nil {
			return err
		}
	}
	return &exit{code: exitDiffers}
}

// apply makes the file the organization's, after showing what that changes.
func (t *routingTool) apply(ctx context.Context) error {
	text, err := t.read()
	if err != nil {
		return err
	}
	v, err := t.verdict(ctx, text)
	if err != nil {
		return err
	}
	now, err := t.client.current(ctx)
	if err != nil {
		return err
	}
	if len(v.Changes) == 0 && aliasfile.Unstamped(text) == now.YAML {
		return t.done(text, now.Version, "nothing to change: version %d stands\n")
	}
	match, err := t.match(text, now.Version)
	if err != nil {
		return err
	}
	t.show(v)
	if len(v.Changes) == 0 {
		fmt.Fprintln(t.out, "only the words of the file change, not what it does")
	}
	if err := t.agree(len(v.Changes)); err != nil {
		return err
	}
	made, err := t.client.apply(ctx, text, t.message, match)
	var r *refused
	if errors.As(err, &r) && r.status == http.StatusPreconditionFailed {
		return errors.New("somebody changed the routing file meanwhile. Nothing was applied; run the command again to see what differs")
	}
	if err != nil {
		return err
	}
	return t.done(text, made.Version, "version %d stands\n")
}

// match is the version over which the file may be applied: the one it was made from.
func (t *routingTool) match(text string, now int) (string, error) {
	number, stamped := aliasfile.Stamp(text)
	switch {
	case t.force:
		return "*", nil
	case !stamped && now > 0:
		return "", fmt.Errorf("%s does not say which version it was made from. Start it with the line \"# version: %d\" once you have seen what stands (tollgate pull), or use --force", t.path, now)
	case stamped && number != now:
		return "", fmt.Errorf("%s was made from version %d, and version %d stands: applying it would undo what was changed since. Bring the file up to date (tollgate diff shows what differs), or use --force", t.path, number, now)
	}
	return strconv.Quote(strconv.Itoa(now)), nil
}

// agree asks the person at the terminal.
func (t *routingTool) agree(changes int) error {
	if t.yes {
		return nil
	}
	if !t.asks || t.path == "-" {
		return errors.New("nobody is there to ask: --yes applies the file without asking")
	}
	fmt.Fprintf(t.out, "Apply %s? [y/N] ", counted(changes, "change"))
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return &exit{exitError, errors.New("nothing was applied")}
	}
	return nil
}

// done tells what stands and notes it in a file that says which version it was made from.
func (t *routingTool) done(text string, version int, says string) error {
	if number, stamped := aliasfile.Stamp(text); stamped && number != version && t.path != "-" {
		if err := os.WriteFile(t.path, []byte(aliasfile.Stamped(text, version)), 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(t.out, says, version)
	return err
}

// show prints the changes in words and in lines.
func (t *routingTool) show(v aliashttp.RoutingVerdict) {
	for _, c := range v.Changes {
		subject := c.Alias
		switch {
		case c.Task != "":
			subject = "task " + c.Task
		case subject == "":
			subject = "auto"
		}
		fmt.Fprintf(t.out, "%s %s: %s\n", subject, c.Kind, strings.Join(c.Says, ", "))
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(t.out, "warning: %s: %s\n", w.Path, w.Reason)
	}
	if v.Diff != "" {
		fmt.Fprintln(t.out)
	}
	for line := range strings.Lines(v.Diff) {
		fmt.Fprint(t.out, t.painted(line))
	}
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
