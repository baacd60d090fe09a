package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tollgate/internal/key/keyhttp"
)

// keysTool is one run of a command on keys.
type keysTool struct {
	api, token, team string
	teams            []string // theirs=ours
	dryRun           bool
	out              io.Writer
}

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Virtual keys"}
	t := &keysTool{}
	take := &cobra.Command{
		Use: "import FILE", Args: cobra.ExactArgs(1), SilenceUsage: true,
		Short: "Take keys of LiteLLM over by the hashes of their secrets, which go on working",
		Long: "FILE holds rows of LiteLLM_VerificationToken as JSON (an array, one object a line, or what /key/list answers with return_full_object=true), " +
			"\"-\" reads standard input. Rows of LiteLLM_DeprecatedVerificationToken beside them keep their grace period.",
		RunE: func(cmd *cobra.Command, args []string) error {
			t.out = cmd.OutOrStdout()
			data, err := readAll(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return t.take(cmd.Context(), data)
		},
	}
	take.Flags().StringVar(&t.api, "api", os.Getenv("TOLLGATE_API"), "address of the dashboard (TOLLGATE_API)")
	take.Flags().StringVar(&t.token, "token", "", "management token of an owner or admin; better in TOLLGATE_TOKEN, where no process list shows it")
	take.Flags().StringVar(&t.team, "team", "", "id of the team of keys whose own team is not mapped")
	take.Flags().StringArrayVar(&t.teams, "map-team", nil, "THEIRS=OURS: where keys of a LiteLLM team go; may be repeated")
	take.Flags().BoolVar(&t.dryRun, "dry-run", false, "report, change nothing")
	cmd.AddCommand(take)
	return cmd
}

func readAll(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}

// importRequest is the body of POST /keys/import.
type importRequest struct {
	Team   string            `json:"team_id"`
	Teams  map[string]string `json:"teams,omitempty"`
	DryRun bool              `json:"dry_run,omitempty"`
	Keys   json.RawMessage   `json:"keys"`
}

// take sends the rows and tells what became of each that did not simply pass.
func (t *keysTool) take(ctx context.Context, data []byte) error {
	if t.token == "" {
		t.token = os.Getenv("TOLLGATE_TOKEN")
	}
	client, err := newRoutingClient(t.api, t.token)
	if err != nil {
		return err
	}
	if t.team == "" {
		return errors.New("--team is the id of a team of yours: keys belong to one")
	}
	req := importRequest{Team: t.team, Teams: map[string]string{}, DryRun: t.dryRun}
	for _, pair := range t.teams {
		theirs, ours, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("--map-team %s: write THEIRS=OURS", pair)
		}
		req.Teams[theirs] = ours
	}
	if req.Keys, err = oneValue(data); err != nil {
		return err
	}
	var got keyhttp.ImportedKeys
	if err := client.do(ctx, http.MethodPost, "/keys/import", "", req, &got); err != nil {
		return err
	}
	for _, r := range got.Rows {
		if r.Code != "" {
			_, _ = fmt.Fprintf(t.out, "row %d: not taken: %s\n", r.Row, r.Detail)
		}
		for _, note := range r.Notes {
			_, _ = fmt.Fprintf(t.out, "row %d, %s: %s\n", r.Row, r.Name, note)
		}
	}
	verb := "taken over"
	if got.DryRun {
		verb = "would be taken over"
	}
	_, _ = fmt.Fprintf(t.out, "%d keys %s, %d not\n", got.Taken, verb, got.Failed)
	if got.Failed > 0 {
		return &exit{code: 1}
	}
	return nil
}

// oneValue makes one JSON value of a file: lines of objects become an array.
func oneValue(data []byte) (json.RawMessage, error) {
	if json.Valid(data) {
		return data, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var list []json.RawMessage
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return json.Marshal(list)
		} else if err != nil {
			return nil, fmt.Errorf("the file is no JSON: %w", err)
		}
		list = append(list, raw)
	}
}
