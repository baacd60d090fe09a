package playground

import (
	"slices"
	"strings"

	"tollgate/internal/prompt"
)

// placeholderMark stands in front of a placeholder's name in a draft.
const placeholderMark = "placeholder:"

// FormatDraft writes a prompt as people edit it: a text as it is; messages one below the other, each under a line with its role and a colon.
func FormatDraft(c *prompt.Content) string {
	if c.Messages == nil {
		return c.Text
	}
	var b strings.Builder
	for i, m := range c.Messages {
		if i > 0 {
			b.WriteString("\n")
		}
		if m.Placeholder != "" {
			b.WriteString(placeholderMark + " " + m.Placeholder + "\n")
			continue
		}
		b.WriteString(m.Role + ":\n")
		for line := range strings.SplitSeq(m.Text, "\n") {
			b.WriteString(escaped(line) + "\n")
		}
	}
	return b.String()
}

// ParseDraft reads what FormatDraft writes. A draft whose first line that is not empty is no role is a text. A line of text that would
// read as a role has a backslash in front of it.
func ParseDraft(text string) prompt.Content {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	lines := strings.Split(text, "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) != "" })
	if first < 0 {
		return prompt.Content{Text: text}
	}
	if _, _, ok := marked(lines[first]); !ok {
		return prompt.Content{Text: text}
	}
	var out []prompt.Message
	var body []string
	end := func() {
		if n := len(out); n > 0 && out[n-1].Placeholder == "" {
			// FormatDraft ends each message with a line end and parts them by another: one empty line is theirs.
			if n := len(body); n > 0 && body[n-1] == "" {
				body = body[:n-1]
			}
			out[n-1].Text = strings.Join(body, "\n")
		}
		body = nil
	}
	for _, line := range lines[first:] {
		if role, placeholder, ok := marked(line); ok {
			end()
			out = append(out, prompt.Message{Role: role, Placeholder: placeholder})
			continue
		}
		body = append(body, unescaped(line))
	}
	end()
	return prompt.Content{Messages: out}
}

// marked reads a line that begins a message, or stands for a placeholder.
func marked(line string) (role, placeholder string, ok bool) {
	line = strings.TrimSpace(line)
	if name, is := strings.CutPrefix(line, placeholderMark); is && strings.TrimSpace(name) != "" {
		return "", strings.TrimSpace(name), true
	}
	role, is := strings.CutSuffix(line, ":")
	return role, "", is && slices.Contains(prompt.Roles, role)
}

// escaped keeps a line of text from being read as a role, and what is escaped already from being unescaped.
func escaped(line string) string {
	if _, _, role := marked(strings.TrimLeft(line, `\`)); role {
		return `\` + line
	}
	return line
}

func unescaped(line string) string {
	if rest, ok := strings.CutPrefix(line, `\`); ok {
		if _, _, role := marked(strings.TrimLeft(rest, `\`)); role {
			return rest
		}
	}
	return line
}
