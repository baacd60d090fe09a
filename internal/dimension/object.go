package dimension

// Object is the selector as one object, dimension to value: its form in the API and in storage.
func (s Selector) Object() map[string]string {
	out := make(map[string]string, len(s))
	for _, m := range s {
		out[string(m.Dimension)] = m.Value
	}
	return out
}

// FromObject is the selector that Object wrote, in its normal form. It is not checked.
func FromObject(o map[string]string) Selector {
	out := make(Selector, 0, len(o))
	for d, v := range o {
		out = append(out, Match{Name(d), v})
	}
	return out.Normal()
}
