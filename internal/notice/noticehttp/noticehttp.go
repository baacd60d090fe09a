// Package noticehttp is the JSON face of notices.
package noticehttp

import (
	"context"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Notice is what the organization was told.
type Notice struct {
	ID     string         `json:"id"`
	Kind   string         `json:"kind" doc:"What happened: budget.mark, key.leaked and so on; also the type of a webhook's event"`
	About  string         `json:"about" doc:"Id of the thing"`
	Title  string         `json:"title"`
	Text   string         `json:"text"`
	Path   string         `json:"path" doc:"On the dashboard"`
	Data   map[string]any `json:"data"`
	At     time.Time      `json:"at"`
	ReadAt *time.Time     `json:"read_at,omitempty" doc:"Absent: nobody has read it"`
	ReadBy string         `json:"read_by,omitempty"`
}

func toNotice(n notice.Notice) Notice {
	out := Notice{
		ID: string(n.ID), Kind: string(n.Kind), About: n.About, Title: n.Title, Text: n.Text, Path: n.Path, Data: n.Data, At: n.At, ReadAt: moment(n.ReadAt),
		ReadBy: n.ReadBy,
	}
	if out.Data == nil {
		out.Data = map[string]any{}
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type listRequest struct {
	rest.PageQuery
	Unread bool   `query:"unread" doc:"Only those that nobody has read"`
	Kind   string `query:"kind" maxLength:"64"`
}

// List lists notices, newest first.
func List(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List notices", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Notice], error) {
			var after id.Notice
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Notice]{}, err
			}
			found, more, err := s.List(ctx, in, notice.Filter{Unread: req.Unread, Kind: notice.Kind(req.Kind)}, after, req.Limit)
			return rest.PageFrom(found, more, toNotice, func(n notice.Notice) any { return n.ID }), err
		})
}

type readRequest struct {
	Body struct {
		IDs []string `json:"ids,omitempty" maxItems:"1000" doc:"Left out: all"`
	}
}

// Marked is how many notices were unread.
type Marked struct {
	Marked int `json:"marked"`
}

// MarkRead marks notices as read.
func MarkRead(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Mark notices as read", Description: "For the whole organization. Ids that are none of its own mark nothing."},
		func(ctx context.Context, in tenant.Scope, req readRequest) (Marked, error) {
			ids := make([]id.Notice, len(req.Body.IDs))
			for i, v := range req.Body.IDs {
				ids[i] = id.Notice(v)
			}
			n, err := s.MarkRead(ctx, in, ids)
			return Marked{n}, err
		})
}

// Delivery is a notice on its way through a channel.
type Delivery struct {
	ID        string     `json:"id"`
	ChannelID string     `json:"channel_id"`
	NoticeID  string     `json:"notice_id"`
	Kind      string     `json:"kind" doc:"Of the notice"`
	Title     string     `json:"title"`
	State     string     `json:"state" enum:"pending,sent,kept,failed" doc:"kept: there is no mail server, and it can be read on the dashboard"`
	Attempts  int        `json:"attempts"`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"Of the next attempt, while pending"`
	Status    int        `json:"status,omitempty" doc:"Of the last answer; absent: there was none"`
	Error     string     `json:"error,omitempty"`
	At        time.Time  `json:"at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

func toDelivery(d notice.Delivery) Delivery {
	out := Delivery{
		ID: string(d.ID), ChannelID: string(d.Channel), NoticeID: string(d.Notice.ID), Kind: string(d.Notice.Kind), Title: d.Notice.Title, State: string(d.State),
		Attempts: d.Attempts, Status: d.Status, Error: d.Error, At: d.At, EndedAt: moment(d.EndedAt),
	}
	if d.State == notice.Pending {
		out.NextAt = &d.NextAt
	}
	return out
}

type deliveriesRequest struct {
	rest.PageQuery
	ID    string `path:"id"`
	State string `query:"state" enum:"pending,sent,kept,failed"`
}

// Deliveries lists what went through a channel, newest first.
func Deliveries(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List a channel's deliveries", Description: "Newest first.", Errors: []*fault.Error{notice.ErrNoChannel}},
		func(ctx context.Context, in tenant.Scope, req deliveriesRequest) (rest.Page[Delivery], error) {
			var after id.Delivery
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Delivery]{}, err
			}
			found, more, err := s.Deliveries(ctx, in, id.Channel(req.ID), notice.State(req.State), after, req.Limit)
			return rest.PageFrom(found, more, toDelivery, func(d notice.Delivery) any { return d.ID }), err
		})
}

// Resend sends a delivery again.
func Resend(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Send a delivery again", Errors: []*fault.Error{notice.ErrNoDelivery}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Delivery, error) {
			d, err := s.Resend(ctx, in, id.Delivery(req.ID))
			return toDelivery(d), err
		})
}
