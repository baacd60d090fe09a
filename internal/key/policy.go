package key

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/fault"
)

// What calls that a budget refuses can be answered with.
const (
	http402 = 402
	http429 = 429
)

// The bounds of what a key carries.
const (
	nameRunesMax     = 200
	listMax          = 100 // aliases, models, networks
	modelBytesMax    = 256
	workflowBytesMax = 256
	tagsMax          = 32
	tagKeyBytesMax   = 64
	tagValueBytesMax = 256
)

var (
	// word is the form of environments and alias names.
	word = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	// task is the form of task types.
	task = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	// modelPattern is the form of scope patterns; see match.
	modelPattern = regexp.MustCompile(`^[a-z0-9*][a-z0-9*._-]{0,63}/[^\s/][^\s]*$`)
)

// Environments are those that forms offer; an organization may use words of its own.
var Environments = []string{Production, "staging", "development"}

// Endpoints are all endpoints, in the order in which forms offer them.
var Endpoints = []Endpoint{
	ChatEndpoint, EmbeddingsEndpoint, ImagesEndpoint, AudioEndpoint, ModerationsEndpoint, FilesEndpoint, RerankEndpoint, ModelsEndpoint, BatchesEndpoint,
}

// Privacies are all levels, from least kept to most.
var Privacies = []Privacy{PrivacyNone, PrivacyMetadata, PrivacyFull}

// check refuses a key that breaks a rule; the error is ErrInvalid at the field. now is when an expiry must lie ahead of; the
// zero time does not ask.
func (k *Key) check(now time.Time) error {
	switch {
	case !isName(k.Name):
		return ErrInvalid.Say("A name has 1 to %d characters on one line.", nameRunesMax).At("name")
	case k.Kind != ServiceKey && k.Kind != PersonalKey && k.Kind != PlaygroundKey:
		return ErrInvalid.Say("A key is service or personal.").At("kind")
	case k.Kind == PersonalKey && k.Owner == "":
		return ErrInvalid.Say("A personal key belongs to a member: a management token is none, and names one in owner_id.").At("owner_id")
	case k.Kind != PersonalKey && k.Owner != "":
		return ErrInvalid.Say("Only a personal key has an owner.").At("owner_id")
	case k.BudgetStatus != http402 && k.BudgetStatus != http429:
		return ErrInvalid.Say("What a budget refuses is answered with 402, or with 429 for clients that know nothing else.").At("budget_status")
	case k.Team == "":
		return ErrInvalid.Say("A key belongs to a team.").At("team_id")
	case !word.MatchString(k.Environment):
		return ErrInvalid.Say("An environment is a word in lower case, such as production.").At("environment")
	case !now.IsZero() && !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now):
		return ErrInvalid.Say("The expiry lies in the past.").At("expires_at")
	case !slices.Contains(Privacies, k.Privacy):
		return ErrInvalid.Say("Privacy is none, metadata or full.").At("privacy")
	case len(k.Workflow) > workflowBytesMax || !printable(k.Workflow):
		return ErrInvalid.Say("A workflow has at most %d bytes on one line.", workflowBytesMax).At("workflow")
	case k.Task != "" && !task.MatchString(k.Task):
		return ErrInvalid.Say("A task is the name of one in the routing file: 1 to 64 lower-case letters, digits, hyphens or underscores.").At("task")
	}
	if err := k.checkScope(); err != nil {
		return err
	}
	return checkTags(k.Tags)
}

func (k *Key) checkScope() error {
	for field, n := range map[string]int{"aliases": len(k.Aliases), "models": len(k.Models), "networks": len(k.Networks), "endpoints": len(k.Endpoints)} {
		if n > listMax {
			return ErrInvalid.Say("At most %d entries.", listMax).At(field)
		}
	}
	for i, a := range k.Aliases {
		if !word.MatchString(a) {
			return ErrInvalid.Say("%q is not an alias name.", fault.Clip(a)).At(at("aliases", i))
		}
	}
	for i, m := range k.Models {
		if len(m) > modelBytesMax || !modelPattern.MatchString(m) {
			return ErrInvalid.Say("%q is not a model: write provider/model, with * for any characters.", fault.Clip(m)).At(at("models", i))
		}
	}
	for i, e := range k.Endpoints {
		if !slices.Contains(Endpoints, e) {
			return ErrInvalid.Say("%q is not an endpoint.", fault.Clip(string(e))).At(at("endpoints", i))
		}
	}
	for i, n := range k.Networks {
		if !n.IsValid() {
			return badNetwork(n.String(), i)
		}
	}
	return nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > tagsMax {
		return ErrInvalid.Say("At most %d tags.", tagsMax).At("tags")
	}
	for k, v := range tags {
		switch {
		case k == "" || len(k) > tagKeyBytesMax || !printable(k):
			return ErrInvalid.Say("The tag %q: a tag's key has 1 to %d bytes on one line.", fault.Clip(k), tagKeyBytesMax).At("tags." + fault.Clip(k))
		case len(v) > tagValueBytesMax || !printable(v):
			return ErrInvalid.Say("The tag %q: a tag's value has at most %d bytes on one line.", fault.Clip(k), tagValueBytesMax).At("tags." + fault.Clip(k))
		}
	}
	return nil
}

// ParseNetworks reads networks as people write them: "203.0.113.0/24", "2001:db8::1". Bits behind the prefix are an error: they
// are a slip of the pen more often than not. Errors are ErrInvalid at networks.N.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for i, text := range texts {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		n, err := netip.ParsePrefix(text)
		if err != nil || n.Addr().Is4In6() {
			return nil, badNetwork(text, i)
		}
		if n.Masked() != n {
			return nil, ErrInvalid.Say("%s has bits behind its prefix. Did you mean %s?", n, n.Masked()).At(at("networks", i))
		}
		out = append(out, n)
	}
	return out, nil
}

func badNetwork(text string, i int) *fault.Error {
	return ErrInvalid.Say("%q is not a network: write 203.0.113.0/24 or one address.", fault.Clip(text)).At(at("networks", i))
}

func at(field string, i int) string { return fmt.Sprintf("%s.%d", field, i) }

func isName(s string) bool {
	return s != "" && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= nameRunesMax && printable(s)
}

// printable refuses control characters and what is no UTF-8: both end in logs, headers and CSV files.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
