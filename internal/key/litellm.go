package key

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
)

// liteLLMKey is a row of LiteLLM_VerificationToken, as its database, /key/list and /key/info tell it. Money is read as text.
type liteLLMKey struct {
	Token          string          `json:"token"` // SHA-256 of the secret, in hex
	KeyName        string          `json:"key_name"`
	KeyAlias       string          `json:"key_alias"`
	TeamID         string          `json:"team_id"`
	UserID         string          `json:"user_id"`
	Models         []string        `json:"models"`
	Expires        string          `json:"expires"`
	Blocked        *bool           `json:"blocked"`
	Metadata       json.RawMessage `json:"metadata"`
	MaxBudget      json.Number     `json:"max_budget"`
	BudgetDuration string          `json:"budget_duration"`
	RPM            json.Number     `json:"rpm_limit"`
	TPM            json.Number     `json:"tpm_limit"`
	Parallel       json.Number     `json:"max_parallel_requests"`
	Routes         []string        `json:"allowed_routes"`
}

// liteLLMOld is a row of LiteLLM_DeprecatedVerificationToken: a secret that was rotated away and works until revoke_at.
type liteLLMOld struct {
	Token    string `json:"token"`
	Active   string `json:"active_token_id"`
	RevokeAt string `json:"revoke_at"`
}

// ParseLiteLLM reads keys of LiteLLM: a JSON array or lines of JSON with the rows of LiteLLM_VerificationToken, or an object that has
// them under "keys" (as /key/list answers) or under the tables' names, LiteLLM_DeprecatedVerificationToken among them. What a row asks
// for and cannot have here is told in its Notes; a row that would be allowed more than it was is an error of the row.
func ParseLiteLLM(data []byte) ([]Imported, error) {
	keys, old, err := liteLLMRows(data)
	if err != nil {
		return nil, ErrImportForm.Because(err).Say("This is no list of LiteLLM's keys: send a JSON array of the rows of LiteLLM_VerificationToken, or what /key/list answers with return_full_object=true.")
	}
	out := make([]Imported, len(keys))
	at := make(map[string]int, len(keys))
	for i, k := range keys {
		out[i] = k.imported(i + 1)
		at[strings.ToLower(k.Token)] = i
	}
	for _, o := range old {
		i, ok := at[strings.ToLower(o.Active)]
		plain, err := plainHash(o.Token)
		end, timeErr := moment(o.RevokeAt)
		if !ok || err != nil || timeErr != nil || end.IsZero() {
			continue // it belongs to no key that is taken over, or has no end: it would live for ever
		}
		out[i].Old = append(out[i].Old, OldSecret{plain, end})
	}
	return out, nil
}

func liteLLMRows(data []byte) (keys []liteLLMKey, old []liteLLMOld, err error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(data) == 0 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	var got liteLLMTables
	if data[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, nil, err
		}
		for _, raw := range list {
			if err := got.add(raw); err != nil {
				return nil, nil, err
			}
		}
		return got.keys, got.old, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return got.keys, got.old, nil
		} else if err != nil {
			return nil, nil, err
		}
		if err := got.add(raw); err != nil {
			return nil, nil, err
		}
	}
}

// liteLLMTables are the rows of both tables.
type liteLLMTables struct {
	keys []liteLLMKey
	old  []liteLLMOld
}

// add takes one object: a row of either table, or rows under their names.
func (t *liteLLMTables) add(raw []byte) (err error) {
	var o struct {
		Keys   []liteLLMKey `json:"keys"`
		Table  []liteLLMKey `json:"LiteLLM_VerificationToken"`
		Old    []liteLLMOld `json:"LiteLLM_DeprecatedVerificationToken"`
		Token  *string      `json:"token"`
		Active *string      `json:"active_token_id"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	t.keys, t.old = append(append(t.keys, o.Keys...), o.Table...), append(t.old, o.Old...)
	switch {
	case o.Active != nil:
		var one liteLLMOld
		err = json.Unmarshal(raw, &one)
		t.old = append(t.old, one)
	case o.Token != nil:
		var one liteLLMKey
		err = json.Unmarshal(raw, &one)
		t.keys = append(t.keys, one)
	case o.Keys == nil && o.Table == nil && o.Old == nil:
		err = errors.New("an object without keys")
	}
	return err
}

// imported is the row as one of our keys.
func (k *liteLLMKey) imported(row int) Imported {
	out := Imported{Row: row, Mask: k.KeyName, Team: k.TeamID, Blocked: k.Blocked != nil && *k.Blocked}
	out.New.Kind, out.New.Name = ServiceKey, strings.TrimSpace(k.KeyAlias)
	if !isName(out.New.Name) {
		out.New.Name = "LiteLLM " + strings.TrimSpace(fault.Clip(k.KeyName))
		if len(k.Token) >= 8 {
			out.New.Name = strings.TrimSpace(out.New.Name) + " " + k.Token[:8]
		}
	}
	if out.Plain, out.Err = plainHash(k.Token); out.Err != nil {
		return out
	}
	if out.New.ExpiresAt, out.Err = moment(k.Expires); out.Err != nil {
		out.Err = ErrInvalid.Say("The expiry %q cannot be read.", fault.Clip(k.Expires)).At("expires")
		return out
	}
	out.scope(k.Models)
	out.New.Tags = k.tags()
	out.pace(k)
	if s := k.MaxBudget.String(); s != "" {
		var note string
		if out.New.Budget, note = allowance(s, k.BudgetDuration); note != "" {
			out.Notes = append(out.Notes, note)
		}
	}
	if len(k.Routes) > 0 && out.Err == nil && !slices.Contains(k.Routes, "llm_api_routes") {
		out.Err = ErrInvalid.Say("The key is confined to the routes %s, which are not the same here. Name the endpoints after importing it without allowed_routes.",
			fault.Clip(strings.Join(k.Routes, ", "))).At("allowed_routes")
	}
	return out
}

// scope takes over what the key may call. What cannot be named here is left out, and never widens it.
func (r *Imported) scope(models []string) {
	limited := false
	for _, m := range models {
		switch m {
		case "all-team-models", "all-proxy-models", "*":
			if len(models) == 1 {
				return
			}
			continue
		case "no-default-models":
			limited = true
			continue
		}
		limited = true
		switch low := strings.ToLower(m); {
		case strings.Contains(m, "/") && len(m) <= modelBytesMax && modelPattern.MatchString(m):
			r.New.Models = append(r.New.Models, m)
		case word.MatchString(m):
			r.New.Aliases = append(r.New.Aliases, m)
		case word.MatchString(low):
			r.New.Aliases = append(r.New.Aliases, low)
			r.Notes = append(r.Notes, fmt.Sprintf("The model %s is the alias %s here.", fault.Clip(m), low))
		default:
			r.Notes = append(r.Notes, fmt.Sprintf("The model %s has no name here and is left out.", fault.Clip(m)))
		}
	}
	if limited && len(r.New.Aliases)+len(r.New.Models) == 0 {
		r.Err = ErrInvalid.Say("None of the key's models can be named here, and without any it would be allowed all.").At("models")
	}
}

func (r *Imported) pace(k *liteLLMKey) {
	for _, l := range []struct {
		from json.Number
		to   *int64
		what string
	}{{k.RPM, &r.New.Limits.RPM, "requests a minute"}, {k.TPM, &r.New.Limits.TPM, "tokens a minute"}, {k.Parallel, &r.New.Limits.Concurrency, "calls at once"}} {
		if l.from == "" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(l.from.String(), ".0"), 10, 64)
		if err != nil || n <= 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("The limit of %s %s is not taken over.", fault.Clip(l.from.String()), l.what))
			continue
		}
		*l.to = n
	}
}

// tags are the texts of the key's metadata: its list "tags" as k:v or k=v, and the other values that are text.
func (k *liteLLMKey) tags() map[string]string {
	out := map[string]string{}
	add := func(name, value string) {
		one := map[string]string{name: value}
		if checkTags(one) == nil && len(out) < tagsMax {
			out[name] = value
		}
	}
	if k.UserID != "" {
		add("user", k.UserID)
	}
	var meta map[string]json.RawMessage
	if json.Unmarshal(k.Metadata, &meta) != nil {
		return out
	}
	for name, raw := range meta {
		var text string
		var list []string
		switch {
		case json.Unmarshal(raw, &text) == nil && text != "":
			add(name, text)
		case name == "tags" && json.Unmarshal(raw, &list) == nil:
			for _, tag := range list {
				if at := strings.IndexAny(tag, ":="); at > 0 {
					add(tag[:at], strings.TrimSpace(tag[at+1:]))
				} else {
					add(tag, "yes")
				}
			}
		}
	}
	return out
}

func plainHash(text string) (h Hash, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, ErrInvalid.Say("A token is the SHA-256 of the secret: 64 digits and letters.").At("token")
	}
	return Hash(b), nil
}

// moment reads a time as databases and JSON write it; "" is the zero time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var err error
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999"} {
		var t time.Time
		if t, err = time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}
