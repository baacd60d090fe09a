package anthropic

import (
	"cmp"
	"slices"

	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// foreignEdits cut the blocks out of a body that hold another maker's reasoning (see provider.Seal): this API refuses what it did not
// sign. They come in when a conversation moves here from another provider. Nothing is searched for in a body without a seal.
func foreignEdits(body []byte) []wire.Edit {
	if !provider.HasSeal(body) {
		return nil
	}
	var edits []wire.Edit
	top := wire.Walk(body)
	for top.Next() {
		if string(top.Key) != "messages" || top.Value()[0] != '[' {
			continue
		}
		messages := wire.Walk(top.Value())
		for messages.Next() {
			edits = append(edits, foreignBlocks(messages.Value(), top.From+messages.From)...)
		}
	}
	return edits
}

func foreignBlocks(message []byte, base int) []wire.Edit {
	m := wire.Walk(message)
	for m.Next() {
		if string(m.Key) == "content" && m.Value()[0] == '[' {
			edits, _ := wire.CutElements(m.Value(), base+m.From, foreign)
			return edits
		}
	}
	return nil
}

// foreign reports whether a block is reasoning with another maker's seal.
func foreign(block []byte) bool {
	if block[0] != '{' {
		return false
	}
	m := wire.Walk(block)
	for m.Next() {
		if name := string(m.Key); (name == "signature" || name == "data") && provider.Sealed(m.Value()) {
			return true
		}
	}
	return false
}

// merged are edits in their order.
func merged(a, b []wire.Edit) []wire.Edit {
	if len(b) == 0 {
		return a
	}
	all := append(a, b...)
	slices.SortFunc(all, func(x, y wire.Edit) int { return cmp.Or(x.From-y.From, x.To-y.To) })
	return all
}
