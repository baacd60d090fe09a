package main

import (
	"strings"
	"testing"
)

func TestTheReportDividesMediansByTheReverseProxys(t *testing.T) {
	t.Parallel()
	f := newFigures()
	cpu := figure{name: "CPU", unit: "µs", limit: 1.5}
	for _, v := range []float64{50, 900, 60} {
		f.add(cpu, "reverseproxy", v)
	}
	for _, v := range []float64{90, 80, 10} {
		f.add(cpu, "tollgate", v)
	}
	f.add(figure{name: "memory", unit: "KB"}, "tollgate", 41)
	r := f.report(true)
	if l := r.Lines[0]; l.Medians["reverseproxy"] != 60 || l.Medians["tollgate"] != 80 || l.Ratio < 1.33 || l.Ratio > 1.34 || !*l.Met {
		t.Errorf("%+v", l)
	}
	if l := r.Lines[1]; *l.Met {
		t.Errorf("41 KB meet a limit of 40: %+v", l)
	}
	if s := r.table(); !strings.Contains(s, "1.33") || !strings.Contains(s, "✗") {
		t.Errorf("%s", s)
	}
}
