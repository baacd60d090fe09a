package bound

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/form"
	"tollgate/internal/provider/wire"
)

// imageTokens is the most output tokens of one image of the models that OpenAI bills by tokens: 6240 at high quality, and a hundred for
// each of up to three partial images.
const imageTokens = 6240 + 300

// imageMost is what making images weighs: by the piece, or by tokens where the model is listed by those. Which of the two holds is decided
// by what the answer counts, so that the dearer one is taken.
func imageMost(book *price.Book, a *Ask, lists []price.Record) (most, error) {
	if err := askedImages(a); err != nil {
		return most{}, err
	}
	n := max(a.Head.Choices, 1)
	m := most{input: sum(weigh(a.Body), frameCall)}
	if len(lists) > 0 {
		m.price = lists[0].ID
	}
	piece, listed := pieces(book, a)
	for _, l := range lists {
		for _, r := range reach(l, 1<<62) {
			one := rate{fee: feeOf(r)}
			one.in, _ = dearest(r, chat.Input, chat.CacheRead)
			if !r[chat.OutputImage].Listed && !r[chat.Output].Listed {
				if !listed && !r[chat.Requests].Listed {
					return most{}, unlisted(a, chat.Images)
				}
				one.fee.Add(n, piece)
				m.rates = append(m.rates, one)
				continue
			}
			if err := countable(a, r); err != nil {
				return most{}, err
			}
			one.out, _ = dearest(r, chat.OutputImage)
			m.fixed = product(n, imageTokens)
			m.rates = append(m.rates, one)
			one.out = 0
			one.fee.Add(n, piece)
			m.rates = append(m.rates, one)
		}
	}
	return m, nil
}

// pieces is the dearest listed price of one image within the span of the ask.
func pieces(book *price.Book, a *Ask) (piece money.Price, listed bool) {
	for _, at := range append([]time.Time{a.From}, book.Turns(a.From, a.From.Add(a.For))...) {
		if p, ok := book.ImageMost(a.Provider, a.Model, a.Head.Size, a.Head.Quality, at); ok {
			piece, listed = max(piece, p), true
		}
	}
	return piece, listed
}

// countable refuses images billed by tokens whose number is not known: of other models than OpenAI's first, and those that start from
// an image.
func countable(a *Ask, r price.Rates) error {
	switch {
	case a.Dialect != provider.OpenAIImages:
		return unbounded("image", "how many tokens an image has that is sent along is not known", "Make the image from text alone")
	case !strings.HasPrefix(a.Model, "gpt-image-1"), r[chat.Output].Listed:
		return unbounded("model", "how many tokens an image of "+clip(a.Model)+" has is not known", "Name a model that is billed by the image")
	}
	return nil
}

// imageField are the members of a request for images that do not say how many are made.
var imageField = names("model", "prompt", "n", "size", "quality", "style", "response_format", "user", "background", "moderation",
	"output_compression", "output_format", "partial_images", "stream", "seed", "negative_prompt", "guidance_scale", "steps", "num_inference_steps",
	"width", "height", "aspect_ratio", "tollgate", "input_fidelity", "image", "image[]", "mask", "images")

// askedImages refuses a request that may ask for more images than its n says.
func askedImages(a *Ask) error {
	if strings.HasPrefix(a.Head.Line.ContentType, "multipart/") {
		parts, err := form.Scan(a.Head.Line.ContentType, a.Body)
		if err != nil {
			return err
		}
		for _, p := range parts {
			value := string(a.Body[p.From:p.To])
			if p.Name == "n" && value != strconv.FormatInt(a.Head.Choices, 10) {
				return unbounded("n", "this field is no plain number", "Write a whole number")
			}
			if !imageField[p.Name] {
				return unbounded(p.Name, "it may say how many images are made", "Leave it out")
			}
		}
		return nil
	}
	w := wire.Walk(a.Body)
	for w.Next() {
		if name := string(w.Key); !imageField[name] && !w.IsNull() {
			return unbounded(name, "it may say how many images are made", "Leave it out")
		}
	}
	return nil
}

// speechMost is what speaking weighs: by characters. What is billed by the sound made has no bound.
func speechMost(a *Ask, lists []price.Record) (most, error) {
	m := most{price: lists[0].ID}
	for _, l := range lists {
		r := l.Rates
		if !r[chat.Characters].Listed {
			if r[chat.OutputAudio].Listed || r[chat.Output].Listed || r[chat.AudioMS].Listed {
				return most{}, unbounded("model", "the speech of "+clip(a.Model)+" is billed by its length, which is not known before", "Name a model that is billed by the character")
			}
			return most{}, unlisted(a, chat.Characters)
		}
		one := rate{fee: feeOf(r)}
		one.fee.Add(max(a.Head.Characters, spoken(a.Body)), r[chat.Characters].Price)
		one.in, _ = dearest(r, chat.Input)
		if out, _ := dearest(r, chat.Output, chat.OutputAudio); out > 0 {
			return most{}, unbounded("model", "the speech of "+clip(a.Model)+" is billed by its length, which is not known before", "Name a model that is billed by the character")
		}
		m.rates = append(m.rates, one)
	}
	m.input = sum(weigh(a.Body), frameCall)
	return m, nil
}

// spoken is the most characters of the text to be spoken.
func spoken(body []byte) int64 {
	n := int64(0)
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if string(w.Key) == "input" {
			n = max(n, int64(utf8.RuneCount(w.Value())))
		}
	}
	return n
}

// transcribeMost refuses: how long the sound in a file is cannot be told from its bytes.
func transcribeMost(lists []price.Record) (most, error) {
	for _, l := range lists {
		if l.Rates[chat.AudioMS].Price > 0 || !onlyFees(l.Rates) {
			return most{}, unbounded("file", "it is billed by its length, which is not known before it was heard", "Transcribe under a key that only warning budgets cover")
		}
	}
	return feeMost(lists), nil
}

// onlyFees reports a list that bills the call and nothing else.
func onlyFees(r price.Rates) bool {
	for c, x := range r {
		if x.Listed && x.Price > 0 && chat.Class(c) != chat.Requests {
			return false
		}
	}
	return true
}
