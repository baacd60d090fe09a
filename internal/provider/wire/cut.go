package wire

// CutElements gives the edits that take elements out of a list, commas included. list begins at base of what is edited. left is how
// many elements stay.
func CutElements(list []byte, base int, drop func(element []byte) bool) (edits []Edit, left int) {
	w := Walk(list)
	open := -1 // elements from here on are cut at the head of the list: the comma behind them goes too
	for w.Next() {
		if open >= 0 && left == 0 {
			edits = append(edits, Edit{From: base + open, To: base + w.From})
			open = -1
		}
		switch gone := drop(w.Value()); {
		case gone && left == 0:
			open = w.From
		case gone:
			edits = append(edits, Edit{From: base + w.Comma, To: base + w.To})
		default:
			left++
		}
	}
	if open >= 0 {
		edits = append(edits, Edit{From: base + open, To: base + w.To})
	}
	return edits, left
}
