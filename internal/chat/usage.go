package chat

// Class is one kind of billable unit. Classes are disjoint: a token is counted in exactly one of them, so a cost is
// the plain sum of units × price. Wire totals (prompt_tokens, total_tokens, …) are derived from the classes.
type Class uint8

// The classes. Order is storage order: only append.
const (
	Input        Class = iota // uncached input text tokens
	CacheRead                 // input tokens served from the provider's cache
	CacheWrite5m              // input tokens written to a cache of about 5 minutes (and caches with no stated life)
	CacheWrite1h              // input tokens written to a cache of an hour
	Output                    // output tokens other than reasoning
	Reasoning                 // output tokens spent on reasoning
	InputAudio                // audio tokens in
	OutputAudio               // audio tokens out
	WebSearch                 // hosted web searches, a unit each
	Classes                   // number of classes
)

var classNames = [Classes]string{
	"input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "output_audio", "web_search",
}

// String is the stable name used in the API, the schema and the price file.
func (c Class) String() string { return classNames[c] }

// ParseClass finds a class by name.
func ParseClass(name string) (Class, bool) {
	for i, n := range classNames {
		if n == name {
			return Class(i), true
		}
	}
	return 0, false
}

// Source says where a usage came from. The zero Source is "nothing known", which is not zero tokens.
type Source uint8

// The sources.
const (
	Unknown   Source = iota // the provider said nothing and nothing was seen
	Reported                // the provider's own count
	Estimated               // counted by us from what was seen (a cut stream, a provider that reports nothing)
)

// Units holds a count for each class.
type Units [Classes]int64

// Usage is what one attempt consumed.
type Usage struct {
	Units  Units
	Source Source
}

// InputTotal is every input token, however served.
func (u Units) InputTotal() int64 {
	return u[Input] + u[CacheRead] + u[CacheWrite5m] + u[CacheWrite1h] + u[InputAudio]
}

// OutputTotal is every output token, reasoning included.
func (u Units) OutputTotal() int64 { return u[Output] + u[Reasoning] + u[OutputAudio] }

// Add returns the sum by class.
func (u Units) Add(v Units) Units {
	for i := range u {
		u[i] += v[i]
	}
	return u
}
