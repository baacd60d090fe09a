package provider

import (
	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/rerank"
)

// Bridge translates one call between two dialects of the same operation: its request first, then the answer. It is used by one
// goroutine.
type Bridge interface {
	// Request decodes the client's body and encodes it for the provider, under the provider's name of the model.
	Request(body []byte, h Head, model string, how chat.Encoding) ([]byte, error)
	// Answer decodes a provider's whole answer. What the body does not say is taken from known.
	Answer(body []byte, known Known) (Answer, error)
}

// Known is what the gateway knows of an answer besides its body: providers name the model in the path and count in headers.
type Known struct {
	ID    string
	Model string
	Usage chat.Usage
}

// Answer is a provider's whole answer on its way to a client of another dialect.
type Answer interface {
	Usage() chat.Usage
	// Append writes it for the client. cost is in dollars; "" when it is not known.
	Append(dst []byte, cost string) []byte
}

// asked is what the gateway sets in every neutral request: where it goes, how it is encoded, and what stood in the URL.
type asked[Q any] interface {
	Aimed(model string, stream bool, how chat.Encoding) Q
}

// answered is what every neutral answer tells, and takes.
type answered[A any] interface {
	Used() chat.Usage
	// Filled sets what the answer does not say.
	Filled(id, model string, u chat.Usage) A
	Costing(dollars string) A
}

// Join makes the bridge from a client's dialect to a provider's; false when they are not of one operation, or it does not translate.
func Join(from Client, to Target) (Bridge, bool) {
	if from.Operation() != to.Operation() {
		return nil, false
	}
	switch to.Operation() {
	case Chat:
		return join[chat.Request, chat.Response](from, to)
	case Embed:
		return join[embed.Request, embed.Response](from, to)
	case Rerank:
		return join[rerank.Request, rerank.Response](from, to)
	case Count:
		return join[chat.Request, chat.Count](from, to)
	case Image, Speech, Transcribe, Moderate, Files: // these pass through or not at all
	}
	return nil, false
}

// shaping is a neutral request that says in which form its answer is wanted: vectors as numbers or as base64.
type shaping[A any] interface {
	Shape(a A) (A, error)
}

func join[Q asked[Q], A answered[A]](from, to Dialect) (Bridge, bool) {
	client, ok := from.(Reads[Q, A])
	target, able := to.(Writes[Q, A])
	return &bridge[Q, A]{client: client, target: target}, ok && able
}

type bridge[Q asked[Q], A answered[A]] struct {
	client Reads[Q, A]
	target Writes[Q, A]
	form   shaping[A] // what Request read, where it decides the answer's form; an open stream must not hold a prompt
}

func (b *bridge[Q, A]) Request(body []byte, h Head, model string, how chat.Encoding) ([]byte, error) {
	q, err := b.client.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	b.form, _ = any(q).(shaping[A])
	out, err := b.target.BuildRequest(q.Aimed(model, h.Stream, how))
	if err != nil {
		return nil, &Inexpressible{err}
	}
	return out, nil
}

func (b *bridge[Q, A]) Answer(body []byte, known Known) (Answer, error) {
	a, err := b.target.ParseResponse(body)
	if err != nil {
		return nil, err
	}
	a = a.Filled(known.ID, known.Model, known.Usage)
	if b.form != nil {
		if a, err = b.form.Shape(a); err != nil {
			return nil, ErrBadAnswer.Because(err)
		}
	}
	return reply[A]{b.client, a}, nil
}

// appends is a client's end that writes answers.
type appends[A any] interface {
	AppendResponse(dst []byte, a A) []byte
}

type reply[A answered[A]] struct {
	client appends[A]
	answer A
}

func (r reply[A]) Usage() chat.Usage { return r.answer.Used() }

func (r reply[A]) Append(dst []byte, cost string) []byte {
	return r.client.AppendResponse(dst, r.answer.Costing(cost))
}

// Local is an answer that is no provider's, for a client.
func Local[A answered[A]](client Client, a A) (Answer, bool) {
	writes, ok := client.(appends[A])
	return reply[A]{writes, a}, ok
}

// Inexpressible means that a target's dialect cannot say what the client asked; another target's may.
type Inexpressible struct{ Err error }

func (e *Inexpressible) Error() string { return e.Err.Error() }

// Unwrap gives the declared failure.
func (e *Inexpressible) Unwrap() error { return e.Err }
