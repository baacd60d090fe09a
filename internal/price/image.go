package price

import (
	"strings"
	"time"

	"tollgate/internal/chat"
)

// The price of an image depends on its size and quality, and lists name it so: "high/1024-x-1024/gpt-image-1" is what an image of
// gpt-image-1 of that quality and size costs. These names are in the catalogue as models of the provider, but nobody can call them:
// Models leaves them out, and Image finds them.

// ImageModels gives the names under which the price of an image may be listed, the most exact first:
//
//	quality/size/model, size/model, model
//
// A size is written "1024x1024" or "1024-x-1024". An empty size or quality, and "auto", are not known: what needs them is left out.
func ImageModels(model, size, quality string) []string {
	var out []string
	if s, ok := imageSize(size); ok {
		if q := fold(quality); q != "" && q != "auto" {
			out = append(out, q+"/"+s+"/"+model)
		}
		out = append(out, s+"/"+model)
	}
	return append(out, model)
}

// Image finds the record that prices images of a size and quality at an instant, by what was counted; false means unpriced.
//
// Where the answer counts the tokens of its images, the model's own list holds: a price for each image is the provider's estimate of
// those tokens. Else it is the first of ImageModels with a price for an image. A model that is listed by size has no price for a size
// that is not: the plain list would be a guess.
func (b *Book) Image(provider, model, size, quality string, u chat.Units, at time.Time) (Record, bool) {
	plain, ok := b.Lookup(provider, model, at)
	tokens := chat.OutputImage
	if u[tokens] == 0 {
		tokens = chat.Output
	}
	if ok && u[tokens] > 0 && plain.Rates[tokens].Listed {
		return plain, true
	}
	names := ImageModels(model, size, quality)
	for l := b; l != nil; l = l.base { // an override of any of the names stands before the catalogue's
		for i, m := range names {
			if i > 0 && i == len(names)-1 && l.sized[file(provider, model)] {
				return Record{}, false
			}
			r, by := l.match(file(provider, m), at)
			if by != unknown && (l.base == nil || by <= spelled) && r.Rates[chat.Images].Listed {
				return r, true
			}
		}
	}
	return plain, ok
}

// sizedImage splits the name of a price by size: "high/1024-x-1024/gpt-image-1" is gpt-image-1.
func sizedImage(model string) (of string, ok bool) {
	first, rest, cut := strings.Cut(model, "/")
	if !cut {
		return "", false
	}
	if listedSize(first) {
		return rest, rest != ""
	}
	second, rest, cut := strings.Cut(rest, "/")
	return rest, cut && rest != "" && listedSize(second)
}

// imageSize is a size as lists write it: "1024-x-1024".
func imageSize(s string) (string, bool) {
	s = fold(s)
	if !strings.Contains(s, "-x-") {
		s = strings.Replace(s, "x", "-x-", 1)
	}
	return s, listedSize(s)
}

// listedSize reports two numbers around "-x-", each of at most five digits.
func listedSize(s string) bool {
	w, h, ok := strings.Cut(s, "-x-")
	return ok && w != "" && h != "" && len(w) <= 5 && len(h) <= 5 && digits(w) > 0 && digits(h) > 0
}
