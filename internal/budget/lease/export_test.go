package lease

// Count is how many leases are in memory.
func Count(b *Book) (n int) {
	for _, d := range b.all() {
		n += d.size()
	}
	return n
}
