package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// vendorsCommand lists the providers that this program can talk to. It needs no installation.
func vendorsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "vendors [SEARCH…]", Short: "List the providers that can be connected",
		Long: "List the providers that can be connected: all, or those whose name, id, dialects or key variables have every word of the search.",
		RunE: func(cmd *cobra.Command, words []string) error {
			if err := catalog.Check(); err != nil {
				return err
			}
			found := catalog.Find(catalog.Vendors(), catalog.Filter{Text: strings.Join(words, " ")})
			if asJSON {
				return vendorsJSON(cmd.OutOrStdout(), found)
			}
			return vendorsTable(cmd.OutOrStdout(), found)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document, for programs")
	return cmd
}

// vendorLine is a vendor as the command shows it.
type vendorLine struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Of         string   `json:"of,omitempty"`
	Operations []string `json:"operations"`
	Dialects   []string `json:"dialects"`
	BaseURL    string   `json:"base_url"`
	Auth       string   `json:"auth"`
	Env        []string `json:"env"`
	Sources    []string `json:"sources"`
	Docs       string   `json:"docs,omitempty"`
	Notes      string   `json:"notes,omitempty"`
}

func lineOf(v provider.Vendor) vendorLine {
	line := vendorLine{
		ID: v.ID, Name: v.Name, Of: v.Of, Operations: []string{}, Dialects: []string{}, BaseURL: v.BaseURL, Auth: v.Auth,
		Env: append([]string{}, v.Env...), Sources: append([]string{}, v.Sources...), Docs: v.Docs, Notes: v.Notes,
	}
	for _, o := range catalog.Operations(&v) {
		line.Operations = append(line.Operations, o.String())
	}
	for _, name := range catalog.Spoken(&v) {
		line.Dialects = append(line.Dialects, string(name))
	}
	return line
}

func vendorsJSON(w io.Writer, found []provider.Vendor) error {
	list := make([]vendorLine, 0, len(found))
	for _, v := range found {
		list = append(list, lineOf(v))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

func vendorsTable(w io.Writer, found []provider.Vendor) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tOPERATIONS\tAUTH\tKEY VARIABLE\tSOURCES")
	for _, v := range found {
		line := lineOf(v)
		variable := "-"
		if len(line.Env) > 0 {
			variable = line.Env[0]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", line.ID, line.Name, strings.Join(line.Operations, ", "), line.Auth, variable, strings.Join(line.Sources, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d in the list; %d providers in all, without regions, plans and second APIs.\n", len(found), catalog.Count(catalog.Vendors()))
	return err
}
