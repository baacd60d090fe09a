package app

import "testing"

func TestTheCollectorsReserveIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		live uint64
		want int
	}{
		{"a process that has not collected yet", 0, 400},
		{"a small heap may hold four times its size of garbage", 8 << 20, 400},
		{"a middling heap has the fixed reserve", 64 << 20, 200},
		{"a large heap is collected as Go does it", 1 << 30, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := collectPercent(tt.live); got != tt.want {
				t.Errorf("collectPercent(%d) = %d, want %d", tt.live, got, tt.want)
			}
		})
	}
}
