package spool

import (
	"encoding/binary"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// prompted reports whether the record says anything of a prompt of the registry.
func prompted(r *calllog.Record) bool {
	return r.Prompt != "" || r.PromptVersion != 0 || r.PromptLabel != ""
}

func appendPrompt(b []byte, r *calllog.Record) []byte {
	b = appendString(b, string(r.Prompt))
	b = binary.AppendVarint(b, int64(r.PromptVersion))
	return appendString(b, r.PromptLabel)
}

func (d *decoder) prompt(r *calllog.Record) {
	r.Prompt, r.PromptVersion, r.PromptLabel = id.Prompt(d.string()), int(d.varint()), d.string()
}
