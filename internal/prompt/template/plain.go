package template

// Piece is a part of a template without logic: text, or a hole.
type Piece struct {
	Text     string
	Variable string // of a hole, the variable that stands there as it is; Text is then empty
}

// Plain is the template for engines that do no more than put values into text: its text and its holes, its partials' included, with
// neighbouring texts as one. reason says what else the template does; then there are no pieces.
func (t *Template) Plain() (pieces []Piece, reason string) {
	pieces, reason = plain(nil, t.nodes)
	if reason != "" {
		return nil, reason
	}
	return pieces, ""
}

func plain(out []Piece, nodes []node) ([]Piece, string) {
	for i := range nodes {
		reason := ""
		switch n := &nodes[i]; n.kind {
		case 't':
			if last := len(out) - 1; last >= 0 && out[last].Variable == "" {
				out[last].Text += n.text
			} else {
				out = append(out, Piece{Text: n.text})
			}
		case 'h':
			if reason = n.beyond(); reason == "" {
				out = append(out, Piece{Variable: n.expr.path.name})
			}
		case 'p':
			out, reason = plain(out, n.part.nodes)
		case 'i':
			reason = "it has a condition"
		case 'e':
			reason = "it has a loop"
		default:
			reason = "it has a section"
		}
		if reason != "" {
			return nil, reason
		}
	}
	return out, ""
}

// beyond says what a hole does beyond writing a variable as it is.
func (n *node) beyond() string {
	switch p := &n.expr.path; {
	case n.escape != None && n.escape != "":
		return "it escapes values as " + string(n.escape)
	case len(p.members) > 0:
		return "it reads a part of the variable \"" + p.name + "\""
	}
	return ""
}
