package terminal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, stream := range map[string]any{"the null device": null, "a file": file, "a pipe": r, "a text": strings.NewReader("")} {
		if Is(stream) {
			t.Errorf("%s is taken for a terminal", name)
		}
	}
}
