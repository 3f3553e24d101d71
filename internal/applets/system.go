package applets

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
)

// wait pauses; false after the end of the call.
func (c *call) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

func (c *call) sleep() int {
	if len(c.args) == 0 {
		return c.refuse("no time")
	}
	var total time.Duration
	for _, text := range c.args {
		if text == "infinity" {
			<-c.ctx.Done()
			return statusFailed
		}
		d, err := parsePause(text)
		if err != nil {
			return c.refuse(fmt.Sprintf("%q", text))
		}
		total = min(total+d, pauseMax)
	}
	if !c.wait(total) {
		return statusFailed
	}
	return statusOK
}

// parsePause reads a number of seconds, or of what the letter behind it says.
func parsePause(text string) (time.Duration, error) {
	unit := time.Second
	for letter, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, letter); ok {
			text, unit = number, u
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= 1e9) {
		return 0, fmt.Errorf("%q is no time", text)
	}
	return time.Duration(min(n*float64(unit), float64(pauseMax))), nil
}

// pauseMax is 73 years, of which two still fit into a Duration.
const pauseMax = time.Duration(1 << 61)

func (c *call) env() int {
	given, rest, ok := c.options("iu:")
	if !ok {
		return statusUsage
	}
	environ := slices.Clone(c.environ)
	if has(given, 'i') {
		environ = nil
	}
	set := func(name string) {
		environ = slices.DeleteFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	}
	for _, name := range given['u'] {
		set(name)
	}
	if len(rest) > 0 && rest[0] == "-" { // the older -i
		environ, rest = nil, rest[1:]
	}
	for len(rest) > 0 && strings.Contains(rest[0], "=") {
		name, _, _ := strings.Cut(rest[0], "=")
		set(name)
		environ = append(environ, rest[0])
		rest = rest[1:]
	}
	c.environ = environ
	if len(rest) == 0 {
		for _, entry := range environ {
			fmt.Fprintln(c.out, entry)
		}
		return statusOK
	}
	return c.command(rest)
}

// command runs another command in this one's place.
func (c *call) command(words []string) int {
	c.args = words[1:]
	if status, known := c.run(words[0]); known {
		return status
	}
	c.name = words[0]
	program, err := lookPath(c.dir, c.environ, words[0])
	if err != nil {
		c.say("%s", notFound(c.path(words[0]), words[0]))
		return statusNotFound
	}
	status, ran := c.program(program, words)
	if ran {
		return status
	}
	c.args = append([]string{program}, words[1:]...)
	return c.shell()
}

func lookPath(dir string, environ []string, name string) (string, error) {
	return interp.LookPathDir(dir, expand.ListEnviron(environ...), name)
}

func (c *call) timeout() int {
	given, rest, ok := c.options("s:k:")
	if !ok {
		return statusUsage
	}
	if len(rest) < 2 {
		return c.refuse("fewer than a time and a command")
	}
	d, err := parsePause(rest[0])
	if err != nil {
		return c.refuse(fmt.Sprintf("%q", rest[0]))
	}
	signal, known := signalNumber(last(given, 's', "TERM"))
	killAfter, err := parsePause(last(given, 'k', "0"))
	if err != nil || !known {
		return c.refuse(fmt.Sprintf("-s %q or -k %q", given['s'], given['k']))
	}
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	c.ctx, c.replace, c.end = ctx, false, ending{signal, killAfter}
	status := c.command(rest[1:])
	if ctx.Err() == context.DeadlineExceeded && status != statusSignal+int(syscall.SIGKILL) {
		return statusTimeout
	}
	return status
}

// statusTimeout is what timeout ends with when it had to.
const statusTimeout = 124

func (c *call) kill() int {
	rest := c.args
	name := "TERM"
	switch {
	case len(rest) > 1 && rest[0] == "-s":
		name, rest = rest[1], rest[2:]
	case len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-':
		name, rest = rest[0][1:], rest[1:]
	}
	number, known := signalNumber(name)
	if !known || len(rest) == 0 {
		return c.refuse(fmt.Sprintf("%q", c.args))
	}
	status := statusOK
	for _, text := range rest {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 0 {
			c.say("%s: is no process id (jobs of the shell have none here)", text)
			status = statusFailed
			continue
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Signal(number)
		}
		if err != nil {
			status = c.fail(text, err)
		}
	}
	return status
}

func signalNumber(name string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < 65 {
		return syscall.Signal(n), true
	}
	n, known := map[string]syscall.Signal{"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "CONT": 18, "STOP": 19}[strings.TrimPrefix(name, "SIG")]
	return n, known
}

func (c *call) hostname() int {
	given, rest, ok := c.options("isfI")
	if !ok {
		return statusUsage
	}
	if len(rest) > 0 {
		return c.refuse("setting a name")
	}
	name, err := os.Hostname()
	if err != nil {
		return c.fail("the name", err)
	}
	if !has(given, 'i') && !has(given, 'I') {
		fmt.Fprintln(c.out, name)
		return statusOK
	}
	// What the name means to others comes first; a machine without an entry for it
	// still has interfaces.
	addresses, err := net.DefaultResolver.LookupHost(c.ctx, name)
	if err != nil || has(given, 'I') {
		addresses = ownAddresses()
	}
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	fmt.Fprintln(c.out, strings.Join(addresses, " "))
	return statusOK
}

func ownAddresses() (all []string) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			all = append(all, n.IP.String())
		}
	}
	return all
}

func (c *call) uname() int {
	given, rest, ok := c.options("asnrm")
	if !ok {
		return statusUsage
	}
	if len(rest) > 0 {
		return c.refuse("a word")
	}
	name, _ := os.Hostname()                                // unknown is empty
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // likewise
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	system := strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]
	var parts []string
	for _, one := range []struct {
		option byte
		text   string
	}{{'s', system}, {'n', name}, {'r', strings.TrimSpace(string(release))}, {'m', machine}} {
		if has(given, one.option) || has(given, 'a') || len(given) == 0 && one.option == 's' {
			parts = append(parts, one.text)
		}
	}
	fmt.Fprintln(c.out, strings.Join(parts, " "))
	return statusOK
}

func (c *call) id() int {
	given, rest, ok := c.options("ugn")
	if !ok {
		return statusUsage
	}
	if len(rest) > 0 {
		return c.refuse("another user")
	}
	user, group := os.Getuid(), os.Getgid()
	shown := func(n int, name string) string {
		if has(given, 'n') && name != "" {
			return name
		}
		return strconv.Itoa(n)
	}
	userName, groupName := nameOf("/etc/passwd", user), nameOf("/etc/group", group)
	switch {
	case has(given, 'u'):
		fmt.Fprintln(c.out, shown(user, userName))
	case has(given, 'g'):
		fmt.Fprintln(c.out, shown(group, groupName))
	default:
		fmt.Fprintf(c.out, "uid=%d(%s) gid=%d(%s)\n", user, userName, group, groupName)
	}
	return statusOK
}

// nameOf looks an id up in a file of passwd's form.
func nameOf(file string, id int) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Split(s.Text(), ":")
		if len(fields) > 2 && fields[2] == strconv.Itoa(id) {
			return fields[0]
		}
	}
	return ""
}

func (c *call) whoami() int {
	name := nameOf("/etc/passwd", os.Getuid())
	if name == "" {
		c.say("user %d has no name", os.Getuid())
		return statusFailed
	}
	fmt.Fprintln(c.out, name)
	return statusOK
}

func (c *call) date() int {
	given, rest, ok := c.options("u")
	if !ok {
		return statusUsage
	}
	now := time.Now()
	if has(given, 'u') || time.Local == time.UTC {
		now = now.UTC()
	}
	switch {
	case len(rest) == 0:
		fmt.Fprintln(c.out, now.Format("Mon Jan _2 15:04:05 MST 2006"))
		return statusOK
	case len(rest) > 1 || rest[0] == "" || rest[0][0] != '+':
		return c.refuse(fmt.Sprintf("%q", rest))
	}
	text, unknown := formatDate(now, rest[0][1:])
	if unknown != "" {
		return c.refuse(unknown)
	}
	fmt.Fprintln(c.out, text)
	return statusOK
}

// formatDate writes strftime's commonest letters.
func formatDate(t time.Time, format string) (text, unknown string) {
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'j': "002", 'Z': "MST", 'z': "-0700",
		'F': "2006-01-02", 'T': "15:04:05", 'a': "Mon", 'b': "Jan",
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		layout, known := layouts[format[i]]
		switch {
		case known:
			out.WriteString(t.Format(layout))
		case format[i] == 's':
			out.WriteString(strconv.FormatInt(t.Unix(), 10))
		case format[i] == 'N':
			fmt.Fprintf(&out, "%09d", t.Nanosecond())
		case format[i] == '%':
			out.WriteByte('%')
		default:
			return "", "%" + string(format[i])
		}
	}
	return out.String(), ""
}

// nc connects: with -z it only tells whether that worked.
func (c *call) nc() int {
	given, rest, ok := c.options("zvw:46nq:")
	if !ok {
		return statusUsage
	}
	if len(rest) != 2 {
		return c.refuse("another number of arguments")
	}
	wait, err := parsePause(last(given, 'w', "10"))
	if err != nil {
		return c.refuse("-w " + last(given, 'w', ""))
	}
	address := net.JoinHostPort(rest[0], rest[1])
	dialer := net.Dialer{Timeout: wait}
	conn, err := dialer.DialContext(c.ctx, "tcp", address)
	if err != nil {
		if has(given, 'v') {
			c.say("%s: %v", address, err)
		}
		return statusFailed
	}
	defer conn.Close()
	if has(given, 'v') {
		c.say("%s is open", address)
	}
	if has(given, 'z') {
		return statusOK
	}
	go func() { // ends with its input or the connection
		_, _ = io.Copy(conn, c.in)
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.CloseWrite()
		}
	}()
	if _, err := io.Copy(c.out, conn); err != nil {
		return c.fail(address, err)
	}
	return statusOK
}
