package providers

import (
	"strings"

	"tollgate/internal/provider"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// settingName is what a field of a vendor is called in forms and in faults.
func settingName(f provider.Field) string { return "settings." + f.Name }

// settingsTyped reads the fields of a vendor from a form; what was left empty is absent.
func settingsTyped(v *page.Visit, fields []provider.Field) map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		if text := strings.TrimSpace(v.Form(settingName(f))); text != "" {
			out[f.Name] = text
		}
	}
	return out
}

// settingsShown are the settings for which a vendor has fields; a release may drop one.
func settingsShown(have map[string]string, fields []provider.Field) map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		if text := have[f.Name]; text != "" {
			out[f.Name] = text
		}
	}
	return out
}

// settingInputs are a vendor's fields with their values. With a base URL of one's own what is required is the service's word.
func settingInputs(fields []provider.Field, values map[string]string, baseURL string, trouble page.Trouble) []ui.InputView {
	var out []ui.InputView
	for _, f := range fields {
		in := ui.InputView{
			FieldView: ui.FieldView{Name: settingName(f), Label: f.Label, Error: trouble.At(settingName(f))},
			Value:     values[f.Name], Placeholder: f.Hint, Autocomplete: "off", Mono: true, MaxLength: 128,
		}
		switch {
		case f.Default != "":
			in.Optional, in.Help = true, "Empty: "+f.Default
		case f.Required:
			in.Required = baseURL == ""
		default:
			in.Optional = true
		}
		out = append(out, in)
	}
	return out
}

// mendable are the names of the fields beside which a form shows a fault; one of another field stands above.
func mendable(fields []provider.Field) []string {
	out := []string{"name", "base_url", "secret", "weight"}
	for _, f := range fields {
		out = append(out, settingName(f))
	}
	return out
}

// secretForms says what a vendor takes as a secret where that is more than one key.
func secretForms(v provider.Vendor) string {
	for kind := range strings.SplitSeq(v.Auth, "|") {
		switch kind {
		case "aws":
			return "An API key, or a JSON document with access_key_id and secret_access_key, and if needed session_token, role_arn and external_id. "
		case "google":
			return "An API key, or the JSON key file of a service account, whole. "
		case "azure":
			return "An API key, or a JSON document with tenant_id, client_id and client_secret of an application. "
		}
	}
	return ""
}

// setting is one setting as facts show it.
type setting struct{ Label, Value string }

func (d detailView) settings() []setting {
	var out []setting
	for _, f := range d.Vendor.Fields {
		if value, ok := d.Credential.Settings[f.Name]; ok {
			out = append(out, setting{f.Label, value})
		}
	}
	return out
}
