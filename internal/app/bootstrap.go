package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// bootstrapped is what bootstrap prints.
type bootstrapped struct {
	OrganizationID  string `json:"organization_id"`
	TeamID          string `json:"team_id"`
	ManagementToken string `json:"management_token"`
	VirtualKey      string `json:"virtual_key"`
}

// first is what bootstrap is asked for.
type first struct{ email, password, organization, team string }

// bootstrapCommand is for automation: it fills an empty installation through the running process, as a person would.
func bootstrapCommand() *cobra.Command {
	var want first
	cmd := withConfig("bootstrap", "Make the first organization of an empty, running installation", func(cmd *cobra.Command, cfg Config, _ *slog.Logger) error {
		got, err := bootstrap(cmd.Context(), cfg.PublicURL, want)
		if err != nil {
			return err
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(got)
	})
	f := cmd.Flags()
	f.StringVar(&want.email, "email", "", "of the first user, who becomes owner")
	f.StringVar(&want.password, "password", "", "8 to 128 characters")
	f.StringVar(&want.organization, "organization", "", "name of the organization")
	f.StringVar(&want.team, "team", "Default", "name of the first team")
	for _, name := range []string{"email", "password", "organization"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			return nil
		}
	}
	return cmd
}

// bootstrap talks to the API at base, so that it can do nothing that a person could not.
func bootstrap(ctx context.Context, base string, want first) (bootstrapped, error) {
	c := apiClient{base: base + "/api/v1", http: &http.Client{Timeout: 30 * time.Second}}
	var welcome struct {
		OrganizationID string `json:"organization_id"`
		TeamID         string `json:"team_id"`
		Token          string `json:"token"`
	}
	err := c.post(ctx, "/organization", map[string]any{
		"email": want.email, "password": want.password, "organization": want.organization, "team": want.team, "only_first": true,
	}, &welcome)
	if err != nil {
		return bootstrapped{}, err
	}
	c.token = welcome.Token
	var token, virtual struct {
		Secret string `json:"secret"`
	}
	if err := c.post(ctx, "/tokens", map[string]any{"name": "bootstrap", "role": "owner"}, &token); err != nil {
		return bootstrapped{}, err
	}
	if err := c.post(ctx, "/keys", map[string]any{"name": "bootstrap", "team_id": welcome.TeamID, "environment": "production"}, &virtual); err != nil {
		return bootstrapped{}, err
	}
	return bootstrapped{welcome.OrganizationID, welcome.TeamID, token.Secret, virtual.Secret}, nil
}

// apiClient is the little of an API client that bootstrap needs.
type apiClient struct {
	base, token string
	http        *http.Client
}

func (c apiClient) post(ctx context.Context, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("no running Tollgate at %s: %w", c.base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var problem struct{ Code, Detail, Field string }
		_ = json.Unmarshal(answer, &problem)
		return errors.New("POST " + path + ": " + res.Status + " " + problem.Code + " " + problem.Field + " " + problem.Detail)
	}
	return json.Unmarshal(answer, into)
}
