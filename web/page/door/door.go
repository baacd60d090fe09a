// Package door holds the pages for people who are not signed in: sign-up, log-in, log-out, and the way from / to where one belongs.
package door

import (
	"context"
	"net/http"
	"strings"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/ui"
)

// Accounts is what the door needs; *account.Service provides it.
type Accounts interface {
	SignUp(ctx context.Context, n account.SignUp, from account.Visitor) (account.Welcome, error)
	LogIn(ctx context.Context, email, plain string, from account.Visitor) (account.Entry, error)
	LogOut(ctx context.Context, value string) error
	Enter(ctx context.Context, in tenant.Scope, session id.Session, org id.Org) error
	Empty(ctx context.Context) (bool, error)
}

// Cookies carries the session; accounthttp.Cookie does.
type Cookies interface {
	Value(r *http.Request) string
	Set(w http.ResponseWriter, value secret.Text)
	Clear(w http.ResponseWriter)
}

// Door answers its pages. All fields are required.
type Door struct {
	Accounts Accounts
	Cookies  Cookies
	Gateway  string // base URL of the gateway, for the snippet beside the form
}

// Home leads to the overview, or to the log-in, or where nobody has an account yet to the sign-up.
func (d Door) Home(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if signedIn(v) {
		return page.See("/overview"), nil
	}
	empty, err := d.Accounts.Empty(ctx)
	if err != nil {
		return page.Reply{}, err
	}
	if empty {
		return page.See("/signup"), nil
	}
	return page.See("/login"), nil
}

// Enter leads to another organization of the same person: the session looks at that one from now on, in every window.
func (d Door) Enter(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := d.Accounts.Enter(ctx, v.Scope(), v.Login.Session.ID, id.Org(v.Form("organization"))); err != nil {
		return page.Reply{}, err
	}
	return page.See("/overview"), nil
}

func signedIn(v *page.Visit) bool { return v.Scope().Check() == nil }

// signUpView is the form as it was typed. The password is not sent back.
type signUpView struct {
	Organization, Email string
	Trouble             page.Trouble
}

func (v signUpView) input(field, label, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: field, Label: label, Error: v.Trouble.At(field)}, Value: value, Required: true}
}

func (v signUpView) organization() ui.InputView {
	in := v.input("organization", "Organization", v.Organization)
	in.Autocomplete, in.MaxLength, in.Autofocus = "organization", 80, v.Trouble.Message == ""
	return in
}

func (v signUpView) email() ui.InputView {
	in := v.input("email", "Work e-mail", v.Email)
	in.Type, in.Autocomplete = "email", "email"
	return in
}

func (v signUpView) password() ui.InputView {
	in := v.input("password", "Password", "")
	in.Autocomplete, in.Help = "new-password", "8 characters or more. Any characters, paste welcome."
	return in
}

func (v signUpView) above() string { return v.Trouble.Above("organization", "email", "password") }

// SignUpForm is the form of a newcomer.
func (d Door) SignUpForm(_ context.Context, v *page.Visit) (page.Reply, error) {
	if signedIn(v) {
		return page.See("/overview"), nil
	}
	return d.signUp(signUpView{}), nil
}

func (d Door) signUp(view signUpView) page.Reply {
	return page.Door("Create your account", signUp(view), aside(d.snippet()))
}

// SignUp makes the account and leads to the checklist.
func (d Door) SignUp(ctx context.Context, v *page.Visit) (page.Reply, error) {
	view := signUpView{Organization: strings.TrimSpace(v.Form("organization")), Email: strings.TrimSpace(v.Form("email"))}
	welcome, err := d.Accounts.SignUp(ctx, account.SignUp{
		Email: view.Email, Password: v.Form("password"), Organization: view.Organization,
	}, v.Visitor)
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		view.Trouble = trouble
		return d.signUp(view).As(status), nil
	}
	return page.See("/get-started").With(func(w http.ResponseWriter) { d.Cookies.Set(w, welcome.Value) }), nil
}

// logInView is the form as it was typed.
type logInView struct {
	Email, Next string
	Message     string
}

func (v logInView) email() ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: "email", Label: "E-mail"}, Value: v.Email, Type: "email", Autocomplete: "username",
		Required: true, Autofocus: v.Email == "",
	}
}

func (v logInView) password() ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: "password", Label: "Password"}, Autocomplete: "current-password", Required: true, Autofocus: v.Email != ""}
}

// LogInForm asks who is there. ?next= is where it leads.
func (d Door) LogInForm(_ context.Context, v *page.Visit) (page.Reply, error) {
	next := page.Next(v.Query("next"))
	if signedIn(v) {
		return page.See(next), nil
	}
	return d.logIn(logInView{Next: next}), nil
}

func (d Door) logIn(view logInView) page.Reply {
	return page.Door("Log in", logIn(view), nil)
}

// LogIn opens a session.
func (d Door) LogIn(ctx context.Context, v *page.Visit) (page.Reply, error) {
	view := logInView{Email: strings.TrimSpace(v.Form("email")), Next: page.Next(v.Form("next"))}
	entry, err := d.Accounts.LogIn(ctx, view.Email, v.Form("password"), v.Visitor)
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		view.Message = trouble.Message
		return d.logIn(view).As(status), nil
	}
	return page.See(view.Next).With(func(w http.ResponseWriter) { d.Cookies.Set(w, entry.Value) }), nil
}

// LogOut ends the session, also one that has ended already.
func (d Door) LogOut(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if value := d.Cookies.Value(v.HTTP); value != "" {
		if err := d.Accounts.LogOut(ctx, value); err != nil {
			return page.Reply{}, err
		}
	}
	return page.See("/login").With(d.Cookies.Clear), nil
}

func (d Door) snippet() ui.SnippetView {
	c := client.Caller{Gateway: d.Gateway, Models: []client.Model{{Name: "fast-classifier"}}}
	return ui.SnippetView{ID: "two-lines", Label: "Two lines to change", Tabs: c.Short()}
}
