package console

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// exposition writes the families in Prometheus's text format, version 0.0.4.
func (c *Console) exposition(look *Look) []byte {
	var out bytes.Buffer
	for _, set := range familySets() {
		if set.isChosen != nil && !set.isChosen(&c.o) {
			continue
		}
		for i := range set.families {
			f := &set.families[i]
			s := samples{family: f, out: &out}
			f.collect(look, &s)
		}
	}
	for _, v := range look.Own {
		fmt.Fprintf(&out, "# TYPE %s %s\n%s %d\n", v.Name, kindOf(v.Name), v.Name, v.Value)
	}
	return out.Bytes()
}

func kindOf(name string) string {
	if strings.HasSuffix(name, "_total") {
		return counter
	}
	return gauge
}

// samples takes the samples of a family; the head is written with the first one.
type samples struct {
	family *family
	out    *bytes.Buffer
	begun  bool
}

// add writes a sample with the values of the family's labels; fewer values leave the last
// labels out. The format wants UTF-8, which what clients choose as names need not be.
func (s *samples) add(value float64, labels ...string) {
	f := s.family
	if !s.begun {
		fmt.Fprintf(s.out, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		s.begun = true
	}
	s.out.WriteString(f.name)
	for i, v := range labels {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		s.out.WriteByte(separator)
		s.out.WriteString(f.labels[i])
		s.out.WriteString(`="`)
		_, _ = labelEscaper.WriteString(s.out, strings.ToValidUTF8(v, "\uFFFD")) // a buffer takes everything
		s.out.WriteByte('"')
	}
	if len(labels) > 0 {
		s.out.WriteByte('}')
	}
	s.out.WriteByte(' ')
	s.out.Write(strconv.AppendFloat(s.out.AvailableBuffer(), value, 'g', -1, 64))
	s.out.WriteByte('\n')
}

var labelEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(n int32) string { return strconv.Itoa(int(n)) }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
