package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Deps is what a Service is made of. All fields are required.
type Deps struct {
	Store         Store
	Passwords     Passwords
	Signer        Signer
	SessionPepper []byte // keyring.Derive("session pepper")
	TokenPepper   []byte // keyring.Derive("management token pepper")
	Now           func() time.Time
}

// Service is everything people do with accounts.
type Service struct {
	Deps
	throttle throttle
}

// NewService makes a service.
func NewService(d Deps) *Service { return &Service{Deps: d} }

// firstTeam is the name of the team that a sign-up makes when it names none.
const firstTeam = "Default"

// SignUp is what a newcomer fills in.
type SignUp struct {
	Email        string
	Password     string
	Name         string // of the person; may be empty
	Organization string
	Team         string // empty: "Default"
	OnlyFirst    bool   // refuse when the installation already has an organization
}

// Welcome is what a sign-up made. The newcomer is logged in.
type Welcome struct {
	Entry
	Team Team
}

// SignUp makes user, organization and first team at once, and logs the user in as owner.
func (s *Service) SignUp(ctx context.Context, n SignUp, from Visitor) (Welcome, error) {
	now := s.Now()
	acc, err := s.newAccount(n, now)
	if err != nil {
		return Welcome{}, err
	}
	if err := s.throttle.signUp(from, now); err != nil {
		return Welcome{}, err
	}
	// Hashed before the address is looked at, so that a taken one takes as long.
	if acc.Password, err = s.Passwords.Hash(ctx, n.Password); err != nil {
		return Welcome{}, err
	}
	if err := s.Store.Create(ctx, acc, n.OnlyFirst); err != nil {
		return Welcome{}, err
	}
	entry, err := s.open(ctx, acc.User, Membership{acc.Organization, tenant.Owner}, from)
	return Welcome{Entry: entry, Team: acc.Team}, err
}

func (s *Service) newAccount(n SignUp, now time.Time) (NewAccount, error) {
	email, err := NormalEmail(n.Email)
	if err != nil {
		return NewAccount{}, err
	}
	if err := checkPassword(n.Password, email, n.Organization); err != nil {
		return NewAccount{}, err
	}
	person := strings.TrimSpace(n.Name)
	if person != "" {
		if person, err = name(person, "name"); err != nil {
			return NewAccount{}, err
		}
	}
	organization, err := name(n.Organization, "organization")
	if err != nil {
		return NewAccount{}, err
	}
	if strings.TrimSpace(n.Team) == "" {
		n.Team = firstTeam
	}
	team, err := name(n.Team, "team")
	if err != nil {
		return NewAccount{}, err
	}
	return NewAccount{
		User:         User{ID: id.User(id.New("user")), Email: email, Name: person, CreatedAt: now},
		Organization: Organization{ID: id.Org(id.New("org")), Name: organization, TimeZone: "UTC", FiscalDay: 1, CreatedAt: now},
		Team:         Team{ID: id.Team(id.New("team")), Name: team, ColorStep: 0, CreatedAt: now},
	}, nil
}

// NormalEmail is the form in which addresses are stored and compared.
func NormalEmail(address string) (string, error) {
	address = strings.ToLower(strings.TrimSpace(address))
	if len(address) > 254 || !utf8.ValidString(address) {
		return "", ErrEmail.At("email")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.ContainsFunc(address, unicode.IsControl) {
		return "", ErrEmail.At("email")
	}
	return address, nil
}

const (
	passwordMin = 8
	passwordMax = 128
	nameMax     = 80
)

// checkPassword asks for length and refuses what everybody tries first; it demands no character classes.
func checkPassword(plain, email, organization string) error {
	n := utf8.RuneCountInString(plain)
	if n < passwordMin || n > passwordMax || !utf8.ValidString(plain) {
		return ErrPassword.At("password")
	}
	low := strings.ToLower(plain)
	user, _, _ := strings.Cut(email, "@")
	if common[low] || low == email || low == user || low == strings.ToLower(strings.TrimSpace(organization)) || strings.Count(low, low[:1]) == len(low) {
		return ErrWeakPassword.At("password")
	}
	return nil
}

// common is the head of every list of leaked passwords, from eight characters up.
var common = map[string]bool{
	"12345678": true, "123456789": true, "1234567890": true, "password": true, "password1": true, "password123": true, "passw0rd": true,
	"qwertyui": true, "qwerty123": true, "qwertyuiop": true, "1q2w3e4r": true, "1qaz2wsx": true, "iloveyou": true, "sunshine": true,
	"princess": true, "football": true, "baseball": true, "superman": true, "trustno1": true, "welcome1": true, "letmein1": true,
	"abcd1234": true, "abc12345": true, "11223344": true, "87654321": true, "987654321": true, "changeme": true, "admin123": true,
	"administrator": true, "p@ssw0rd": true, "starwars": true, "whatever": true, "computer": true, "michelle": true, "jennifer": true,
}

// name trims and checks a name that people give to a thing; field is the request field.
func name(text, field string) (string, error) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	if n < 1 || n > nameMax || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", ErrName.At(field)
	}
	return text, nil
}

func keyed(pepper []byte, value string) Hash {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(value))
	return Hash(mac.Sum(nil))
}
