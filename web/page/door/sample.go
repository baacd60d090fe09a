package door

// sampleSupport and sampleSearch are the lines of the sample figures: weeks with quiet ends.
func sampleSupport() []int64 {
	return []int64{34, 33, 11, 8, 38, 37, 34, 40, 35, 12, 10, 38, 42, 47, 39, 41, 16, 18, 47, 46, 53, 85, 79, 16, 15, 46, 49, 55, 48}
}

func sampleSearch() []int64 {
	return []int64{65, 57, 18, 6, 49, 54, 69, 62, 58, 21, 18, 59, 75, 72, 58, 69, 22, 31, 75, 61, 83, 57, 67, 30, 15, 70, 56, 77, 80}
}
