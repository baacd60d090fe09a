package settings

import (
	"strings"

	"tollgate/internal/tenant"
	"tollgate/web/ui"
)

// creating reports whether the form that is wrong is the one of a new team, not the name of one there is.
func (v view) creating() bool {
	_, ok := v.Typed["new"]
	return v.Wrong == teams && ok
}

// newTeamError is what is wrong with the name of a new team.
func (v view) newTeamError() string {
	if v.creating() {
		return v.Trouble.Message
	}
	return ""
}

// teamsError is what is wrong with another name of a team.
func (v view) teamsError() string {
	if v.creating() {
		return ""
	}
	return v.above(teams)
}

// tokenRoles are the roles that the reader may give to a token: none above their own.
func (v view) tokenRoles() []ui.Option {
	var out []ui.Option
	own := false
	for _, r := range tenant.Roles { // from most to least powerful
		own = own || r == v.Role
		if own {
			out = append(out, ui.Option{Value: string(r), Text: string(r)})
		}
	}
	return out
}

// agent names a browser and its system by its user agent; what is not known is shown as it is.
func agent(text string) string {
	if text == "" {
		return "Unknown client"
	}
	browser := ""
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}} {
		if strings.Contains(text, b[0]) {
			browser = b[1]
			break
		}
	}
	system := ""
	for _, s := range [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"}, {"Windows", "Windows"}, {"Linux", "Linux"}} {
		if strings.Contains(text, s[0]) {
			system = s[1]
			break
		}
	}
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	default:
		return text
	}
}
