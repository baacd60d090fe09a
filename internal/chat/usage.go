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
	InputImage                // image tokens in
	OutputImage               // image tokens out
	Images                    // images made, a unit each
	AudioMS                   // milliseconds of audio listened to, where a provider bills time and not tokens
	Characters                // characters spoken
	SearchUnits               // reranks: a query with up to a hundred documents
	Pages                     // pages read by OCR
	Requests                  // calls that carry a fee of their own
	FileSearch                // hosted file searches, a unit each
	CodeSession               // hosted code interpreter sessions, a unit each
	Classes                   // number of classes
)

var classNames = [Classes]string{
	"input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "output_audio", "web_search",
	"input_image", "output_image", "image", "audio_ms", "character", "search_unit", "page", "request", "file_search", "code_session",
}

// String is the stable name used in the API, the schema and the price file.
func (c Class) String() string { return classNames[c] }

// Token reports a class of tokens; the other classes count things.
func (c Class) Token() bool { return c <= OutputAudio || c == InputImage || c == OutputImage }

// Common is the number of classes that every table has a column for: those from Input on that chat uses.
const Common = WebSearch + 1

// Rare gives the other classes that have units in sum, the sum of a table's rows. They stand behind its other columns: a table grows
// with what is used, and never for those who use chat alone.
func Rare(sum Units) []Class {
	var out []Class
	for c := Common; c < Classes; c++ {
		if sum[c] != 0 {
			out = append(out, c)
		}
	}
	return out
}

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
	return u[Input] + u[CacheRead] + u[CacheWrite5m] + u[CacheWrite1h] + u[InputAudio] + u[InputImage]
}

// OutputTotal is every output token, reasoning included.
func (u Units) OutputTotal() int64 { return u[Output] + u[Reasoning] + u[OutputAudio] + u[OutputImage] }

// Add returns the sum by class.
func (u Units) Add(v Units) Units {
	for i := range u {
		u[i] += v[i]
	}
	return u
}
