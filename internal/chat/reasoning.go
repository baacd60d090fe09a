package chat

// The table of efforts: what share of thinking a word stands for, in tokens. Dialects that know a budget and dialects that know
// a word meet here. A budget becomes the largest word that it pays for.
var efforts = [...]struct {
	word   string
	budget int64
}{
	{"minimal", 1024},
	{"low", 2048},
	{"medium", 8192},
	{"high", 24576},
	{"xhigh", 49152},
	{"max", 65536},
}

// Off reports whether reasoning is not asked for, or asked not to be done.
func (o *ReasoningOptions) Off() bool { return o == nil || o.Disabled || o.Effort == "none" }

// Tokens is the budget in tokens; a word is looked up, and what says neither is medium. 0 when reasoning is off.
func (o *ReasoningOptions) Tokens() int64 {
	switch {
	case o.Off():
		return 0
	case o.Budget > 0:
		return o.Budget
	}
	for _, e := range efforts {
		if e.word == o.Effort {
			return e.budget
		}
	}
	return 8192
}

// Word is the effort as a word that every dialect with efforts knows: low, medium or high, or "" where the model shall decide.
// A word that was given is kept as it is.
func (o *ReasoningOptions) Word() string {
	switch {
	case o.Off():
		return ""
	case o.Effort != "":
		return o.Effort
	case o.Budget <= 0:
		return ""
	}
	word := "low"
	for _, e := range efforts {
		if (e.word == "medium" || e.word == "high") && o.Budget >= e.budget {
			word = e.word
		}
	}
	return word
}
