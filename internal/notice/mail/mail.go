// Package mail sends notices by e-mail, over SMTP.
package mail

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"tollgate/internal/notice"
)

// Sender is notice.Sender. The zero Sender has no server: notices are kept.
type Sender struct {
	host    string
	options []gomail.Option
	from    string
}

// ErrURL is for a server's URL that is none. It says nothing of the URL: there may be a password in it.
var ErrURL = errors.New("write smtp://user:password@host:587, or smtps: for TLS from the start")

// New makes a Sender from a server's URL and the address that mail comes from; "" for a URL is the zero Sender. smtp: uses STARTTLS,
// and on the loopback alone goes without where the server has none.
func New(server, from string) (Sender, error) {
	if server == "" {
		return Sender{}, nil
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return Sender{}, ErrURL
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return Sender{}, errors.New("the address that mail comes from is not valid")
	}
	s := Sender{host: u.Hostname(), from: from}
	port := 587
	switch u.Scheme {
	case "smtp":
		policy := gomail.TLSMandatory
		if local(u.Hostname()) {
			policy = gomail.TLSOpportunistic
		}
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	case "smtps":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	default:
		return Sender{}, ErrURL
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return Sender{}, ErrURL
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

func local(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Send implements notice.Sender.
func (s Sender) Send(ctx context.Context, to notice.Private, m notice.Message) (int, error) {
	if s.host == "" {
		return 0, notice.ErrKept
	}
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(s.from), msg.To(to.Target)); err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	msg.Subject("[" + m.Org + "] " + m.Title)
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(string(m.ID) + "@tollgate")
	msg.SetBodyString(gomail.TypeTextPlain, Body(m))
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return 0, &notice.Lasting{Err: err}
	}
	return 0, client.DialAndSendWithContext(ctx, msg)
}

// Body is the text of an e-mail.
func Body(m notice.Message) string {
	return m.Title + ".\n\n" + m.Text + "\n\n" + m.Link + "\n\n--\nTollgate tells " + m.Org + " of this (" + string(m.Kind) + "). Channels: Alerts on the dashboard.\n"
}
