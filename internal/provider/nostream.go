package provider

// NoStream is embedded by targets whose answers are always whole.
type NoStream struct{}

// Streams takes nothing for a stream.
func (NoStream) Streams(string) bool { return false }

// NewTap passes everything and sees nothing: there is no stream to watch.
func (NoStream) NewTap(Head) Tap { return blind{} }

type blind struct{}

func (blind) Feed(chunk []byte) []byte { return chunk }
func (blind) Close() []byte            { return nil }
func (blind) Seen() Seen               { return Seen{} }
