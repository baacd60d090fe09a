package prompts

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// known are the parameters that have a field of their own.
var known = []string{"temperature", "top_p", "max_tokens"}

// of is the form of what a version says.
func of(kind prompt.Kind, c prompt.Content) form {
	f := form{Kind: kind, Text: c.Text, Escape: string(c.Escape), Alias: c.Alias, Tools: pretty(c.Tools), Schema: pretty(c.Schema), Config: pretty(c.Config)}
	for _, m := range c.Messages {
		f.Messages = append(f.Messages, formMessage{Role: m.Role, Text: m.Text, Place: m.Placeholder != "", Name: m.Placeholder})
	}
	for _, v := range c.Variables {
		f.Variables = append(f.Variables, variableOf(v))
	}
	f.parametersOf(c.Parameters)
	if len(c.Refs) > 0 {
		f.Refs = string(encoded(c.Refs))
	}
	for _, k := range c.Cases {
		out := formCase{Name: k.Name}
		if len(k.Variables) > 0 {
			out.Variables = pretty(encoded(k.Variables))
		}
		for _, a := range k.Assert {
			out.Assert = append(out.Assert, formAssertion{a.Kind, a.Value})
		}
		f.Cases = append(f.Cases, out)
	}
	return f
}

func variableOf(v template.Variable) formVariable {
	out := formVariable{Name: v.Name, Kind: string(v.Kind), Required: v.Required, Values: enumerated(v.Values), About: v.Description, Default: typedValue(v.Kind, v.Default)}
	if v.MaxLength > 0 {
		out.Max = strconv.Itoa(v.MaxLength)
	}
	return out
}

// typedValue is a value as it is typed: a text without its quotes, everything else as JSON.
func typedValue(k template.Kind, raw json.RawMessage) string {
	if raw == nil {
		return ""
	}
	var s string
	if (k == template.String || k == template.Enum) && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// value is typedValue read back; nothing typed is no value.
func value(k template.Kind, typed string) json.RawMessage {
	if typed == "" {
		return nil
	}
	if k == template.String || k == template.Enum {
		return quoted(typed)
	}
	return json.RawMessage(strings.TrimSpace(typed))
}

// quoted is a text as JSON, without escapes that JSON does not ask for.
func quoted(text string) json.RawMessage { return encoded(text) }

// encoded is a value as JSON, without escapes that JSON does not ask for; nil of what was read from no valid JSON.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// parametersOf fills in the fields of parameters.
func (f *form) parametersOf(raw json.RawMessage) {
	all, ok := members(raw)
	if !ok {
		f.More = string(raw)
		return
	}
	var names []string
	var rest []member
	for _, m := range all {
		names = append(names, m.name)
		switch m.name {
		case "temperature":
			f.Temperature = string(m.raw)
		case "top_p":
			f.TopP = string(m.raw)
		case "max_tokens":
			f.MaxTokens = string(m.raw)
		default:
			rest = append(rest, m)
		}
	}
	f.Order = strings.Join(names, ",")
	if len(rest) > 0 {
		f.More = pretty(object(rest))
	}
}

// parameters puts the fields together in the order in which they were read, so that what nobody changed stays the same version.
func (f *form) parameters() (json.RawMessage, error) {
	all, ok := members(json.RawMessage(f.More))
	if !ok {
		return nil, prompt.ErrInvalid.Say("Write the other parameters as a JSON object, such as {\"stop\": [\"END\"]}.").At("parameters")
	}
	for i, typed := range []string{f.Temperature, f.TopP, f.MaxTokens} {
		if typed == "" {
			continue
		}
		if !json.Valid([]byte(typed)) || !strings.ContainsAny(typed[:1], "-0123456789") {
			return nil, prompt.ErrInvalid.Say("Write %s as a number, such as 0.2.", known[i]).At("parameters." + known[i])
		}
		all = append(all, member{known[i], json.RawMessage(typed)})
	}
	order := strings.Split(f.Order, ",")
	place := func(m member) int {
		if at := slices.Index(order, m.name); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(all, func(a, b member) int { return place(a) - place(b) })
	if len(all) == 0 {
		return nil, nil
	}
	return object(all), nil
}

// content is what the form says. Rows in which nothing was typed are left out, also of the form, so that mistakes find their row.
func (f *form) content() (prompt.Content, error) {
	f.compact()
	c := prompt.Content{Text: f.Text, Escape: template.Escape(f.Escape), Alias: f.Alias}
	if f.Kind == prompt.Chat {
		c.Text = ""
		c.Messages = make([]prompt.Message, 0, len(f.Messages))
	}
	for _, m := range f.Messages {
		if m.Place {
			m.Role, m.Text = "", ""
		}
		c.Messages = append(c.Messages, prompt.Message{Role: m.Role, Text: m.Text, Placeholder: m.Name})
	}
	var err error
	if c.Variables, err = f.variables(); err != nil {
		return c, err
	}
	if c.Parameters, err = f.parameters(); err != nil {
		return c, err
	}
	if c.Tools, err = parsed("tools", f.Tools, "Write the tools as a JSON list."); err != nil {
		return c, err
	}
	if c.Schema, err = parsed("schema", f.Schema, "Write the schema as a JSON object."); err != nil {
		return c, err
	}
	if c.Config, err = parsed("config", f.Config, "Write the configuration as a JSON object."); err != nil {
		return c, err
	}
	if f.Refs != "" && json.Unmarshal([]byte(f.Refs), &c.Refs) != nil {
		c.Refs = nil // they are found again by their names
	}
	c.Cases, err = f.cases()
	return c, err
}

// compact leaves out rows in which nothing was typed.
func (f *form) compact() {
	if len(f.Messages) > 1 {
		f.Messages = slices.DeleteFunc(f.Messages, formMessage.empty)
	}
	f.Variables = slices.DeleteFunc(f.Variables, formVariable.empty)
	f.Cases = slices.DeleteFunc(f.Cases, formCase.empty)
}

func (f *form) variables() ([]template.Variable, error) {
	var out []template.Variable
	for i, v := range f.Variables {
		k := template.Kind(v.Kind)
		d := template.Variable{Name: v.Name, Kind: k, Required: v.Required, Default: value(k, v.Default), Description: v.About}
		if k == template.Enum {
			d.Values = listed(v.Values)
		}
		if v.Max != "" {
			n, err := strconv.Atoi(v.Max)
			if err != nil {
				return nil, prompt.ErrInvalid.Say("Write the greatest length as a whole number.").At("variables." + v.Name)
			}
			d.MaxLength = n
		}
		if v.Name == "" {
			return nil, prompt.ErrInvalid.Say("Variable %d has no name.", i+1).At("variables.")
		}
		if d.Default != nil && !json.Valid(d.Default) {
			return nil, prompt.ErrInvalid.Say("The default of a %s is written as JSON.", k).At("variables." + v.Name)
		}
		out = append(out, d)
	}
	return out, nil
}

func (f *form) cases() ([]prompt.Case, error) {
	var out []prompt.Case
	for i, c := range f.Cases {
		at := "cases." + strconv.Itoa(i)
		k := prompt.Case{Name: c.Name, Assert: []prompt.Assertion{}}
		if k.Name == "" {
			k.Name = "case " + strconv.Itoa(i+1)
		}
		if strings.TrimSpace(c.Variables) != "" && json.Unmarshal([]byte(c.Variables), &k.Variables) != nil {
			return nil, prompt.ErrInvalid.Say("Write the variables of a case as a JSON object, such as {\"name\": \"Ada\"}.").At(at + ".variables")
		}
		for name, raw := range k.Variables {
			var b bytes.Buffer
			if json.Compact(&b, raw) == nil { // how it is laid out is the form's business
				k.Variables[name] = b.Bytes()
			}
		}
		for _, a := range c.Assert {
			if a.Value != "" || a.Kind == prompt.Equals {
				k.Assert = append(k.Assert, prompt.Assertion{Kind: a.Kind, Value: a.Value})
			}
		}
		out = append(out, k)
	}
	return out, nil
}

func parsed(field, typed, say string) (json.RawMessage, error) {
	if strings.TrimSpace(typed) == "" {
		return nil, nil
	}
	if !json.Valid([]byte(typed)) {
		return nil, prompt.ErrInvalid.Say("%s", say).At(field)
	}
	return json.RawMessage(typed), nil
}

// enumerated writes the values of an enum: separated by commas, or as a JSON list where a value holds one.
func enumerated(values []string) string {
	plain := strings.Join(values, ", ")
	if slices.Equal(commas(plain), values) && !strings.HasPrefix(plain, "[") {
		return plain
	}
	return string(encoded(values))
}

// listed is enumerated read back.
func listed(typed string) []string {
	var out []string
	if strings.HasPrefix(typed, "[") && json.Unmarshal([]byte(typed), &out) == nil {
		return out
	}
	return commas(typed)
}

func commas(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
