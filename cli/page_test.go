package cli

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write docs/cli.md again")

const page = "../docs/cli.md"

// TestPageIsFresh compares what the page says of commands and JSON with the tables and types here.
func TestPageIsFresh(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := section(t, section(t, string(text), "## Commands", commandTable()), "## JSON", jsonTables(t))
	if want == string(text) {
		return
	}
	if !*rewrite {
		t.Fatalf("%s is stale: go generate ./cli", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// section puts new text between a heading and the next one of its kind.
func section(t *testing.T, text, heading, body string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, heading+"\n")
	at := strings.Index(rest, "\n## ")
	if !found || at < 0 {
		t.Fatalf("%s has no %q with something behind", page, heading)
	}
	return before + heading + "\n\n" + strings.TrimSpace(body) + "\n" + rest[at:]
}

func commandTable() string {
	var b strings.Builder
	b.WriteString("| Command | What it does | `--json` prints |\n|---|---|---|\n")
	for _, v := range verbs() {
		prints := ""
		if v.prints != nil {
			kind := reflect.TypeOf(v.prints)
			switch {
			case kind.Kind() == reflect.Slice:
				prints = "an array of " + kind.Elem().Name()
			case v.lines:
				prints = kind.Name() + ", one on each line"
			default:
				prints = kind.Name()
			}
		}
		use := strings.ReplaceAll(strings.TrimSuffix(v.use(), " [flags]"), "|", `\|`)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", use, v.about, prints)
	}
	return b.String()
}

func jsonTables(t *testing.T) string {
	var b strings.Builder
	b.WriteString("Fields may be added in later versions, but neither renamed nor taken away. A field with `?` may be absent; all others are always there.\n")
	for _, kind := range printedTypes() {
		fmt.Fprintf(&b, "\n### %s\n\n| Field | Type | Meaning |\n|---|---|---|\n", kind.Name())
		for i := range kind.NumField() {
			field := kind.Field(i)
			name, optional := jsonName(field)
			if optional {
				name += "?"
			}
			about := field.Tag.Get("about")
			if about == "" {
				t.Errorf("%s.%s says not what it is about", kind.Name(), field.Name)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, typeName(field.Type), about)
		}
	}
	return b.String()
}

func jsonName(field reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name, options == "omitempty"
}

// printedTypes are the types of --json and those that they are made of.
func printedTypes() []reflect.Type {
	var all []reflect.Type
	var add func(reflect.Type)
	add = func(kind reflect.Type) {
		switch kind.Kind() {
		case reflect.Slice, reflect.Pointer:
			add(kind.Elem())
		case reflect.Struct:
			if slices.Contains(all, kind) {
				return
			}
			all = append(all, kind)
			for i := range kind.NumField() {
				add(kind.Field(i).Type)
			}
		}
	}
	for _, v := range verbs() {
		if v.prints != nil {
			add(reflect.TypeOf(v.prints))
		}
	}
	return all
}

func typeName(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.Pointer:
		return typeName(kind.Elem()) + " or null"
	case reflect.Slice:
		return "array of " + typeName(kind.Elem())
	case reflect.Map:
		return "object of " + typeName(kind.Elem())
	case reflect.Struct:
		return kind.Name()
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	}
	return "number"
}
