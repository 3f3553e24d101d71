package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// FromRedpandaFile translates a redpanda.yaml, or a .bootstrap.yaml, which holds
// properties of the cluster without a section. The settings' origin is the line of
// the file. What Kafka has no word for is passed over. An error is Problems: the
// text is no YAML, or an address is not what it should be.
func FromRedpandaFile(f File) ([]Setting, error) {
	at := func(line int) Origin { return Origin{Kind: FromFile, Name: f.Name, Line: line} }
	doc, err := parser.ParseBytes(f.Text, 0)
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
		return nil, Problems{{"", at(1), first}}
	}
	var t redpandaTranslation
	for _, d := range doc.Docs {
		for _, one := range yamlEntries(d.Body) {
			switch one.name {
			case "redpanda":
				for _, p := range yamlEntries(one.value) {
					t.nodeProperty(p, at(p.line))
				}
			default:
				t.nodeProperty(one, at(one.line))
			}
		}
	}
	return t.out.Settings, t.wrong.sorted().asError()
}

func (t *redpandaTranslation) nodeProperty(p yamlEntry, origin Origin) {
	switch p.name {
	case "kafka_api", "advertised_kafka_api":
		addresses, err := yamlAddresses(p.value)
		if err != nil {
			t.wrong = append(t.wrong, Problem{p.name, origin, p.name + ": " + err.Error()})
			return
		}
		if p.name == "kafka_api" {
			t.listen(addresses, origin)
		} else {
			t.advertise(addresses, origin)
		}
	case "kafka_api_tls":
		for _, item := range yamlItems(p.value) {
			if strings.EqualFold(yamlText(yamlField(item, "enabled")), "true") {
				t.set("authorizer.class.name", p.name, origin) // refused, as a listener with SSL is
			}
		}
	default:
		if text, ok := yamlScalar(p.value); ok {
			t.property(p.name, text, origin)
		}
	}
}

// yamlAddresses reads a list of addresses, or a single one.
func yamlAddresses(n ast.Node) (all []redpandaAddress, err error) {
	for _, item := range yamlItems(n) {
		a := redpandaAddress{
			name: yamlText(yamlField(item, "name")), host: yamlText(yamlField(item, "address")), port: yamlText(yamlField(item, "port")),
			protocol: redpandaProtocol(yamlText(yamlField(item, "authentication_method"))),
		}
		if a.host == "" {
			return nil, fmt.Errorf("an address is missing")
		}
		if a.port == "" {
			a.port = "9092"
		}
		all = append(all, a)
	}
	return all, nil
}

// yamlEntry is one line of a mapping.
type yamlEntry struct {
	name  string
	value ast.Node
	line  int
}

// yamlEntries are those of a mapping, none of anything else.
func yamlEntries(n ast.Node) (all []yamlEntry) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	for _, v := range values {
		all = append(all, yamlEntry{yamlText(v.Key), v.Value, v.Key.GetToken().Position.Line})
	}
	return all
}

// yamlItems are those of a sequence; a mapping stands for itself.
func yamlItems(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.SequenceNode:
		return n.Values
	case *ast.MappingNode, *ast.MappingValueNode:
		return []ast.Node{n}
	}
	return nil
}

func yamlField(n ast.Node, name string) ast.Node {
	for _, e := range yamlEntries(n) {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

// yamlScalar is the text of a value that is not a list or a mapping.
func yamlScalar(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case nil:
		return "", false
	case *ast.StringNode:
		return n.Value, true
	case *ast.NullNode:
		return "", true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func yamlText(n ast.Node) string {
	if n == nil {
		return ""
	}
	text, ok := yamlScalar(n)
	if !ok {
		if key, isKey := n.(ast.MapKeyNode); isKey {
			return key.GetToken().Value
		}
	}
	return text
}
