package applets

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// setClasses are tr's classes in ASCII, each in its order: [:upper:] and [:lower:] go
// together.
var setClasses = map[string]string{
	"upper": "A-Z", "lower": "a-z", "digit": "0-9", "alpha": "A-Za-z", "alnum": "0-9A-Za-z", "xdigit": "0-9A-Fa-f",
	"blank": `\t `, "space": `\t-\r `, "punct": "!-/:-@[-`{-~", "cntrl": `\000-\037\177`,
}

// expandSet lists the letters of one of tr's sets: ranges, classes, and what a
// backslash or three octal digits behind it stand for.
func expandSet(set string) (all []rune, err error) {
	for set != "" {
		if class, isClass := strings.CutPrefix(set, "[:"); isClass {
			name, rest, ended := strings.Cut(class, ":]")
			chars, known := setClasses[name]
			if !ended || !known {
				return nil, fmt.Errorf("no class %q", name)
			}
			members, err := expandSet(chars)
			if err != nil {
				return nil, err
			}
			all, set = append(all, members...), rest
			continue
		}
		from, rest := setRune(set)
		to := from
		if end, isRange := strings.CutPrefix(rest, "-"); isRange && end != "" {
			to, rest = setRune(end)
		}
		if set = rest; to < from {
			return nil, fmt.Errorf("%c-%c is the wrong way round", from, to)
		}
		for r := from; r <= to; r++ {
			all = append(all, r)
		}
	}
	return all, nil
}

// setRune takes one letter off a set.
func setRune(set string) (r rune, rest string) {
	if set[0] != '\\' || len(set) == 1 {
		r, size := utf8.DecodeRuneInString(set)
		return r, set[size:]
	}
	digits := 0
	for digits < 3 && 1+digits < len(set) && set[1+digits] >= '0' && set[1+digits] <= '7' {
		digits++
	}
	if digits > 0 {
		n, _ := strconv.ParseUint(set[1:1+digits], 8, 16) // digits only
		return rune(n), set[1+digits:]
	}
	r, size := utf8.DecodeRuneInString(set[1:])
	if at := strings.IndexRune("abtnvfr", r); at >= 0 { // in ASCII's order, from 7 on
		r = rune(7 + at)
	}
	return r, set[1+size:]
}
