package grouptools

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// memberIDs of the classic protocol are CLIENT-UUID; the consumer protocol has
// 16 bytes in base64. Both stand at the end of a word, and lengths do not vary.
var memberIDs = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(^|\s)[A-Za-z0-9_-]{22}(\s|$)`)

var stackFrames = regexp.MustCompile(`(?m)^(\tat |\t\.\.\. ).*\n`)

// epochs of features are how often anything of the cluster's metadata was written.
var epochs = regexp.MustCompile(`\bEpoch: \d+`)

// elsewhere is where a broker keeps what, and which of its ports are open: folders,
// the endpoints of controllers, the column of ports.
var elsewhere = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"logDir":"[^"]*"`), `"logDir":"<folder>"`},
	{regexp.MustCompile(`"log_dirs":\["/[^"]*"\]`), `"log_dirs":["<folder>"]`},
	{regexp.MustCompile(`, "endpoints": \[[^\]]*\]`), ""},
	{regexp.MustCompile(`(?m)^(\d+ +127\.0\.0\.1 )\d+ `), "${1}<port> "},
}

// progress is how far the metadata are: ends of the log, epochs, times of fetches.
var progress = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?m)^(HighWatermark|LeaderEpoch): +\d+$`), "$1: <number>"},
	{regexp.MustCompile(`(?m)^(\d+ +\t\S+\t)\d+ +(\t\d+ +\t)\d{13} +\t\d{13} +\t`), "$1<end>$2<time>\t<time>\t"},
}

// credentials of a user come in any order.
var credentials = regexp.MustCompile(`(?m)^SCRAM credential configs .*$`)

// otherFeatures are of APIs that are not compared here: groups of Kafka Streams.
var otherFeatures = regexp.MustCompile(`(?m)^Feature: streams\.version.*\n`)

// usage is how a tool describes itself after an error: the same for every broker.
var usage = regexp.MustCompile(`(?m)^( .*|--.*|Option .*|-+ +-+)\n`)

// normalise takes out what differs between two brokers, or two runs, by right:
// the address, stack frames, the order of lines (the tools print what hash maps
// give them), and member ids, which get numbers in the order in which they appear
// once the lines are sorted.
func normalise(text, bootstrap string) string {
	text = stackFrames.ReplaceAllString(strings.ReplaceAll(text, bootstrap, "BOOTSTRAP"), "")
	text = otherFeatures.ReplaceAllString(text, "")
	for _, r := range slices.Concat(elsewhere, progress) {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	text = credentials.ReplaceAllStringFunc(text, func(line string) string {
		head, list, _ := strings.Cut(line, " are ")
		mechanisms := strings.Split(list, ", ")
		slices.Sort(mechanisms)
		return head + " are " + strings.Join(mechanisms, ", ")
	})
	text = epochs.ReplaceAllString(text, "Epoch: <epoch>")
	if strings.Contains(text, "\n------ ") {
		text = usage.ReplaceAllString(text, "")
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(mask(a), mask(b)) })
	numbers := map[string]int{}
	for i, line := range lines {
		lines[i] = memberIDs.ReplaceAllStringFunc(line, func(id string) string {
			bare := strings.TrimSpace(id)
			if numbers[bare] == 0 {
				numbers[bare] = len(numbers) + 1
			}
			return strings.Replace(id, bare, fmt.Sprintf("<member %d>", numbers[bare]), 1)
		})
	}
	return strings.Join(lines, "\n") + "\n"
}

func mask(line string) string { return memberIDs.ReplaceAllString(line, "<member>") }
