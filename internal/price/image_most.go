package price

import (
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// ImageMost is the dearest that one image of a model is listed at, over all sizes and qualities that a call of this size and quality may
// mean: an empty one, and "auto", may be any. false: no image of the model is listed by the piece for it.
func (b *Book) ImageMost(provider, model, size, quality string, at time.Time) (money.Price, bool) {
	most, found := money.Price(0), false
	take := func(r Record) {
		if x := r.Rates[chat.Images]; x.Listed {
			most, found = max(most, x.Price), true
		}
	}
	of := file(provider, model)
	wantSize, sized := imageSize(size)
	wantQuality := fold(quality)
	for l := b; l != nil; l = l.base {
		if l.sized[of] {
			for n := range l.rows {
				q, s, ok := sizes(n.model, of.model)
				if n.provider != of.provider || !ok || sized && s != wantSize || wantQuality != "" && wantQuality != "auto" && q != "" && q != wantQuality {
					continue
				}
				if r, ok := l.inForce(n, at); ok {
					take(r)
				}
			}
		}
	}
	if r, ok := b.Lookup(provider, model, at); ok {
		take(r)
	}
	return most, found
}

// sizes splits the name of a price by size that is one of model: quality, which may be empty, and size.
func sizes(listed, model string) (quality, size string, ok bool) {
	rest, ok := strings.CutSuffix(listed, "/"+model)
	if !ok {
		return "", "", false
	}
	if q, s, two := strings.Cut(rest, "/"); two {
		return q, s, listedSize(s)
	}
	return "", rest, listedSize(rest)
}
