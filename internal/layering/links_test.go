package layering

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	notSlug = regexp.MustCompile(`[^\pL\pN _-]`)
)

// anchors are what a page's headings are called in links: small letters, dashes for
// spaces, no other signs.
func anchors(page string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		name := notSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// A link of a page to a file or a heading leads somewhere. Those to the web are not followed.
func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	links := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "bin" || name == "node_modules" || name == "target") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(page), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			if problem := broken(path, string(page), m[1]); problem != "" {
				t.Errorf("%s links to %s: %s", path, m[1], problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 20 {
		t.Errorf("only %d links were found: is this the whole tree?", links)
	}
}

func broken(path, page, target string) string {
	file, anchor, _ := strings.Cut(target, "#")
	if file != "" {
		path = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
		info, err := os.Stat(path)
		if err != nil {
			return "there is no such file"
		}
		if anchor == "" || info.IsDir() {
			return ""
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		page = string(text)
	}
	if !slices.Contains(anchors(page), anchor) {
		return "there is no such heading"
	}
	return ""
}

func TestAnchorsOfHeadings(t *testing.T) {
	page := "# One: two, `three`\n\n```sh\n# no heading\n```\n## What's 4.3?\n"
	if got := anchors(page); !slices.Equal(got, []string{"one-two-three", "whats-43"}) {
		t.Errorf("%q", got)
	}
	for target, want := range map[string]string{
		"#whats-43": "", "#no-heading": "there is no such heading", "nowhere.md": "there is no such file", "links_test.go": "",
	} {
		if got := broken("links_test.go", page, target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}
