package route

import (
	"slices"
	"strings"
	"sync"

	"tollgate/internal/provider/traits"
)

// node is a step of the tree of terms: what may follow, and what ends here.
type node struct {
	next []branch
	// hit and word are features plus one of terms that end here: as a beginning of a word, and as a whole one; 0: none.
	hit, word feature
}

type branch struct {
	char byte
	to   int32
}

// tree is all terms as one tree, so that a text is read once however many there are.
type tree struct {
	nodes []node
	first [256]int32 // the root's branches by their character; 0: none
}

var grown = sync.OnceValue(func() *tree {
	t := []node{{}}
	for f := range wordsEnd {
		for _, term := range terms[f] {
			text, whole := strings.CutSuffix(term, "|")
			at := int32(0)
			for i := range len(text) {
				at = grow(&t, at, text[i])
			}
			if whole {
				t[at].word = f + 1
			} else {
				t[at].hit = f + 1
			}
		}
	}
	out := &tree{nodes: t}
	for _, b := range t[0].next {
		out.first[b.char] = b.to
	}
	return out
})

func grow(t *[]node, at int32, char byte) int32 {
	if i := slices.IndexFunc((*t)[at].next, func(b branch) bool { return b.char == char }); i >= 0 {
		return (*t)[at].next[i].to
	}
	to := int32(len(*t))
	*t = append(*t, node{})
	(*t)[at].next = append((*t)[at].next, branch{char, to})
	return to
}

// edge is how many bytes at the beginning and the end of a text are taken for what is wanted; the middle is rather what it is about.
const edge = 320

// opening is how many bytes at the beginning are where a wish is named first: "Translate …".
const opening = 32

// The values of a term by where it stands.
const (
	inOpening = 1.6
	atEdge    = 1.0
	inMiddle  = 0.3
	countMax  = 2.5 // of one feature
)

// count adds what the terms of a text speak for.
func count(text string, values *[features]float64) {
	t := grown()
	start := true // of a word
	for i := 0; i < len(text); i++ {
		if start || !wordy(text[i]) {
			if f := t.longest(text, i); f > 0 {
				value := inMiddle
				switch {
				case i < opening:
					value = inOpening
				case i < edge || len(text)-i < edge:
					value = atEdge
				}
				values[f-1] = min(values[f-1]+value, countMax)
			}
		}
		start = !wordy(text[i])
	}
}

// longest finds the longest term that begins at i.
func (t *tree) longest(text string, i int) (f feature) {
	at := t.first[folded(text, i)]
	for j := i; at != 0; {
		n := &t.nodes[at]
		if n.word > 0 && (j+1 == len(text) || !wordy(text[j+1])) {
			f = n.word
		} else if n.hit > 0 {
			f = n.hit
		}
		if j++; j == len(text) {
			return f
		}
		at = n.follow(folded(text, j))
	}
	return f
}

// follow is the node behind a character; 0 for none.
func (n *node) follow(c byte) int32 {
	for _, b := range n.next {
		if b.char == c {
			return b.to
		}
	}
	return 0
}

// folded is the byte at i in lower case, for ASCII and the letters of western Europe.
func folded(s string, i int) byte {
	c := s[i]
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c == '\n':
		return ' '
	case c >= 0x80 && c <= 0x9e && c != 0x97 && i > 0 && s[i-1] == 0xc3:
		return c + 0x20
	}
	return c
}

func wordy(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80
}

// measure counts all features of a prompt.
func measure(p *traits.Traits) (values [features]float64) {
	count(p.Text, &values)
	var system [features]float64
	count(p.System, &system)
	for f := range wordsEnd {
		if f != greets && f != asks { // instructions to be friendly are no small talk
			values[f] = min(values[f]+system[f], countMax)
		}
	}
	values[fences] = float64(min(strings.Count(p.Text, "```")/2, 2))
	if values[asks] == 0 && len(p.Text) < 200 && strings.HasSuffix(strings.TrimSpace(p.Text), "?") {
		values[asks] = 0.8
	}
	values[demandsJSON] = one(p.JSON)
	values[demandsChoice] = one(p.Enum)
	values[short] = one(len(p.Text) < 200)
	values[long] = one(len(p.Text) > 2000)
	values[documents] = float64(min(p.Documents, 2))
	values[turns] = one(p.Messages > 3)
	return values
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
