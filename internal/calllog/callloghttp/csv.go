package callloghttp

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/rest"
)

// Calls is a page of calls, also as a table.
type Calls struct {
	Items      []Call `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Of the next, older page; absent on the last page"`
}

// WriteCSV writes the page as a table. Units that no chat has stand at its end, in the pages that have any.
func (c Calls) WriteCSV(w io.Writer) error {
	rare := c.rare()
	head := []string{
		"id", "started_at", "team_id", "team_name", "key_id", "key_name", "environment", "workflow", "end_user", "requested_model", "alias", "provider",
		"model", "stream", "status", "outcome", "error_code",
	}
	for class := range chat.Common {
		head = append(head, class.String())
	}
	head = append(head, "cost_usd", "cost_nano_usd", "price_state", "estimated", "duration_us", "first_byte_us", "overhead_us",
		"endpoint", "provider_cost_nano_usd", "warnings",
		"task", "task_by", "experiment_id", "arm", "arm_served", "batch_id", "prompt_id", "prompt_name", "prompt_version", "prompt_label")
	for _, class := range rare {
		head = append(head, class.String())
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	for i := range c.Items {
		if err := out.Write(c.Items[i].cells(rare)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// rare are the classes beyond those of chat that the page has.
func (c Calls) rare() []chat.Class {
	var seen chat.Units
	for i := range c.Items {
		for class := range chat.Classes {
			seen[class] |= c.Items[i].Units[class.String()]
		}
	}
	return chat.Rare(seen)
}

func (r *Call) cells(rare []chat.Class) []string {
	line := []string{
		r.ID, r.StartedAt.Format(time.RFC3339Nano), r.TeamID, rest.Cell(r.TeamName), r.KeyID, rest.Cell(r.KeyName), rest.Cell(r.Environment), rest.Cell(r.Workflow),
		rest.Cell(r.EndUser), rest.Cell(r.RequestedModel), rest.Cell(r.Alias), rest.Cell(r.Provider), rest.Cell(r.Model), strconv.FormatBool(r.Stream),
		strconv.Itoa(r.Status), r.Outcome, r.ErrorCode,
	}
	for class := range chat.Common {
		line = append(line, strconv.FormatInt(r.Units[class.String()], 10))
	}
	said := ""
	if r.ProviderCost != nil {
		said = *r.ProviderCost
	}
	line = append(line, r.CostUSD, r.CostNanoUSD, r.PriceState, strconv.FormatBool(r.Estimated), strconv.FormatInt(r.DurationMicros, 10),
		strconv.FormatInt(r.FirstByte, 10), strconv.FormatInt(r.Overhead, 10), rest.Cell(r.Endpoint), said, rest.Cell(strings.Join(r.Warnings, "; ")),
		rest.Cell(r.Task), r.TaskBy, rest.Cell(r.ExperimentID), rest.Cell(r.Arm), rest.Cell(r.ArmServed), rest.Cell(r.BatchID),
		rest.Cell(r.PromptID), rest.Cell(r.PromptName), number(r.PromptVersion), rest.Cell(r.PromptLabel))
	for _, class := range rare {
		line = append(line, strconv.FormatInt(r.Units[class.String()], 10))
	}
	return line
}

// number is "" for none: an empty cell is no zero.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
