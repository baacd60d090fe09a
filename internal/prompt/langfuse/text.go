package langfuse

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

const (
	open  = "{{"
	shut  = "}}"
	tag   = "@@@langfusePrompt:"
	endOf = "@@@"
)

// variable is what may stand in braces: what both SDKs replace, and what may be declared here.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// Template turns Langfuse's text into ours: holes stay, and the tags of other prompts become ours. variables are the names in the holes,
// each once, in their order. ErrSaid names what would not be replaced, or would by only one of the SDKs.
func Template(text string) (out string, variables []string, err error) {
	var b strings.Builder
	for rest := text; rest != ""; {
		hole, part := strings.Index(rest, open), strings.Index(rest, tag)
		switch {
		case hole < 0 && part < 0:
			b.WriteString(rest)
			rest = ""
		case part < 0 || hole >= 0 && hole < part:
			b.WriteString(rest[:hole])
			name, after, err := readHole(rest[hole:])
			if err != nil {
				return "", nil, err
			}
			if written := b.String(); strings.HasSuffix(written, `\`) {
				return "", nil, ErrSaid.Say("A backslash cannot stand right before {{%s}}: put a space between them.", name).At("prompt")
			}
			b.WriteString(open + name + shut)
			if !slices.Contains(variables, name) {
				variables = append(variables, name)
			}
			rest = after
		default:
			b.WriteString(rest[:part])
			ref, after, err := readTag(rest[part:])
			if err != nil {
				return "", nil, err
			}
			if written := b.String(); strings.HasSuffix(written, `\`) || strings.HasSuffix(written, "{") {
				return "", nil, ErrSaid.Say("A backslash or brace cannot stand right before another prompt's tag: put a space between them.").At("prompt")
			}
			b.WriteString("{{> " + ref + "}}")
			rest = after
		}
	}
	return b.String(), variables, nil
}

// readHole reads the hole that s starts with.
func readHole(s string) (name, after string, err error) {
	n := strings.Index(s, shut)
	if n < 0 {
		return "", "", ErrSaid.Say("Braces that are opened and not closed: %s.", fault.Clip(s)).At("prompt")
	}
	name = strings.TrimSpace(s[len(open):n])
	if !variable.MatchString(name) {
		return "", "", ErrSaid.Say("{{%s}} is no variable. Langfuse's SDKs replace {{name}} and nothing else; for conditions, loops and more, "+
			"create the prompt in Tollgate and render it through the gateway.", fault.Clip(name)).At("prompt")
	}
	return name, s[n+len(shut):], nil
}

// readTag reads the tag of another prompt that s starts with: name first, then version or label.
func readTag(s string) (ref, after string, err error) {
	inner, after, closed := strings.Cut(s[len(tag):], endOf)
	fields := map[string]string{}
	for part := range strings.SplitSeq(inner, "|") {
		key, value, _ := strings.Cut(part, "=")
		fields[key] = value
	}
	ref = fields["name"]
	switch {
	case fields["version"] != "":
		ref += "@" + fields["version"]
	case fields["label"] != "":
		ref += ":" + fields["label"]
	}
	if _, _, _, ok := prompt.ParseRef(ref); !closed || !ok {
		return "", "", ErrSaid.Say("This names no prompt: %s. Write %sname=NAME|version=1%s or label=LABEL.", fault.Clip(s), tag, endOf).At("prompt")
	}
	return ref, after, nil
}

// tagOf is Langfuse's tag for what stands in our braces.
func tagOf(name string, version int, label string) string {
	if version > 0 {
		return tag + "name=" + name + "|version=" + strconv.Itoa(version) + endOf
	}
	return tag + "name=" + name + "|label=" + label + endOf
}

// join writes pieces as Langfuse's text. reason says what that text would mean besides.
func join(pieces []template.Piece) (text, reason string) {
	var b strings.Builder
	for _, p := range pieces {
		if p.Variable != "" {
			b.WriteString(open + p.Variable + shut)
		}
		b.WriteString(p.Text)
	}
	// One reader takes the first two braces that it sees, the other takes three for a sign of its own: braces stand only where holes begin.
	text = b.String()
	at := 0
	for _, p := range pieces {
		stretch := len(p.Text)
		if p.Variable != "" {
			stretch = len(p.Variable) + len(open) + len(shut)
		} else if strings.Contains(p.Text, open) {
			return "", "its text has two braces that are no variable"
		}
		if p.Variable != "" && at > 0 && text[at-1] == '{' {
			return "", "a brace stands right before {{" + p.Variable + "}}"
		}
		at += stretch
	}
	return text, ""
}

// refs are the other prompts that a template made by Template names.
func refs(tmpl string) []string {
	var out []string
	for rest := tmpl; ; {
		_, after, found := strings.Cut(rest, "{{> ")
		if !found {
			return out
		}
		ref, after, _ := strings.Cut(after, shut)
		out = append(out, ref)
		rest = after
	}
}
