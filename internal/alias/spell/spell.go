// Package spell finds the word that somebody may have meant.
package spell

// Near is the one of words that is at most two slips of the finger away from word; "": none is.
func Near(word string, words []string) string {
	best, slips := "", 3
	for _, w := range words {
		if d := Distance(word, w); d < slips && d < len(word) {
			best, slips = w, d
		}
	}
	return best
}

// Distance is Levenshtein's: the number of single-byte edits between two words; swapping neighbours counts as two.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// shown is how many characters of what somebody wrote a message shows.
const shown = 60

// Clip bounds what somebody wrote before a message shows it.
func Clip(s string) string {
	if r := []rune(s); len(r) > shown {
		return string(r[:shown]) + "…"
	}
	return s
}
