package noticehttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/egress"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Channel is where notices go.
type Channel struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Medium    string     `json:"medium" enum:"email,webhook,slack"`
	Target    string     `json:"target" doc:"As it may be shown: of a URL the host"`
	Kinds     []string   `json:"kinds" doc:"Kinds of notices that go there; empty: all"`
	Off       bool       `json:"off"`
	OffReason string     `json:"off_reason,omitempty" doc:"Why it was turned off by itself"`
	Failures  int        `json:"failures" doc:"Deliveries in a row that failed for good"`
	SentAt    *time.Time `json:"sent_at,omitempty" doc:"The last that arrived"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`

	revision int
}

// Tag implements rest.Tagged.
func (c Channel) Tag() string { return strconv.Itoa(c.revision) }

// Signed is a channel with the secret that its webhooks are signed with, which is shown this once.
type Signed struct {
	Channel
	Secret string `json:"secret,omitempty" doc:"Of a webhook; shown once. Verify with any library for Standard Webhooks"`
}

func toChannel(c notice.Channel) Channel {
	kinds := make([]string, len(c.Kinds))
	for i, k := range c.Kinds {
		kinds[i] = string(k)
	}
	return Channel{
		ID: string(c.ID), Name: c.Name, Medium: string(c.Medium), Target: c.Hint, Kinds: kinds, Off: c.Off, OffReason: c.OffReason, Failures: c.Failures,
		SentAt: moment(c.SentAt), CreatedAt: c.CreatedAt, CreatedBy: c.CreatedBy, revision: c.Revision,
	}
}

func fromKinds(list []string) []notice.Kind {
	out := make([]notice.Kind, len(list))
	for i, k := range list {
		out[i] = notice.Kind(k)
	}
	return out
}

type oneRequest struct {
	ID string `path:"id"`
}

type createRequest struct {
	Body struct {
		Name   string   `json:"name" maxLength:"400"`
		Medium string   `json:"medium" enum:"email,webhook,slack" doc:"webhook: signed JSON by the Standard Webhooks specification; slack: an incoming webhook"`
		Target string   `json:"target" maxLength:"2048" doc:"An e-mail address, or an https URL"`
		Kinds  []string `json:"kinds,omitempty" maxItems:"50" doc:"Left out: all"`
	}
}

// CreateChannel makes a channel.
func CreateChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Create a channel", Status: http.StatusCreated, Secret: true,
		Errors: []*fault.Error{notice.ErrInvalid, egress.ErrURL, notice.ErrTaken, notice.ErrTooMany},
	},
		func(ctx context.Context, in tenant.Scope, req createRequest) (Signed, error) {
			b := req.Body
			c, secret, err := s.Create(ctx, in, notice.NewChannel{Name: b.Name, Medium: notice.Medium(b.Medium), Target: b.Target, Kinds: fromKinds(b.Kinds)})
			return Signed{toChannel(c), secret}, err
		})
}

// ListChannels lists channels by name.
func ListChannels(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List channels", Description: "By name; there are 50 at most."},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (rest.Page[Channel], error) {
			found, err := s.Channels(ctx, in)
			return rest.PageFrom(found, false, toChannel, func(c notice.Channel) any { return c.ID }), err
		})
}

// ReadChannel is one channel.
func ReadChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a channel", Errors: []*fault.Error{notice.ErrNoChannel}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Channel, error) {
			c, err := s.Channel(ctx, in, id.Channel(req.ID))
			return toChannel(c), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Name   *string   `json:"name,omitempty" maxLength:"400"`
		Target *string   `json:"target,omitempty" maxLength:"2048"`
		Kinds  *[]string `json:"kinds,omitempty" maxItems:"50"`
		Off    *bool     `json:"off,omitempty" doc:"false turns a channel on again that was turned off by itself"`
	}
}

// UpdateChannel changes a channel.
func UpdateChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a channel", Description: "What is left out stays; the medium stays.",
		Errors: []*fault.Error{notice.ErrInvalid, egress.ErrURL, notice.ErrNoChannel, notice.ErrTaken},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Channel, error) {
			b := req.Body
			change := notice.ChannelChange{Name: b.Name, Target: b.Target, Off: b.Off}
			if b.Kinds != nil {
				list := fromKinds(*b.Kinds)
				change.Kinds = &list
			}
			c, err := s.Update(ctx, in, id.Channel(req.ID), change, func(now notice.Channel) error { return req.Check(toChannel(now).Tag()) })
			return toChannel(c), err
		})
}

// DeleteChannel removes a channel.
func DeleteChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Delete a channel", Description: "And what is known of its deliveries. Notices stay.", Errors: []*fault.Error{notice.ErrNoChannel}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Delete(ctx, in, id.Channel(req.ID))
		})
}

// TestChannel sends a test.
func TestChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Send a test through a channel", Description: "What became of it is among the channel's deliveries.",
		Errors: []*fault.Error{notice.ErrNoChannel, notice.ErrTooSoon},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Delivery, error) {
			d, err := s.Try(ctx, in, id.Channel(req.ID))
			return toDelivery(d), err
		})
}

// RotateChannel gives a webhook a new secret.
func RotateChannel(s *notice.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Give a webhook a new secret", Secret: true,
		Description: "Until the next rotation what is sent is signed with the one before as well.",
		Errors:      []*fault.Error{notice.ErrNoChannel, notice.ErrNoSecret},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Signed, error) {
			c, secret, err := s.Rotate(ctx, in, id.Channel(req.ID))
			return Signed{toChannel(c), secret}, err
		})
}
