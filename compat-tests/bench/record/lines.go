package record

import (
	"bytes"
	"regexp"
)

// listOfNumbers is one that the encoder has spread over lines; no string has a line break.
var listOfNumbers = regexp.MustCompile(`\[\n[-+0-9.eE,\s]+\]`)

// oneLine has the samples of a figure on one line, so that the history stays
// small and a change of one figure is a change of one line.
func oneLine(list []byte) []byte { return bytes.Join(bytes.Fields(list), nil) }
