package gateway

import (
	"encoding/json"
	"net/http"
	"strings"

	"tollgate/internal/route"
)

// The headers that say which calls belong together.
const (
	unitHeader    = "X-Tollgate-Unit"
	sessionHeader = "X-Tollgate-Session"
)

// sessionHeaders name a session or a conversation, the strongest first: ours, those of coding agents, and those of other gateways, in
// net/http's spelling.
var sessionHeaders = [...]string{
	sessionHeader, "X-Claude-Code-Session-Id", "Session_id", "Session-Id", "Conversation_id", "X-Session-Id", "X-Session-Affinity",
	"X-Litellm-Session-Id", "Helicone-Session-Id",
}

// workflowRunTag is the tag whose calls are one run.
const workflowRunTag = "workflow_run"

// unit is what sticks together: the first of an explicit unit, a session, an end user, a run of a workflow, and the call itself.
func (c *Call) unit() route.Unit {
	h := c.req.Header
	if v := first(h, unitHeader); v != "" {
		return route.Unit{Value: v, By: route.UnitHeader}
	}
	if v := c.session(h); v != "" {
		return route.Unit{Value: v, By: route.UnitSession}
	}
	if v := c.Ask.endUser; v != "" {
		return route.Unit{Value: v, By: route.UnitUser}
	}
	if v := c.Ask.tags[workflowRunTag]; v != "" {
		return route.Unit{Value: v, By: route.UnitWorkflowRun}
	}
	return route.Unit{Value: c.Text, By: route.UnitCall}
}

func (c *Call) session(h http.Header) string {
	for _, name := range sessionHeaders {
		if v := first(h, name); v != "" {
			return v
		}
	}
	if v := sessionIn(c.Ask.head.User); v != "" {
		return v
	}
	return clean(c.Ask.head.Session, tagValueMax)
}

// sessionIn is the session in what Claude Code sends as the end user: "user_…_account_…_session_<id>", or an object with session_id.
func sessionIn(user string) string {
	if i := strings.LastIndex(user, "_session_"); i >= 0 && strings.HasPrefix(user, "user_") {
		return clean(user[i+len("_session_"):], tagValueMax)
	}
	if strings.HasPrefix(user, "{") && strings.Contains(user, `"session_id"`) {
		var v struct {
			Session string `json:"session_id"`
		}
		if json.Unmarshal([]byte(user), &v) == nil {
			return clean(v.Session, tagValueMax)
		}
	}
	return ""
}

// first is a header's value, fit for the log. name is in net/http's spelling.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return clean(v[0], tagValueMax)
	}
	return ""
}
