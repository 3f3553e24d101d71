package applets

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// lines calls use with each line, without its end.
func lines(r io.Reader, use func(line string) error) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			if err := use(strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
		if err != nil {
			return ignoreEOF(err)
		}
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func (c *call) cat() int {
	_, names, ok := c.options("u")
	if !ok {
		return statusUsage
	}
	return c.inputs(names, func(_ string, r io.Reader) error {
		_, err := io.Copy(c.out, r)
		return err
	})
}

func (c *call) head() int {
	given, names, ok := c.countOptions("n:c:q")
	if !ok {
		return statusUsage
	}
	count, err := strconv.Atoi(last(given, 'n', "10"))
	if err != nil || count < 0 {
		return c.refuse("-n " + last(given, 'n', ""))
	}
	bytesOnly, err := strconv.Atoi(last(given, 'c', "-1"))
	if err != nil {
		return c.refuse("-c " + last(given, 'c', ""))
	}
	return c.inputs(names, c.titled(names, given, func(r io.Reader) error {
		if bytesOnly >= 0 {
			_, err := io.CopyN(c.out, r, int64(bytesOnly))
			return ignoreEOF(err)
		}
		left := count
		if left == 0 {
			return nil
		}
		err := lines(r, func(line string) error {
			left--
			if _, err := fmt.Fprintln(c.out, line); err != nil || left > 0 {
				return err
			}
			return io.EOF // the next line may never come
		})
		return ignoreEOF(err)
	}))
}

// titled puts each file's name before what is printed of it, if there are several.
func (c *call) titled(names []string, given map[byte][]string, use func(io.Reader) error) func(string, io.Reader) error {
	gap := ""
	return func(name string, r io.Reader) error {
		if len(names) > 1 && !has(given, 'q') {
			if _, err := fmt.Fprintf(c.out, "%s==> %s <==\n", gap, name); err != nil {
				return err
			}
			gap = "\n"
		}
		return use(r)
	}
}

// countOptions takes head's and tail's old form too: -5 is -n 5.
func (c *call) countOptions(notation string) (map[byte][]string, []string, bool) {
	if len(c.args) > 0 && len(c.args[0]) > 1 && c.args[0][0] == '-' {
		if _, err := strconv.Atoi(c.args[0][1:]); err == nil {
			c.args = append([]string{"-n", c.args[0][1:]}, c.args[1:]...)
		}
	}
	return c.options(notation)
}

// tailLinesMax bounds what tail keeps.
const tailLinesMax = 1 << 20

func (c *call) tail() int {
	given, names, ok := c.countOptions("n:fFq")
	if !ok {
		return statusUsage
	}
	count, err := strconv.Atoi(last(given, 'n', "10"))
	if err != nil || count < 0 || count > tailLinesMax {
		return c.refuse("-n " + last(given, 'n', ""))
	}
	if (has(given, 'f') || has(given, 'F')) && len(names) == 1 {
		return c.follow(names[0], count)
	}
	return c.inputs(names, c.titled(names, given, func(r io.Reader) error { return c.lastLines(r, count) }))
}

func (c *call) lastLines(r io.Reader, count int) error {
	var kept []string
	err := lines(r, func(line string) error {
		kept = append(kept, line)
		if len(kept) > count {
			kept = kept[1:]
		}
		return nil
	})
	for _, line := range kept {
		fmt.Fprintln(c.out, line)
	}
	return err
}

// follow is tail -f; `tail -f /dev/null` keeps many containers alive.
func (c *call) follow(name string, count int) int {
	f, err := os.Open(c.path(name))
	if err != nil {
		return c.fail(name, err)
	}
	defer f.Close()
	if err := c.lastLines(f, count); err != nil {
		return c.fail(name, err)
	}
	for c.wait(followPause) {
		if _, err := io.Copy(c.out, f); err != nil {
			return c.fail(name, err)
		}
	}
	return statusFailed
}

// followPause is how late tail -f may be: nobody sees a fifth of a second.
const followPause = 200 * time.Millisecond

func (c *call) wc() int {
	given, names, ok := c.options("lwc")
	if !ok {
		return statusUsage
	}
	var total wordCounter
	status := c.inputs(names, func(name string, r io.Reader) error {
		counter := wordCounter{inBlank: true}
		if _, err := io.Copy(&counter, r); err != nil {
			return err
		}
		total.lines, total.words, total.bytes = total.lines+counter.lines, total.words+counter.words, total.bytes+counter.bytes
		return counter.print(c.out, given, name)
	})
	if len(names) > 1 {
		if err := total.print(c.out, given, "total"); err != nil {
			return c.fail("writing", err)
		}
	}
	return status
}

// wordCounter counts what is written to it.
type wordCounter struct {
	lines, words, bytes int
	inBlank             bool
}

func (w *wordCounter) print(out io.Writer, given map[byte][]string, name string) error {
	var counts []string
	for _, one := range []struct {
		option byte
		count  int
	}{{'l', w.lines}, {'w', w.words}, {'c', w.bytes}} {
		if len(given) == 0 || has(given, one.option) {
			counts = append(counts, strconv.Itoa(one.count))
		}
	}
	if name != "-" {
		counts = append(counts, name)
	}
	_, err := fmt.Fprintln(out, strings.Join(counts, " "))
	return err
}

func (w *wordCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		isBlank := b == ' ' || b >= '\t' && b <= '\r'
		if w.inBlank && !isBlank {
			w.words++
		}
		if w.inBlank = isBlank; b == '\n' {
			w.lines++
		}
	}
	w.bytes += len(p)
	return len(p), nil
}

func (c *call) tee() int {
	given, names, ok := c.options("a")
	if !ok {
		return statusUsage
	}
	mode := os.O_TRUNC
	if has(given, 'a') {
		mode = os.O_APPEND
	}
	status := statusOK
	to := []io.Writer{c.out}
	for _, name := range names {
		f, err := os.OpenFile(c.path(name), os.O_CREATE|os.O_WRONLY|mode, 0o666)
		if err != nil {
			status = c.fail(name, err)
			continue
		}
		defer f.Close()
		to = append(to, f)
	}
	if _, err := io.Copy(io.MultiWriter(to...), c.in); err != nil {
		return c.fail("writing", err)
	}
	return status
}

func (c *call) sort() int {
	given, names, ok := c.options("rnu")
	if !ok {
		return statusUsage
	}
	var all []string
	status := c.inputs(names, func(_ string, r io.Reader) error {
		return lines(r, func(line string) error { all = append(all, line); return nil })
	})
	number := func(s string) float64 {
		fields := strings.Fields(s)
		if len(fields) == 0 {
			return 0
		}
		n, _ := strconv.ParseFloat(fields[0], 64) // no number counts as 0, as POSIX says
		return n
	}
	slices.SortStableFunc(all, func(a, b string) int {
		order := strings.Compare(a, b)
		if has(given, 'n') {
			order = cmp.Or(cmp.Compare(number(a), number(b)), order)
		}
		if has(given, 'r') {
			order = -order
		}
		return order
	})
	if has(given, 'u') {
		all = slices.Compact(all)
	}
	for _, line := range all {
		fmt.Fprintln(c.out, line)
	}
	return status
}

func (c *call) cut() int {
	given, names, ok := c.options("d:f:c:s")
	if !ok {
		return statusUsage
	}
	list := last(given, 'f', last(given, 'c', ""))
	wanted, err := parseRanges(list)
	if err != nil {
		return c.refuse(fmt.Sprintf("the list %q", list))
	}
	delimiter := last(given, 'd', "\t")
	if utf8.RuneCountInString(delimiter) != 1 {
		return c.refuse(fmt.Sprintf("the delimiter %q", delimiter))
	}
	return c.inputs(names, func(_ string, r io.Reader) error {
		return lines(r, func(line string) error {
			var fields []string
			switch {
			case !has(given, 'f'):
				fields, delimiter = strings.Split(line, ""), ""
			case !strings.Contains(line, delimiter):
				if !has(given, 's') {
					fmt.Fprintln(c.out, line)
				}
				return nil
			default:
				fields = strings.Split(line, delimiter)
			}
			var kept []string
			for i, field := range fields {
				if slices.ContainsFunc(wanted, func(r [2]int) bool { return i+1 >= r[0] && i+1 <= r[1] }) {
					kept = append(kept, field)
				}
			}
			_, err := fmt.Fprintln(c.out, strings.Join(kept, delimiter))
			return err
		})
	})
}

// parseRanges reads 1,3-5,7-.
func parseRanges(list string) (ranges [][2]int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		r := [2]int{1, 1 << 30}
		if from != "" || !isRange {
			if r[0], err = strconv.Atoi(from); err != nil {
				return nil, err
			}
		}
		if to != "" {
			if r[1], err = strconv.Atoi(to); err != nil {
				return nil, err
			}
		}
		if r[0] < 1 || r[1] < r[0] {
			return nil, fmt.Errorf("%q is no range", part)
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

func (c *call) tr() int {
	given, sets, ok := c.options("ds")
	if !ok {
		return statusUsage
	}
	remove, squeeze := has(given, 'd'), has(given, 's')
	if len(sets) == 0 || len(sets) == 1 && !remove && !squeeze || len(sets) > 2 || remove && len(sets) > 1 {
		return c.refuse("this number of sets")
	}
	from, err := expandSet(sets[0])
	to := from
	if err == nil && len(sets) == 2 {
		to, err = expandSet(sets[1])
	}
	if err != nil || len(to) == 0 && len(sets) == 2 {
		return c.refuse(fmt.Sprintf("one of the sets %q", sets))
	}
	in, out := bufio.NewReader(c.in), bufio.NewWriter(c.out)
	previous := rune(-1)
	for {
		if in.Buffered() == 0 { // what is there goes on before a wait for more
			if err := out.Flush(); err != nil {
				return c.fail("writing", err)
			}
		}
		r, _, err := in.ReadRune()
		if err == io.EOF {
			return statusOK
		}
		if err != nil {
			return c.fail("reading", err)
		}
		at := slices.Index(from, r)
		switch {
		case at < 0:
		case remove:
			continue
		default:
			r = to[min(at, len(to)-1)]
			if squeeze && r == previous {
				continue
			}
		}
		_, _ = out.WriteRune(r) // Flush gives the error
		previous = r
		if at < 0 {
			previous = -1
		}
	}
}
