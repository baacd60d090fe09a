package gemini

import "tollgate/internal/provider/wire"

// Model is one line of the list of models.
type Model struct {
	Name         string // without "models/"
	DisplayName  string // "": the name
	Description  string
	InputTokens  int64    // the most that a prompt may have; 0: not known
	OutputTokens int64    // the most that an answer may have; 0: not known
	Methods      []string // "generateContent", "streamGenerateContent", "countTokens", "embedContent", …
}

// AppendModels writes a page of the list of models. next is the token of the next page; "" for the last one.
func AppendModels(dst []byte, models []Model, next string) []byte {
	dst = append(dst, `{"models":[`...)
	for i, m := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendModel(dst, m)
	}
	dst = append(dst, ']')
	if next != "" {
		dst = append(dst, `,"nextPageToken":`...)
		dst = wire.AppendString(dst, next)
	}
	return append(dst, '}')
}

// AppendModel writes one model, as the list and the path of a single model show it.
func AppendModel(dst []byte, m Model) []byte {
	dst = append(dst, `{"name":`...)
	dst = wire.AppendString(dst, "models/"+m.Name)
	dst = append(dst, `,"displayName":`...)
	if m.DisplayName == "" {
		m.DisplayName = m.Name
	}
	dst = wire.AppendString(dst, m.DisplayName)
	if m.Description != "" {
		dst = append(dst, `,"description":`...)
		dst = wire.AppendString(dst, m.Description)
	}
	if m.InputTokens > 0 {
		dst = append(dst, `,"inputTokenLimit":`...)
		dst = appendInt(dst, m.InputTokens)
	}
	if m.OutputTokens > 0 {
		dst = append(dst, `,"outputTokenLimit":`...)
		dst = appendInt(dst, m.OutputTokens)
	}
	dst = append(dst, `,"supportedGenerationMethods":`...)
	if m.Methods == nil {
		m.Methods = []string{}
	}
	dst = append(dst, wire.Marshal(m.Methods)...)
	return append(dst, '}')
}
