package providers

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// errVendor is for a provider that the catalogue does not have.
var errVendor = fault.New(fault.NotFound, "provider.not_found", "There is no such provider.")

// form is a credential as it is typed. The secret is not sent back.
type form struct {
	Vendor   provider.Vendor
	Name     string
	BaseURL  string
	Settings map[string]string
	Default  bool
	Weight   string
	Others   int // how many the organization has of this vendor

	Trouble page.Trouble
	Result  *result
}

func (f form) above() string { return f.Trouble.Above(mendable(f.Vendor.Fields)...) }

func (f form) settings() []ui.InputView {
	return settingInputs(f.Vendor.Fields, f.Settings, f.BaseURL, f.Trouble)
}

func (f form) name() ui.InputView {
	in := ui.InputView{FieldView: ui.FieldView{Name: "name", Label: "Name", Help: "To tell several apart.", Error: f.Trouble.At("name")}, Value: f.Name, Placeholder: f.Vendor.ID, MaxLength: 200}
	in.Optional = true
	return in
}

func (f form) weight() ui.InputView { return weightInput(f.Weight, f.Trouble.At("weight")) }

// weightInput asks for the credential's share among those of its provider.
func weightInput(value, message string) ui.InputView {
	in := ui.InputView{
		FieldView: ui.FieldView{
			Name: "weight", Label: "Share of calls", Error: message,
			Help: "A weight from 0 to 1000 among the credentials of this provider. 0: only where an alias names it, or where it is the default and none has a weight.",
		},
		Value: value, Placeholder: "0", Type: "number",
	}
	in.Optional = true
	return in
}

// weightTyped reads a weight; what is no number is refused by the service as one out of its bounds.
func weightTyped(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

func (f form) secret() ui.InputView {
	return secretInput(f.Vendor, "API key", f.Trouble.At("secret"))
}

func secretInput(v provider.Vendor, label, message string) ui.InputView {
	in := ui.InputView{
		FieldView:   ui.FieldView{Name: "secret", Label: label, Help: "Encrypted on arrival. Nobody can read it again.", Error: message},
		Placeholder: v.KeyHint, Autocomplete: "off", Mono: true,
	}
	in.Help = secretForms(v) + in.Help
	if v.Auth == "none" {
		in.Optional, in.Help = true, "Only if your server asks for one."
	}
	return in
}

func (f form) baseURL() ui.InputView {
	return baseURLInput(f.Vendor, f.BaseURL, f.Trouble.At("base_url"))
}

func baseURLInput(v provider.Vendor, value, message string) ui.InputView {
	in := ui.InputView{FieldView: ui.FieldView{Name: "base_url", Label: "Base URL", Error: message}, Value: value, Placeholder: v.BaseURL, Mono: true, Type: "url"}
	if v.BaseURL == "" {
		in.Help, in.Required, in.Placeholder = "Of your server, with its version: /v1 in most cases.", true, "https://models.example.com/v1"
		return in
	}
	in.Optional, in.Help = true, "Empty: "+v.BaseURL
	return in
}

func (p Providers) start(ctx context.Context, v *page.Visit, which string) (form, error) {
	vendor, ok := p.vendor(which)
	if !ok || vendor.BaseURL == sandbox {
		return form{}, errVendor
	}
	have, err := p.Credentials.List(ctx, v.Scope())
	if err != nil {
		return form{}, err
	}
	f := form{Vendor: vendor}
	for _, c := range have {
		if c.Provider == which {
			f.Others++
		}
	}
	return f, nil
}

// ConnectForm asks for a credential of ?provider=.
func (p Providers) ConnectForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := p.start(ctx, v, v.Query("provider"))
	if err != nil {
		return page.Reply{}, err
	}
	return f.show(http.StatusOK), nil
}

func (f form) show(status int) page.Reply {
	return page.Show(layout.Frame{Title: "Connect " + f.Vendor.Name, Active: layout.Providers}, connect(f)).As(status)
}

// Connect tests what is in the form, or stores it.
func (p Providers) Connect(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := p.start(ctx, v, v.Form("provider"))
	if err != nil {
		return page.Reply{}, err
	}
	f.Name, f.BaseURL, f.Default = strings.TrimSpace(v.Form("name")), strings.TrimSpace(v.Form("base_url")), v.Form("default") != ""
	f.Weight = strings.TrimSpace(v.Form("weight"))
	f.Settings = settingsTyped(v, f.Vendor.Fields)
	n := credential.New{Provider: f.Vendor.ID, Name: f.Name, BaseURL: f.BaseURL, Settings: f.Settings, Secret: secret.NewText(strings.TrimSpace(v.Form("secret"))), Default: f.Default, Weight: weightTyped(f.Weight)}
	if v.Form("do") == "test" {
		return p.try(ctx, v, f, n)
	}
	c, err := p.Credentials.Connect(ctx, v.Scope(), n)
	if err != nil {
		return f.again(err)
	}
	if v.Form("tested") != "" {
		// What was tested may have been typed anew since, so the verdict that is kept is of what is stored. Connected it is whatever
		// comes of this: the list then says what is known.
		_, _ = p.Credentials.TestStored(ctx, v.Scope(), c.ID)
	}
	return page.See("/providers?done=connected"), nil
}

// try tests a secret that is not stored. With scripts only the result comes back, so that what was typed stays; else the whole form,
// without the secret.
func (p Providers) try(ctx context.Context, v *page.Visit, f form, n credential.New) (page.Reply, error) {
	found, err := p.Credentials.Test(ctx, v.Scope(), n)
	if !v.Partial() {
		if err != nil {
			return f.again(err)
		}
		r := resultOf(found)
		f.Result = &r
		return f.show(http.StatusOK), nil
	}
	r := resultOf(found)
	if err != nil {
		trouble, _, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		r = result{ui.Bad, trouble.Message}
	}
	return page.Part(justTested(r)), nil
}

func (f form) again(err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, credential.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = trouble
	return f.show(status), nil
}

// detailView is one credential and its forms.
type detailView struct {
	Credential credential.Credential
	Vendor     provider.Vendor
	CanWrite   bool
	Name       string
	BaseURL    string
	Weight     string
	Settings   map[string]string
	Trouble    page.Trouble
	Result     *result
	Clock      ui.Clock
}

func (d detailView) above() string { return d.Trouble.Above(mendable(d.Vendor.Fields)...) }

func (d detailView) inputs() []ui.InputView {
	return settingInputs(d.Vendor.Fields, d.Settings, d.BaseURL, d.Trouble)
}

func (d detailView) title() string {
	if d.Credential.Name == d.Vendor.Name { // the name that one gets who types none
		return d.Vendor.Name
	}
	return d.Vendor.Name + ": " + d.Credential.Name
}

func (d detailView) name() ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: "name", Label: "Name", Error: d.Trouble.At("name")}, Value: d.Name, Required: true, MaxLength: 200}
}

func (d detailView) secret() ui.InputView {
	in := secretInput(d.Vendor, "New API key", d.Trouble.At("secret"))
	in.Optional = true
	what := "the base URL"
	if len(d.Vendor.Fields) > 0 {
		what = "the base URL or a setting"
	}
	in.Help = secretForms(d.Vendor) + "Empty keeps the one that ends in " + d.Credential.Hint + ". To change " + what + ", enter it again."
	if d.Credential.Hint == "" {
		in.Help = "Empty: none is sent."
	}
	return in
}

func (d detailView) weight() ui.InputView { return weightInput(d.Weight, d.Trouble.At("weight")) }

func (d detailView) baseURL() ui.InputView {
	return baseURLInput(d.Vendor, d.BaseURL, d.Trouble.At("base_url"))
}

func (d detailView) show(status int) page.Reply {
	return page.Show(layout.Frame{Title: d.title(), Active: layout.Providers}, single(d)).As(status)
}

func (p Providers) detail(ctx context.Context, v *page.Visit) (detailView, error) {
	c, err := p.Credentials.Credential(ctx, v.Scope(), id.Credential(v.Param("id")))
	if err != nil {
		return detailView{}, err
	}
	vendor, ok := p.vendor(c.Provider)
	if !ok {
		vendor = provider.Vendor{ID: c.Provider, Name: c.Provider}
	}
	return detailView{Credential: c, Vendor: vendor, CanWrite: v.Can(tenant.WriteCredentials), Name: c.Name, BaseURL: c.BaseURL, Weight: strconv.Itoa(c.Weight), Settings: settingsShown(c.Settings, vendor.Fields), Clock: ui.Clock{Now: v.Now}}, nil
}

// Detail shows one credential without its secret.
func (p Providers) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	d, err := p.detail(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	reply := d.show(http.StatusOK)
	reply.Frame.Toasts = done(v)
	return reply, nil
}

// Test tests the stored secret and shows what the provider said.
func (p Providers) Test(ctx context.Context, v *page.Visit) (page.Reply, error) {
	found, err := p.Credentials.TestStored(ctx, v.Scope(), id.Credential(v.Param("id")))
	if err != nil {
		return p.again(ctx, v, err)
	}
	d, err := p.detail(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	r := resultOf(found)
	d.Result = &r
	return d.show(http.StatusOK), nil
}

// Save changes name, base URL and secret, unless somebody else changed the credential meanwhile.
func (p Providers) Save(ctx context.Context, v *page.Visit) (page.Reply, error) {
	d, err := p.detail(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	d.Name, d.BaseURL, d.Weight = strings.TrimSpace(v.Form("name")), strings.TrimSpace(v.Form("base_url")), strings.TrimSpace(v.Form("weight"))
	ch := credential.Change{}
	if d.Name != d.Credential.Name {
		ch.Name = &d.Name
	}
	if w := weightTyped(d.Weight); w != d.Credential.Weight {
		ch.Weight = &w
	}
	if d.BaseURL != d.Credential.BaseURL {
		ch.BaseURL = &d.BaseURL
	}
	if d.Settings = settingsTyped(v, d.Vendor.Fields); !maps.Equal(d.Settings, settingsShown(d.Credential.Settings, d.Vendor.Fields)) {
		ch.Settings = d.Settings
	}
	if text := secret.NewText(strings.TrimSpace(v.Form("secret"))); !text.Empty() {
		ch.Secret = &text
	}
	revision, err := strconv.Atoi(v.Form("revision"))
	if err != nil {
		revision = 0
	}
	_, err = p.Credentials.Update(ctx, v.Scope(), d.Credential.ID, ch, func(now credential.Credential) error {
		if now.Revision != revision {
			return credential.ErrStale.Say("Not saved: somebody changed this credential meanwhile. Open it again to see the change.")
		}
		return nil
	})
	if err != nil {
		return d.again(err)
	}
	return page.See(path(d.Credential.ID) + "?done=saved"), nil
}

func (d detailView) again(err error) (page.Reply, error) {
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, credential.ErrTaken) {
		trouble.Field = "name"
	}
	d.Trouble = trouble
	return d.show(status), nil
}

func (p Providers) again(ctx context.Context, v *page.Visit, err error) (page.Reply, error) {
	if _, _, mendable := page.Wrong(err); !mendable {
		return page.Reply{}, err
	}
	d, readErr := p.detail(ctx, v)
	if readErr != nil {
		return page.Reply{}, readErr
	}
	return d.again(err)
}

// MakeDefault makes it the one that is used where a route names none.
func (p Providers) MakeDefault(ctx context.Context, v *page.Visit) (page.Reply, error) {
	which := id.Credential(v.Param("id"))
	if _, err := p.Credentials.Update(ctx, v.Scope(), which, credential.Change{Default: true}, nil); err != nil {
		return p.again(ctx, v, err)
	}
	return page.See(path(which) + "?done=default"), nil
}

// DeleteForm asks whether the secret may go.
func (p Providers) DeleteForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	d, err := p.detail(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: "Delete " + d.Credential.Name, Active: layout.Providers}, remove(d)), nil
}

// Delete removes a credential that no alias names.
func (p Providers) Delete(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Credentials.Delete(ctx, v.Scope(), id.Credential(v.Param("id"))); err != nil {
		return p.again(ctx, v, err)
	}
	return page.See("/providers?done=deleted"), nil
}

// address is where calls go.
func address(d detailView) string {
	return d.Credential.Address(d.Vendor)
}
