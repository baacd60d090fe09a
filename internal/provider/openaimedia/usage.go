package openaimedia

import (
	"math/big"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// usageOf turns the usage object of a media endpoint into disjoint classes. Its details are parts of its totals, and what a detail
// states beyond the total is cut. A cost that the provider states goes into s.
func usageOf(raw []byte, s *provider.Seen) (chat.Usage, bool) {
	var in, out, inImage, inAudio, outImage, outAudio wire.Count
	var u chat.Usage
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "input_tokens":
			in.Read(v)
		case "output_tokens":
			out.Read(v)
		case "input_tokens_details", "input_token_details":
			details(v, &inImage, &inAudio)
		case "output_tokens_details", "output_token_details":
			details(v, &outImage, &outAudio)
		case "seconds": // {"type":"duration","seconds":3}
			if ms, ok := milliseconds(v); ok {
				u.Units[chat.AudioMS], u.Source = ms, chat.Reported
			}
		}
	}
	if w.Err() != nil || !w.IsObject() {
		return chat.Usage{}, false
	}
	s.Cost = openaichat.Cost(raw)
	if in.Known || out.Known {
		u.Source = chat.Reported
		split(&u.Units, in.N, chat.Input, inImage.N, chat.InputImage, inAudio.N, chat.InputAudio)
		split(&u.Units, out.N, chat.Output, outImage.N, chat.OutputImage, outAudio.N, chat.OutputAudio)
	}
	return u, u.Source != chat.Unknown
}

// split gives parts their share of a total, and the rest to its own class.
func split(u *chat.Units, total int64, rest chat.Class, a int64, first chat.Class, b int64, second chat.Class) {
	a = min(a, total)
	b = min(b, total-a)
	u[first], u[second], u[rest] = a, b, total-a-b
}

func details(raw []byte, image, audio *wire.Count) {
	w := wire.Walk(raw)
	for w.Next() {
		switch string(w.Key) {
		case "image_tokens":
			image.Read(w.Value())
		case "audio_tokens":
			audio.Read(w.Value())
		}
	}
}

// hoursMax bounds the length of one piece of audio.
const hoursMax = 1000

// milliseconds reads seconds with a fraction, exactly, rounded up.
func milliseconds(raw []byte) (int64, bool) {
	if text, ok := wire.String(raw); ok { // some servers quote it
		raw = []byte(text)
	}
	r, ok := decimal(raw)
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(1000, 1))
	ms := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	ms.Quo(ms, r.Denom())
	if !ms.IsInt64() || ms.Int64() > hoursMax*3_600_000 {
		return 0, false
	}
	return ms.Int64(), true
}

// decimal reads a number of bounded size that is not below zero.
func decimal(raw []byte) (*big.Rat, bool) {
	if len(raw) == 0 || len(raw) > 32 {
		return nil, false
	}
	for _, c := range raw { // no exponents, fractions or signs
		if (c < '0' || c > '9') && c != '.' {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(raw))
}

// entries counts the elements of an array.
func entries(raw []byte) int64 {
	n := int64(0)
	w := wire.Walk(raw)
	for w.Next() {
		n++
	}
	return n
}

// member is a member of an object; nil when it is not there.
func member(raw []byte, name string) []byte {
	w := wire.Walk(raw)
	for w.Next() {
		if string(w.Key) == name {
			return w.Value()
		}
	}
	return nil
}

// refusalOf reads an error inside a successful answer.
func refusalOf(raw []byte) *provider.Refusal {
	if !wire.Present(raw) {
		return nil
	}
	return openaichat.Refusals{}.ParseRefusal(0, nil, append(append([]byte(`{"error":`), raw...), '}'))
}
