package callloghttp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Queries is what the endpoints need; *calllog.Queries is it.
type Queries interface {
	List(ctx context.Context, in tenant.Scope, f calllog.Filter, t calllog.Turn) (calllog.Page, error)
	Call(ctx context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error)
	Follow(ctx context.Context, in tenant.Scope, f calllog.Filter, after calllog.Tail) iter.Seq2[calllog.Tailed, error]
}

// FilterQuery chooses calls. A parameter may be repeated: its values are alternatives; different parameters must all match.
type FilterQuery struct {
	From          time.Time `query:"from" doc:"Started at or after (RFC 3339)"`
	To            time.Time `query:"to" doc:"Started before (RFC 3339)"`
	Team          []string  `query:"team,explode" maxItems:"100" doc:"Team id. In every filter (none) stands for the empty value"`
	Key           []string  `query:"key,explode" maxItems:"100" doc:"Key id"`
	Alias         []string  `query:"alias,explode" maxItems:"100"`
	Model         []string  `query:"model,explode" maxItems:"100" doc:"As the provider names it"`
	Provider      []string  `query:"provider,explode" maxItems:"100" doc:"Of the answer, or of an attempt that cost something"`
	Workflow      []string  `query:"workflow,explode" maxItems:"100"`
	Environment   []string  `query:"environment,explode" maxItems:"100"`
	Endpoint      []string  `query:"endpoint,explode" maxItems:"20" doc:"chat, embeddings, images, …"`
	Task          []string  `query:"task,explode" maxItems:"100"`
	Experiment    []string  `query:"experiment,explode" maxItems:"100" doc:"Experiment id"`
	Arm           []string  `query:"arm,explode" maxItems:"100" doc:"Of an experiment, as assigned"`
	Batch         []string  `query:"batch,explode" maxItems:"100" doc:"Batch id"`
	Prompt        []string  `query:"prompt,explode" maxItems:"100" doc:"Prompt id"`
	PromptVersion []string  `query:"prompt_version,explode" maxItems:"100" doc:"A version of a prompt, like prompt_…@7"`
	CheckedBy     []string  `query:"checked_by,explode" maxItems:"100" doc:"Id of a budget or a limit that refused the call, would have, or did something else to it"`
	Outcome       []string  `query:"outcome,explode" maxItems:"10" doc:"ok, refused, failed, broken, client_gone or interrupted"`
	Status        []string  `query:"status,explode" maxItems:"50" doc:"An HTTP status, or 2xx, 4xx, 5xx"`
	EndUser       string    `query:"end_user" maxLength:"256"`
	ErrorCode     string    `query:"error_code" maxLength:"128"`
	Tag           []string  `query:"tag,explode" maxItems:"32" doc:"name=value; all must match"`
	ID            string    `query:"id" maxLength:"64" doc:"One call by its id"`
}

// filter reads the query.
func (q *FilterQuery) filter() (calllog.Filter, error) {
	f := calllog.Filter{
		From: q.From, To: q.To, Teams: ids[id.Team](q.Team), Keys: ids[id.Key](q.Key), Aliases: ids[string](q.Alias), Models: ids[string](q.Model), Providers: ids[string](q.Provider),
		Workflows: ids[string](q.Workflow), Environments: ids[string](q.Environment), Endpoints: ids[string](q.Endpoint), Outcomes: ids[calllog.Outcome](q.Outcome), EndUser: q.EndUser, ErrorCode: q.ErrorCode,
		Tasks: ids[string](q.Task), Experiments: ids[id.Experiment](q.Experiment), Arms: ids[string](q.Arm), Batches: ids[id.Batch](q.Batch), Prompts: ids[id.Prompt](q.Prompt), CheckedBy: ids[string](q.CheckedBy),
	}
	known := []calllog.Outcome{calllog.OK, calllog.Refused, calllog.Failed, calllog.Broken, calllog.ClientGone, calllog.Interrupted}
	for _, o := range f.Outcomes {
		if !slices.Contains(known, o) {
			return f, calllog.ErrFilter.Say("An outcome is ok, refused, failed, broken, client_gone or interrupted.").At("outcome")
		}
	}
	for _, s := range ids[string](q.PromptVersion) {
		v, ok := calllog.ParsePromptVersion(s)
		if !ok {
			return f, calllog.ErrFilter.Say("A version of a prompt looks like prompt_…@7.").At("prompt_version")
		}
		f.PromptVersions = append(f.PromptVersions, v)
	}
	for _, s := range q.Status {
		n, err := parseStatus(s)
		if err != nil {
			return f, err
		}
		f.Statuses = append(f.Statuses, n)
	}
	for _, tag := range q.Tag {
		name, value, ok := strings.Cut(tag, "=")
		if !ok || name == "" {
			return f, calllog.ErrFilter.Say("A tag filter looks like name=value.").At("tag")
		}
		if f.Tags == nil {
			f.Tags = make(map[string]string)
		}
		if have, twice := f.Tags[name]; twice && have != value {
			return f, calllog.ErrFilter.Say("A tag has one value: two values of one tag match no call.").At("tag")
		}
		f.Tags[name] = value
	}
	if q.ID != "" {
		call, err := id.ParseCall(q.ID)
		if err != nil {
			return f, calllog.ErrFilter.Say("A call id looks like call_ and 26 characters.").At("id")
		}
		f.ID = call
	}
	return f, nil
}

// parseStatus reads 404 as itself and 4xx as 4.
func parseStatus(s string) (int, error) {
	if class, ok := strings.CutSuffix(strings.ToLower(s), "xx"); ok && len(class) == 1 && class >= "1" && class <= "5" {
		return int(class[0] - '0'), nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 599 {
		return 0, calllog.ErrFilter.Say("A status is a number from 100 to 599, or 2xx, 4xx, 5xx.").At("status")
	}
	return n, nil
}

// none stands for the empty value in a filter: an empty parameter counts as left out.
const none = "(none)"

func ids[T ~string](values []string) []T {
	out := make([]T, len(values))
	for i, v := range values {
		if v != none {
			out[i] = T(v)
		}
	}
	return out
}

type listRequest struct {
	rest.PageQuery
	rest.FormatQuery
	FilterQuery
}

// List pages through calls, newest first.
func List(q Queries) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "List calls",
		Description: "Newest first. Every filter may be repeated; its values are alternatives.",
		Errors:      []*fault.Error{calllog.ErrFilter},
	}, func(ctx context.Context, in tenant.Scope, req listRequest) (Calls, error) {
		f, err := req.filter()
		if err != nil {
			return Calls{}, err
		}
		turn := calllog.Turn{Limit: req.Limit}
		if req.Cursor != "" {
			turn.Before = new(calllog.Cursor)
			if err := rest.DecodeCursor(req.Cursor, turn.Before); err != nil {
				return Calls{}, err
			}
		}
		page, err := q.List(ctx, in, f, turn)
		if err != nil {
			return Calls{}, err
		}
		out := Calls{Items: make([]Call, 0, len(page.Calls))}
		for i := range page.Calls {
			out.Items = append(out.Items, toCall(&page.Calls[i]))
		}
		if page.Older != nil {
			out.NextCursor = rest.EncodeCursor(page.Older)
		}
		return out, nil
	})
}

type readRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// Read gives one call.
func Read(q Queries) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Read a call", Description: "With its timeline, its attempts and, where its key keeps them, the bodies.", Errors: []*fault.Error{calllog.ErrNotFound},
	}, func(ctx context.Context, in tenant.Scope, req readRequest) (CallDetail, error) {
		call, err := id.ParseCall(req.ID)
		if err != nil {
			return CallDetail{}, calllog.ErrNotFound.Because(err)
		}
		e, err := q.Call(ctx, in, call)
		if err != nil {
			return CallDetail{}, err
		}
		return toDetail(&e), nil
	})
}

type tailRequest struct {
	FilterQuery
	After string `query:"after" maxLength:"64" doc:"Where to go on: the id of the last event that was read"`
	Last  string `header:"Last-Event-ID" maxLength:"64" doc:"The same, as browsers send it"`
}

// Tail streams calls as they are stored.
func Tail(q Queries) rest.Endpoint {
	return rest.HandleStream(rest.About{
		Summary: "Follow calls",
		Description: "Server-sent events: one event named call for each call as it is stored, with the call as data. The id of an event is where to go on after a reconnect. " +
			"At most 200 calls come every half second; of a larger burst the newest.",
		Errors: []*fault.Error{calllog.ErrFilter, calllog.ErrCursor},
	}, "text/event-stream", func(ctx context.Context, in tenant.Scope, req tailRequest) (rest.Stream, error) {
		f, err := req.filter()
		if err != nil {
			return rest.Stream{}, err
		}
		from := req.After
		if req.Last != "" { // a reconnect knows better than the address it began with
			from = req.Last
		}
		after, err := calllog.ParseTail(from)
		if err != nil {
			return rest.Stream{}, err
		}
		return rest.Stream{ContentType: "text/event-stream", Write: func(ctx context.Context, w io.Writer, flush func()) error {
			// Commit the answer before the first calls: a proxy in between shows that the stream is up.
			for step, err := range q.Follow(ctx, in, f, after) {
				if err := writeStep(w, step, err); err != nil {
					return err
				}
				flush()
			}
			return nil
		}}, nil
	})
}

// writeStep writes a step's calls. The id of all but the last is that of the step before: after a cut in the middle they come again.
func writeStep(w io.Writer, step calllog.Tailed, failed error) error {
	if failed != nil {
		_, err := io.WriteString(w, ": the call log does not answer\n\n")
		return err
	}
	if len(step.Calls) == 0 {
		_, err := fmt.Fprintf(w, ": nothing new\nid: %s\n\n", step.Next)
		return err
	}
	for i := range step.Calls {
		data, err := json.Marshal(toCall(&step.Calls[i]))
		if err != nil {
			return err
		}
		id := ""
		if i == len(step.Calls)-1 {
			id = "id: " + step.Next.String() + "\n"
		}
		if _, err := fmt.Fprintf(w, "%sevent: call\ndata: %s\n\n", id, data); err != nil {
			return err
		}
	}
	return nil
}
