package layering

import (
	"bufio"
	"fmt"
	"go/ast"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Sizes in lines. Above the soft limit a file or function needs a line in
// sizes.txt that names its size; it may shrink there, never grow. Nothing
// passes the hard limit.
const (
	fileSoft, fileHard, testFileHard = 500, 800, 1000
	functionSoft, functionHard       = 70, 100
)

// exceptions reads sizes.txt: "path lines" or "path function lines".
func exceptions(t *testing.T) map[string]int {
	t.Helper()
	file, err := os.Open("sizes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	allowed := make(map[string]int)
	for s := bufio.NewScanner(file); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, size, ok := cutLast(line)
		n, err := strconv.Atoi(size)
		if !ok || err != nil {
			t.Fatalf("sizes.txt: %q is not a name and a number of lines", line)
		}
		allowed[name] = n
	}
	return allowed
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	allowed := exceptions(t)
	used := make(map[string]bool)
	check := func(name string, lines, soft, hard int) {
		limit, listed := allowed[name]
		used[name] = used[name] || listed
		switch {
		case lines > hard:
			t.Errorf("%s has %d lines, over the wall of %d: split it", name, lines, hard)
		case lines > soft && !listed:
			t.Errorf("%s has %d lines, over %d: split it, or argue for it in sizes.txt", name, lines, soft)
		case listed && lines > limit:
			t.Errorf("%s grew from %d to %d lines: what is listed may only shrink", name, limit, lines)
		case listed && lines <= soft:
			t.Errorf("%s has %d lines now: take it off sizes.txt", name, lines)
		}
	}
	for _, f := range sourceFiles(t) {
		if f.isTest() {
			check(f.path, f.lines, testFileHard, testFileHard)
			continue
		}
		check(f.path, f.lines, fileSoft, fileHard)
		for _, d := range f.tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				lines := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1
				check(fmt.Sprintf("%s %s", f.path, fn.Name.Name), lines, functionSoft, functionHard)
			}
		}
	}
	for name, listed := range allowed {
		if !used[name] {
			t.Errorf("sizes.txt lists %s (%d lines), which does not exist", name, listed)
		}
	}
}
