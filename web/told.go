package web

import (
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/notices"
)

// told is what the organization is told, and by which channels.
func told(d Deps) []page.Route {
	n := notices.Notices{Notices: d.Notices}
	return []page.Route{
		page.GET(notices.Path, tenant.ReadNotices, n.List),
		page.POST(notices.Path+"/read", tenant.WriteNotices, n.MarkRead),
		page.GET(notices.Path+"/inbox", tenant.ReadChannels, n.Inbox),
		page.POST(notices.Path+"/deliveries/:id/resend", tenant.WriteChannels, n.Resend),
		page.POST(notices.Path+"/channels", tenant.WriteChannels, n.Create),
		page.GET(notices.Path+"/channels/new", tenant.WriteChannels, n.NewForm),
		page.GET(notices.Path+"/channels/:id", tenant.WriteChannels, n.EditForm),
		page.POST(notices.Path+"/channels/:id", tenant.WriteChannels, n.Edit),
		page.POST(notices.Path+"/channels/:id/test", tenant.WriteChannels, n.Test),
		page.POST(notices.Path+"/channels/:id/rotate", tenant.WriteChannels, n.Rotate),
		page.POST(notices.Path+"/channels/:id/delete", tenant.WriteChannels, n.Delete),
	}
}
