package gemini

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Signatures travel both ways through dialects that have no place for them.
//
// Out: Google signs any part of an answer, also a call or a text, where other dialects can sign reasoning only. Such a signature
// becomes a Redacted part before the signed part, whose Data is "<where>:<signature>" under Google's seal (provider.Seal). Where is "next"
// for the part that follows, "end" for an empty text behind the others, "call:<id>" for a call. A signed thought is a Thinking part
// with a sealed Signature. It comes back from a client of any dialect: in its place among Anthropic's blocks, before everything else in
// OpenAI's reasoning_details.
//
// In: what another maker signed goes to a client of this dialect as a thought whose thoughtSignature holds all that maker needs, in
// base64 as the SDKs demand. It comes back whole, and Dialect.Edits takes it out when the conversation goes on at Google.
const (
	// openRouterFormat is the word in reasoning_details for reasoning that Google alone can read.
	openRouterFormat = "google-gemini-v1"
	// unsigned is Google's word for calls that another model made: it switches the check of this one signature off.
	unsigned = "skip_thought_signature_validator"
	// packed is how every packSignature begins: base64 of {"tollgate":
	packed = "eyJ0b2xsZ2F0ZSI6"
)

// where says which part a signature belongs to.
type where string

const (
	onNext where = "next"
	onEnd  where = "end"
)

func onCall(id string) where { return where("call:" + id) }

// carrier is the part that a signature travels in.
func carrier(at where, signature, path string) chat.Part {
	return chat.Part{
		Kind: chat.Redacted, Path: path, Data: provider.Seal(provider.Gemini, string(at)+":"+signature),
		Extra: map[string]json.RawMessage{
			dialectName:                 json.RawMessage(`{"thoughtSignature":true}`),
			string(provider.OpenAIChat): json.RawMessage(`{"type":"reasoning.encrypted","format":"` + openRouterFormat + `"}`),
		},
	}
}

// googleThought marks a thought as Google's, and signed if it is.
func googleThought(p chat.Part, signature string) chat.Part {
	p.Signature = provider.Seal(provider.Gemini, signature)
	p.Extra = carrier(onNext, "", "").Extra
	return p
}

// carried reads a carrier, ours or OpenRouter's; false for anything else.
func carried(p chat.Part) (at where, signature string, ok bool) {
	if p.Kind != chat.Redacted {
		return "", "", false
	}
	if maker, rest := provider.Unseal(p.Data); maker == provider.Gemini {
		i := strings.LastIndexByte(rest, ':')
		if i < 0 || rest[i+1:] == "" {
			return "", "", false
		}
		return where(rest[:i]), rest[i+1:], true
	}
	var d struct {
		ID     string `json:"id"`
		Format string `json:"format"`
	}
	raw, ok := p.Extra[string(provider.OpenAIChat)]
	if !ok || json.Unmarshal(raw, &d) != nil || d.Format != openRouterFormat || p.Data == "" {
		return "", "", false
	}
	if d.ID != "" {
		return onCall(d.ID), p.Data, true
	}
	return onNext, p.Data, true
}

// foreign is what another maker signed.
type foreign struct {
	Kind      string                     `json:"kind"` // "thinking", "redacted"
	Signature string                     `json:"signature,omitempty"`
	Data      string                     `json:"data,omitempty"`
	Extra     map[string]json.RawMessage `json:"extra,omitempty"`
}

// packSignature makes another maker's proof a thoughtSignature; "" when there is nothing to prove.
func packSignature(p chat.Part) string {
	f := foreign{Signature: p.Signature, Data: p.Data, Extra: p.Extra}
	switch {
	case p.Kind == chat.Thinking && p.Signature != "":
		f.Kind = "thinking"
	case p.Kind == chat.Redacted && p.Data != "":
		f.Kind = "redacted"
	default:
		return ""
	}
	return base64.StdEncoding.EncodeToString(wire.Marshal(map[string]foreign{"tollgate": f}))
}

// unpackSignature reads what packSignature made. The SDKs decode and encode it, in either alphabet.
func unpackSignature(signature string) (foreign, bool) {
	if !strings.HasPrefix(signature, packed) {
		return foreign{}, false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(standardBase64(signature), "="))
	if err != nil {
		return foreign{}, false
	}
	var v struct {
		F foreign `json:"tollgate"`
	}
	if json.Unmarshal(raw, &v) != nil || (v.F.Kind != "thinking" && v.F.Kind != "redacted") {
		return foreign{}, false
	}
	return v.F, true
}

// standardBase64 makes base64 of the alphabet for addresses, which Google's SDKs for Python write, the one that all providers read.
func standardBase64(s string) string {
	if strings.ContainsAny(s, "-_") {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	}
	if n := len(s) % 4; n != 0 && !strings.HasSuffix(s, "=") {
		s += strings.Repeat("=", 4-n)
	}
	return s
}

// proof is the thoughtSignature of a thought: Google's own, or what another maker signed, packed.
func proof(p chat.Part) string {
	if maker, own := provider.Unseal(p.Signature); maker == provider.Gemini {
		return own
	}
	return packSignature(p)
}
