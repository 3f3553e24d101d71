package testbed

import (
	"fmt"
	"slices"
	"testing"
)

// However often one promise was broken, the others are told of too.
func TestAReportHasSomeOfEachKind(t *testing.T) {
	var findings []string
	for value := range 1000 {
		findings = append(findings, fmt.Sprintf("partition 0: reordered: value %d at offset %d", value, value+200))
	}
	findings = append(findings, "partition 11: doubled: value 8 at offsets 2 and 3", "short")
	want := append(slices.Clone(findings[:reportMax]), "partition 11: doubled: value 8 at offsets 2 and 3", "short", "and 995 more like these")
	if got := someOfEach(findings); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := someOfEach(findings[:reportMax]); !slices.Equal(got, findings[:reportMax]) {
		t.Errorf("%q", got)
	}
}
