package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/composefile"
)

// composeInput is what a start is given that an example of testdata/compose describes.
func composeInput(t *testing.T, name string) (in Input, warnings Problems) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := composefile.Parse(text)
	in = Input{Profile: "dev", Family: familyNamed(t, f.Family), Environ: f.Environ, ReadFile: f.ReadFile}
	if in.Family == Redpanda {
		start, err := FromRedpanda(f.Args, in.Environ)
		if err != nil {
			t.Fatal(err)
		}
		in.Given, warnings = start.Settings, start.Warnings
	}
	return in, warnings
}

func familyNamed(t *testing.T, name string) Family {
	t.Helper()
	for f := range familyTraits {
		if Family(f).String() == name {
			return Family(f)
		}
	}
	t.Fatalf("no family is called %q", name)
	return NoFamily
}

// The environments of compose files and launchers as found in the wild: what each
// means in Kafka's settings, what the user is told, and what is refused.
func TestEnvironmentsOfComposeFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/compose/*.env")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".env"), func(t *testing.T) {
			golden(t, strings.TrimSuffix(name, ".env")+".golden", []byte(meaning(t, name)))
		})
	}
}

// meaning is what a start with the file comes to, for people.
func meaning(t *testing.T, name string) string {
	t.Helper()
	in, warnings := composeInput(t, name)
	var out strings.Builder
	s, err := Load(in)
	if err != nil {
		fmt.Fprintf(&out, "refused\n%s\n", indented(err.Error()))
		return out.String()
	}
	b, err := s.Broker(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "listens\n")
	for _, l := range b.Listeners {
		fmt.Fprintf(&out, "  %s %s\n", l, l.Protocol)
	}
	fmt.Fprintf(&out, "advertises\n")
	for _, l := range b.AdvertisedListeners {
		fmt.Fprintf(&out, "  %s\n", l)
	}
	fmt.Fprintf(&out, "node %d, data in %s\n", b.NodeID, b.LogDirs[0])
	if s.ClusterID != "" {
		fmt.Fprintf(&out, "cluster %s\n", s.ClusterID)
	}
	fmt.Fprintf(&out, "settings\n")
	for _, name := range sortedNames(s.values) {
		if o := s.origin(name); o.Kind > FromProfile || o.Kind == FromProfile && o.Name != "dev" {
			fmt.Fprintf(&out, "  %s=%s (%s)\n", name, s.values[name], o)
		}
	}
	if warnings = append(warnings, s.Warnings...); len(warnings) > 0 {
		fmt.Fprintf(&out, "warnings\n%s\n", indented(warnings.Error()))
	}
	return out.String()
}

func indented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
