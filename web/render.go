package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gin-gonic/gin"

	"tollgate/internal/account"
	"tollgate/internal/experiment"
	"tollgate/internal/httperr"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/notices"
	"tollgate/web/ui"
)

// send answers with a reply. Whatever is rendered goes to a buffer first: what fails while rendering is still an error page.
func (s *Server) send(c *gin.Context, v *page.Visit, r page.Reply) {
	if r.Before != nil {
		r.Before(c.Writer)
	}
	switch r.Kind {
	case page.Framed:
		f := s.frame(v.Login, r.Frame)
		f.Orgs, f.Counts = s.orgs(c.Request.Context(), v.Login), s.counts(c.Request.Context(), v.Login)
		s.render(c, v.Login, status(r, http.StatusOK), wrap(layout.Page(f), r.Body))
	case page.AtDoor:
		s.render(c, v.Login, status(r, http.StatusOK), wrap(layout.Door(s.assets, r.Title, r.Aside), r.Body))
	case page.Bare:
		s.render(c, v.Login, status(r, http.StatusOK), r.Body)
	case page.Go:
		c.Redirect(status(r, http.StatusSeeOther), r.To)
	case page.Live:
		s.live(c, r)
	}
}

func status(r page.Reply, usual int) int {
	if r.Status != 0 {
		return r.Status
	}
	return usual
}

// wrap puts a page into its frame.
func wrap(frame, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return frame.Render(templ.WithChildren(ctx, body), w)
	})
}

func (s *Server) render(c *gin.Context, login account.Login, code int, body templ.Component) {
	var buf bytes.Buffer
	if err := body.Render(c.Request.Context(), &buf); err != nil {
		s.failFor(c, login, err)
		return
	}
	c.Data(code, "text/html; charset=utf-8", buf.Bytes())
}

// live writes server-sent events. A browser comes back by itself when the stream ends.
func (s *Server) live(c *gin.Context, r page.Reply) {
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.Writer.WriteHeaderNow()
	c.Writer.Flush()
	err := r.Events(c.Request.Context(), func(event, data string) error {
		var b strings.Builder
		b.WriteString("event: " + event + "\n")
		for line := range strings.SplitSeq(data, "\n") {
			b.WriteString("data: " + line + "\n")
		}
		b.WriteString("\n")
		if _, err := c.Writer.WriteString(b.String()); err != nil {
			return err
		}
		c.Writer.Flush()
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) && c.Request.Context().Err() == nil {
		s.log.WarnContext(c.Request.Context(), "live page ended", "request_id", c.GetString(requestIDKey), "error", err)
	}
}

// frame completes a page's frame with what every page shows.
func (s *Server) frame(login account.Login, f layout.Frame) layout.Frame {
	f.Assets = s.assets
	f.Org = login.Organization.Name
	f.Person = layout.Person{Name: login.User.Name, Email: login.User.Email, Role: string(login.Scope.Role()), LogOut: "/logout"}
	return f
}

// orgs are the organizations of the switch. A page is not lost with it: what fails is logged, and the switch left out.
func (s *Server) orgs(ctx context.Context, login account.Login) []layout.Org {
	all, err := s.sessions.Memberships(ctx, login.Scope)
	if err != nil {
		s.log.WarnContext(ctx, "organizations were not listed", "error", err)
		return nil
	}
	var out []layout.Org
	for _, m := range all {
		out = append(out, layout.Org{ID: string(m.Organization.ID), Name: m.Organization.Name, Current: m.Organization.ID == login.Organization.ID})
	}
	return out
}

// countMost bounds what is counted for the nav.
const countMost = 99

// counts are the figures of the nav. A page is not lost with them: what fails is logged, and the figure left out.
func (s *Server) counts(ctx context.Context, login account.Login) map[layout.Nav]string {
	out := map[layout.Nav]string{}
	if login.Scope.Role().Can(tenant.ReadExperiments) {
		out[layout.Experiments] = s.running(ctx, login)
	}
	if login.Scope.Role().Can(tenant.ReadNotices) {
		n, err := s.notices.Unread(ctx, login.Scope)
		if err != nil {
			s.log.WarnContext(ctx, "unread notices were not counted", "error", err)
		}
		out[layout.Alerts] = notices.UnreadText(n)
	}
	return out
}

// running is how many experiments run; "" for none.
func (s *Server) running(ctx context.Context, login account.Login) string {
	found, more, err := s.trials.List(ctx, login.Scope, experiment.Filter{Status: []experiment.Status{experiment.Active}}, "", countMost)
	if err != nil {
		s.log.WarnContext(ctx, "running experiments were not counted", "error", err)
		return ""
	}
	if len(found) == 0 {
		return ""
	}
	text := strconv.Itoa(len(found))
	if more {
		text += "+"
	}
	return text
}

// fail shows an error to whoever is there.
func (s *Server) fail(c *gin.Context, err error) {
	login := account.Login{}
	if value := s.cookies.Value(c.Request); value != "" {
		// Only to draw the frame around the error: when this fails too, the error stands alone.
		if l, sessionErr := s.sessions.Session(c.Request.Context(), value); sessionErr == nil {
			login = l
		}
	}
	s.failFor(c, login, err)
}

func (s *Server) failFor(c *gin.Context, login account.Login, err error) {
	if c.Request.Context().Err() != nil {
		return // the browser has left
	}
	code, f := httperr.Of(err)
	requestID := c.GetString(requestIDKey)
	if code >= http.StatusInternalServerError {
		s.log.ErrorContext(c.Request.Context(), "page failed", "request_id", requestID, "page", c.FullPath(), "error", err)
	}
	what := layout.Failure{
		Status: code, Code: f.Code, Message: f.Message, RequestID: requestID,
		Next:   ui.Link{Text: "Go to the overview", Href: "/overview"},
		Moment: s.now().UTC().Format("2 January 2006, 15:04:05 UTC"),
	}
	body := layout.Error(s.frame(login, layout.Frame{Title: strconv.Itoa(code)}), what)
	if login.Scope.Check() != nil {
		what.Next = ui.Link{Text: "Log in", Href: "/login"}
		body = layout.ErrorDoor(s.assets, what)
	}
	var buf bytes.Buffer
	if renderErr := body.Render(c.Request.Context(), &buf); renderErr != nil {
		s.log.ErrorContext(c.Request.Context(), "error page failed", "request_id", requestID, "error", renderErr)
		c.String(code, "%s (%s, request %s)", f.Message, f.Code, requestID)
		return
	}
	c.Data(code, "text/html; charset=utf-8", buf.Bytes())
}
