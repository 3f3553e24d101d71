package layering

import (
	"strings"
	"testing"
)

func TestEveryRoomHasADocComment(t *testing.T) {
	documented := make(map[string]bool)
	for _, f := range sourceFiles(t) {
		if f.isTest() {
			continue
		}
		has := f.tree.Doc != nil && strings.HasPrefix(f.tree.Doc.Text(), "Package ")
		if f.tree.Name.Name == "main" {
			has = f.tree.Doc != nil
		}
		documented[f.room] = documented[f.room] || has
	}
	for room, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: say what it is, what it promises, who owns what", room)
		}
	}
}
