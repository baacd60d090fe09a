package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	treeDepthMax = 64
	treeNodesMax = 200_000
)

var (
	errTree      = errors.New("this is nested too deeply, or is too large")
	numberForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	errDocuments = errors.New("a prompt's file is one document")
)

// toJSON is a tree of YAML as JSON, whose members keep their order and whose numbers keep their digits.
func toJSON(root *yaml.Node) (json.RawMessage, error) {
	t := &tree{left: treeNodesMax}
	if err := t.write(root, 0); err != nil {
		return nil, err
	}
	return t.Bytes(), nil
}

type tree struct {
	bytes.Buffer
	left int
}

func (t *tree) write(n *yaml.Node, depth int) error {
	if t.left--; depth > treeDepthMax || t.left < 0 {
		return errTree
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) != 1 {
			return errDocuments
		}
		return t.write(n.Content[0], depth)
	case yaml.MappingNode:
		return t.mapping(n, depth)
	case yaml.SequenceNode:
		t.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				t.WriteByte(',')
			}
			if err := t.write(c, depth+1); err != nil {
				return err
			}
		}
		t.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return t.scalar(n)
	case yaml.AliasNode, yaml.StreamNode:
	}
	return fmt.Errorf("line %d: anchors and aliases are not read", n.Line)
}

func (t *tree) mapping(n *yaml.Node, depth int) error {
	t.WriteByte('{')
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge":
			return fmt.Errorf("line %d: a key is a word", k.Line)
		case seen[k.Value]:
			return fmt.Errorf("line %d: %q stands there twice", k.Line, k.Value)
		}
		seen[k.Value] = true
		if i > 0 {
			t.WriteByte(',')
		}
		t.text(k.Value)
		t.WriteByte(':')
		if err := t.write(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	t.WriteByte('}')
	return nil
}

func (t *tree) text(s string) {
	e := json.NewEncoder(t)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // strings always have JSON
	t.Truncate(t.Len() - 1) // its line end
}

func (t *tree) scalar(n *yaml.Node) error {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp":
		t.text(n.Value)
	case "!!null":
		t.WriteString("null")
	case "!!bool":
		t.WriteString(strings.ToLower(n.Value))
	case "!!int", "!!float":
		return t.number(n)
	case "!json":
		if !json.Valid([]byte(n.Value)) {
			return fmt.Errorf("line %d: this is no JSON", n.Line)
		}
		t.WriteString(n.Value)
	default:
		return fmt.Errorf("line %d: %s is not read", n.Line, tag)
	}
	return nil
}

func (t *tree) number(n *yaml.Node) error {
	if numberForm.MatchString(n.Value) {
		t.WriteString(n.Value)
		return nil
	}
	var i int64
	if n.Decode(&i) == nil && n.ShortTag() == "!!int" {
		t.WriteString(strconv.FormatInt(i, 10))
		return nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("line %d: %q is no number", n.Line, n.Value)
	}
	t.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	return nil
}
