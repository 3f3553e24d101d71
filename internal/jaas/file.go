package jaas

import (
	"errors"
	"fmt"
)

// Section is a part of a JAAS file, for one kind of program: NAME { modules };
type Section struct {
	Name    string
	Entries []Entry
}

// Entry is a module of a file.
type Entry struct {
	Module
	// Line is where it begins, from 1 on. Text is what ParseConfig reads as the same module.
	Line int
	Text string
}

// ParseFile reads a JAAS file, as sun.security.provider.ConfigFile does: sections of other
// names, each ended by a semicolon.
func ParseFile(text string) ([]Section, error) {
	s := &scanner{text: text, line: 1}
	var sections []Section
	names := make(map[string]bool)
	for {
		name, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case name.kind == end && len(sections) == 0:
			return nil, errors.New("it holds no section")
		case name.kind == end:
			return sections, nil
		case name.kind == sign:
			return nil, s.unexpected(name, "the name of a section")
		case names[name.text]:
			return nil, fmt.Errorf("line %d: a section is there twice", s.line)
		}
		names[name.text] = true
		section, err := s.section(name.text)
		if err != nil {
			return nil, err
		}
		sections = append(sections, section)
	}
}

// section reads { modules }; after its name.
func (s *scanner) section(name string) (Section, error) {
	section := Section{Name: name}
	if err := s.expect('{'); err != nil {
		return section, err
	}
	for {
		class, err := s.next()
		if err != nil {
			return section, err
		}
		if class.is('}') {
			return section, s.expect(';')
		}
		line, from := s.line, s.began
		m, err := s.module(class)
		if err != nil {
			return section, err
		}
		section.Entries = append(section.Entries, Entry{m, line, s.text[from:s.at]})
	}
}
