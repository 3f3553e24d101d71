package applets

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/terminal"
)

// result is what a program leaves.
type result struct {
	status      int
	out, errOut string
}

// runIn runs an applet in a folder with an environment of its own.
func runIn(t *testing.T, dir, input, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errOut strings.Builder
	c := &call{
		ctx: ctx, args: args, in: strings.NewReader(input), out: &out, errOut: &errOut, dir: dir,
		environ: []string{"PATH=/nowhere", "HOME=" + dir, "GREETING=hello"},
	}
	status, known := c.run(name)
	if !known {
		t.Fatalf("there is no applet %s", name)
	}
	return result{status, out.String(), errOut.String()}
}

// Every line is a script as start scripts have them, with what it prints and its
// status.
func TestScripts(t *testing.T) {
	const three = "one\ntwo\nthree\n"
	for _, c := range []struct {
		script, out string
		status      int
	}{
		{`echo a; echo -n b; printf '%s-%d\n' c 3`, "a\nbc-3\n", 0},
		{`echo "$GREETING" "${MISSING:-none}" "$(echo sub)"`, "hello none sub\n", 0},
		{`a=(x y z); echo "${a[1]} ${#a[@]}"`, "y 3\n", 0},
		{`set -o nounset -o errexit; true; false; echo never`, "", 1},
		{`echo 'export A=1' > f; . ./f; source ./f; echo $A`, "1\n", 0},
		{`echo one > f; echo two >> f; cat f`, "one\ntwo\n", 0},
		{`exec echo gone; echo never`, "gone\n", 0},
		{`trap 'echo caught' TERM INT; echo on`, "on\n", 0},
		{`trap 'echo end' EXIT; echo on`, "on\nend\n", 0},
		{`until grep -q ready f; do echo ready >> f; done; cat f`, "ready\n", 0},
		{`while [ ! -f f ]; do touch f; done; [[ -f f && f =~ ^f ]] && echo there`, "there\n", 0},
		{`f() { echo in $1; return 3; }; f x; echo $?`, "in x\n3\n", 0},
		{`sh -c 'echo $0 $1; exit 4' name arg; echo $?`, "name arg\n4\n", 0},
		{`printf 'echo from $1\nexit 5' > s; bash s here; echo $?`, "from here\n5\n", 0},
		{`nosuchprogram; echo $?`, "127\n", 0},
		{`echo '' > s; chmod +x s; ./s; echo $?`, "0\n", 0},
		{`echo 'echo script $1' > s; chmod 755 s; ./s works`, "script works\n", 0},
		{`mkdir d; cd d; pwd | sed 's,.*/,,'; basename "$(pwd)"`, "d\nd\n", 0},
		{`false || echo or; true && echo and; ! false`, "or\nand\n", 0},
		{`env -i A=1 B=2 A=3`, "B=2\nA=3\n", 0},
		{`env A=1 sh -c 'echo $A$GREETING'`, "1hello\n", 0},
		{`env -u GREETING sh -c 'echo [$GREETING]'`, "[]\n", 0},
		{`sleep 0; sleep 0.001 && echo slept`, "slept\n", 0},
		{`cat three | head -1; head -n 2 three | tail -n 1; head -c 3 three`, "one\ntwo\none", 0},
		{`tail -2 three; wc -l three; wc -w < three`, "two\nthree\n3 three\n3\n", 0},
		{`echo x | tee a b; cat a b; echo y | tee -a a; cat a`, "x\nx\nx\ny\nx\ny\n", 0},
		{`sort three; sort -r three; printf '10\n9\n9\n' | sort -nu`, "one\nthree\ntwo\ntwo\nthree\none\n9\n10\n", 0},
		{`echo a:b:c | cut -d: -f1,3; echo abcdef | cut -c2-4; echo none | cut -d: -f2`, "a:c\nbcd\nnone\n", 0},
		{`echo "10.0.0.1 10.0.0.2" | cut -d' ' -f1`, "10.0.0.1\n", 0},
		{`echo Hello-X | tr A-Z a-z; echo a.b | tr . _; echo "a b" | tr -d ' '; echo aab | tr -s a`, "hello-x\na_b\nab\nab\n", 0},
		{`grep -c o three; grep -v -n o three; grep -o 't[wh]' three`, "2\n3:three\ntw\nth\n", 0},
		{`grep -q nothing three; echo $?; grep -q one missing; echo $?; grep -qi ONE three; echo $?`, "1\n2\n0\n", 0},
		{`grep -E '^(one|two)$' three; grep '^\(one\)$' three; grep -F '.' three; grep -w on three; grep -x two three`, "one\ntwo\none\ntwo\n", 0},
		{`cp three four; grep two three four; grep -h two three four; grep -i ':0*23A' three`, "three:two\nfour:two\ntwo\ntwo\n", 1},
		{`grep 'a+b' <<< 'a+b'; grep 'a\+b' <<< 'aab'; grep -e one -e two three`, "a+b\naab\none\ntwo\n", 0},
		{`sed -i '/two/d' three; cat three`, "one\nthree\n", 0},
		{`sed 's/o/0/g; s/\(t\)\(w\)/\2\1/' three; sed -n 's/one/[&]/p' three; sed -n 2p three; sed '$d' three`, "0ne\nwt0\nthree\n[one]\ntwo\none\ntwo\n", 0},
		{`sed -E 's|(t)h|\1|I' three; sed '1,2d' three; sed '/one/!d' three; sed 2q three; sed -e 1d -e 's/w/W/' three`, "one\ntwo\ntree\nthree\none\none\ntwo\ntWo\nthree\n", 0},
		{`printf 'a b c\nd e f\n' | awk '{print $2}'; echo a:b | awk -F: '{ print $2, "is", $NF }'`, "b\ne\nb is b\n", 0},
		{`printf 'h\na 1\nb 2\n' | awk 'NR>1 {print $1}'; printf 'h\na 1\n' | awk '/a/ {print $2}'`, "a\nb\n1\n", 0},
		{`mkdir -p a/b; touch a/b/f; ls a; rm -r a; ls a; echo $?`, "b\n1\n", 0},
		{`rm missing; echo $?; rm -f missing; echo $?; mkdir d; rm d; echo $?`, "1\n0\n1\n", 0},
		{`echo x > a; cp a b; mv b c; ln -s a l; cat c l; mkdir d; cp a c d; ls d; cp -r d e; ls e`, "x\nx\na\nc\na\nc\n", 0},
		{`cp three three; echo $?; mkdir -p d/e; cp -r d d/e; echo $?; cp -r d d; echo $?; ls d/e; cat three`, "1\n1\n1\none\ntwo\nthree\n", 0},
		{`echo 'echo run' > s; chmod 700 s; ls -l s | cut -c1-10; chmod u-w,go+r s; ls -l s | cut -c1-10`, "-rwx------\n-r-xr--r--\n", 0},
		{`basename /a/b.sh .sh; dirname /a/b /c; dirname x`, "b\n/a\n/\n.\n", 0},
		{`date -u +%Y | grep -c '^20'; date +%s | grep -cE '^[0-9]+$'`, "1\n1\n", 0},
		{`timeout 5 echo fine; timeout 0.01 sleep 30; echo $?`, "fine\n124\n", 0},
		{`test -n x && [ 1 -lt 2 ] && echo yes; uname | grep -c .; id -u | grep -cE '^[0-9]+$'`, "yes\n1\n1\n", 0},
		{`kill -0 $$ && echo alive; kill nobody`, "alive\n", 1},
		{`hostname | grep -c .; hostname -i | cut -d' ' -f1 | grep -cE '[.:]'`, "1\n1\n", 0},
		{`which sh; echo $?`, "1\n", 0},
		{`for i in $(seq 3); do echo -n $i; done; seq 2 3; seq 3 -1 2 | xargs`, "1232\n3\n3 2\n", 0},
		{`echo "a b" | tr ' ' '\n' | xargs -I {} echo topic {}; printf 'x\ny z\n' | xargs -n 2 echo; xargs -r echo never < /dev/null`, "topic a\ntopic b\nx y\nz\n", 0},
		{`printf 'a\nb\n' | xargs -n1 test a =; echo $?; echo a | xargs nosuchprogram; echo $?`, "123\n127\n", 0},
		{`printf 'a\na\nb\n' | uniq; printf 'a\na\nb\n' | uniq -c; printenv GREETING; printenv NONE; echo $?`, "a\nb\n      2 a\n      1 b\nhello\n1\n", 0},
		{`set -u; SECONDS=0; end=$((SECONDS+60)); while [ $SECONDS -lt $end ]; do echo in time; break; done`, "in time\n", 0},
		{`exec 3>&- 4<&-; echo on; exec 3<>/dev/tcp/127.0.0.1/1 || echo closed`, "on\nclosed\n", 0},
		{`printf 'A=1\0B=2\0' | tr '\0' '\n'; tr -d '\012' < three; echo é-1 | tr '[:digit:]' '#'; echo aB | tr -d '[:alpha:]'`, "A=1\nB=2\nonetwothreeé-#\n\n", 0},
		{`echo 'k=a.b' | awk -F '[=.]' '{print $3}'; printf 'a b\tc\n' | awk -F '\t' '{print $2}'; echo 'a|b' | awk -F'|' '{print $2}'; echo 'a: b' | awk -F ': ' '{print $2}'`, "b\nc\nb\nb\n", 0},
		{`grep '\<two\>' three; grep -E '\<(one|tw)\>' three; sed -n '/\<thr/p' three; echo 'a\b' | grep -E '[\]b'`, "two\none\nthree\na\\b\n", 0},
		{`cp three 3; head -n 1 three 3; tail -qn 1 three 3; wc -l three 3`, "==> three <==\none\n\n==> 3 <==\none\nthree\nthree\n3 three\n3 3\n6 total\n", 0},
		{`echo "'a b' c\\ d \"e\"" | xargs -n1 echo; echo "it's" | xargs; echo $?`, "a b\nc d\ne\n1\n", 0},
		{`mkdir d; ln -s d l; ln -sfn three l; head -n 1 l; ls d; env - A=1; basename ""; which "$PWD/three" || echo no`, "one\nA=1\n\nno\n", 0},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "three"), []byte(three), 0o600); err != nil {
			t.Fatal(err)
		}
		got := runIn(t, dir, "", "sh", "-c", c.script)
		if got.out != c.out || got.status != c.status {
			t.Errorf("%s\nprinted %q and ended with %d, want %q and %d\n%s", c.script, got.out, got.status, c.out, c.status, got.errOut)
		}
	}
}

// A consumer's output never ends: what is asked for is there before the end, and what
// is enough is not waited beyond.
func TestTextIsNotGathered(t *testing.T) {
	for _, c := range []struct {
		words string
		in    string
		want  string
		ends  bool // without the input's end
	}{
		{"head -n 1", "one\n", "one\n", true},
		{"grep -q one", "one\n", "", true},
		{"tr a-z A-Z", "one\n", "ONE\n", false},
		{"sed s/o/0/", "one\ntwo\n", "0ne\n", false},
		{"sed 1q", "one\ntwo\n", "one\n", true},
		{"uniq", "one\ntwo\n", "one\n", false},
		{"cat", "one\n", "one\n", false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		in, write := io.Pipe()
		read, out := io.Pipe()
		words := strings.Fields(c.words)
		done := make(chan struct{})
		go func() {
			defer close(done)
			call := &call{ctx: ctx, args: words[1:], in: in, out: out, errOut: io.Discard, dir: "/"}
			call.run(words[0])
			_ = in.Close()
		}()
		go func() { _, _ = io.WriteString(write, c.in) }() // ends with the reader
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != c.want {
			t.Errorf("%s: %q (%v)", c.words, got, err)
		}
		if !c.ends {
			_ = write.Close()
			go func() { _, _ = io.Copy(io.Discard, read) }() // what comes with the end
		}
		select {
		case <-done:
		case <-ctx.Done():
			t.Errorf("%s waits for more", c.words)
		}
		_ = read.Close()
		cancel()
	}
}

// A script that is started while it is still being written runs when it is complete.
func TestAScriptThatIsBeingWritten(t *testing.T) {
	self, err := os.Executable() // a program of this system: the applets are no files here
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "busy")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	ctx := waited{t.Context(), func() { _ = f.Close() }}
	var errOut strings.Builder
	c := &call{ctx: ctx, args: []string{name, "-test.run", "^$"}, in: strings.NewReader(""), out: io.Discard, errOut: &errOut, dir: t.TempDir()}
	if status, _ := c.run("env"); status != statusOK {
		t.Errorf("status %d: %s", status, errOut.String())
	}
}

// What -s and -k of timeout say holds for a program that does not listen to SIGTERM.
func TestAProgramThatStays(t *testing.T) {
	if os.Getenv("BARNABAS_TEST_STAYS") != "" {
		signal.Ignore(syscall.SIGTERM)
		_, _ = os.Stdout.WriteString("ready\n")
		<-time.After(5 * time.Second) // in case that nobody kills it
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []ending{{signal: syscall.SIGKILL}, {killAfter: time.Millisecond}} {
		ctx, cancel := context.WithCancel(t.Context())
		read, out := io.Pipe()
		c := &call{ctx: ctx, in: strings.NewReader(""), out: out, errOut: io.Discard, dir: t.TempDir(), environ: []string{"BARNABAS_TEST_STAYS=1"}, end: how}
		go func() {
			_, _ = io.ReadFull(read, make([]byte, len("ready\n"))) // the status tells a failure
			cancel()
			_, _ = io.Copy(io.Discard, read) // what one that is not killed says at its end
		}()
		status := 0
		if err := c.spawn(self, []string{self, "-test.run", "^TestAProgramThatStays$"}, &status); err != nil || status != statusSignal+int(syscall.SIGKILL) {
			t.Errorf("%+v: status %d (%v)", how, status, err)
		}
		_ = out.Close()
	}
}

// waited is a context that tells when somebody waits beside it.
type waited struct {
	context.Context
	told func()
}

func (w waited) Done() <-chan struct{} {
	w.told()
	return w.Context.Done()
}

// Some wait for longer than there is a number for.
func TestALongPauseIsNoShortOne(t *testing.T) {
	for _, text := range []string{"999999999d", "1e9d"} {
		if d, err := parsePause(text); err != nil || d != pauseMax {
			t.Errorf("%s is %s (%v)", text, d, err)
		}
	}
}

// What is not supported is refused aloud: a script must not go on with half an
// answer.
func TestWhatIsMissingIsRefused(t *testing.T) {
	for _, line := range []string{
		"grep -P x", "sed y/a/b/ f", "sed '/a/,/b/d' f", "awk BEGIN{} f", "cut -x f", "tr a", "sleep soon", "sleep", "head -n x",
		"nc -l 9", "hostname newname", "date --iso", "chmod 999 f", "ls --color", "kill -NOPE 1", "timeout 1", "timeout -s NOPE 1 true", "timeout -k x 1 true", "cp -Z a b", "env -S x", "wc -m", "xargs -0", "seq 1 0 5", "seq x", "sh --rcfile x",
		"tr [:nonsense:] x", "tr z-a x", "tr a ''", "awk -F [a {print}", "cut -f 0 f", "cut -f 2-1 f", "cut -d ab -f 1 f", "cut -d '' -f 1 f",
		"id root", "id -u root", "uname -o", "rm", "mkdir", "touch", "touch -c f", "sleep nan",
	} {
		words := strings.Fields(line)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "'", "")
		}
		got := runIn(t, t.TempDir(), "", words[0], words[1:]...)
		if got.status != statusUsage || !strings.Contains(got.errOut, "is not supported here; there is: "+words[0]) {
			t.Errorf("%s: status %d, %q", line, got.status, got.errOut)
		}
	}
}

func TestUnknownNamesAreNoApplets(t *testing.T) {
	if _, known := Run(t.Context(), "perl", nil, nil, nil, nil); known {
		t.Error("perl is known")
	}
}

// The builtins of the shell are programs too: env and timeout call them.
func TestBuiltinsAsPrograms(t *testing.T) {
	if got := runIn(t, t.TempDir(), "", "echo", "it's", "$HOME"); got.out != "it's $HOME\n" {
		t.Errorf("echo printed %q", got.out)
	}
	if got := runIn(t, t.TempDir(), "", "[", "a", "=", "b", "]"); got.status != 1 {
		t.Errorf("[ ended with %d", got.status)
	}
}

func TestCommandsFromInput(t *testing.T) {
	got := runIn(t, t.TempDir(), "A=5\nif true\nthen echo $A\nfi\nexit 7\necho never\n", "sh")
	if got.out != "5\n" || got.status != 7 {
		t.Errorf("printed %q and ended with %d", got.out, got.status)
	}
}

// The forms with which launchers ask inside a container whether a port is open.
func TestPortChecks(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	forms := []string{"nc -vz -w 1 127.0.0.1 " + port, "bash -c '</dev/tcp/127.0.0.1/" + port + "'", "exec 6<>/dev/tcp/127.0.0.1/" + port + " && exec 6>&- && true", ": > /dev/tcp/127.0.0.1/" + port, "nc -z 127.0.0.1 " + port}
	for _, form := range forms {
		if got := runIn(t, t.TempDir(), "", "sh", "-c", form); got.status != 0 {
			t.Errorf("%s: %+v, and the port is open", form, got)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		if got := runIn(t, t.TempDir(), "", "sh", "-c", form); got.status == 0 {
			t.Errorf("%s: %+v, and the port is closed", form, got)
		}
	}
}

func TestNcCarriesBothWays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			heard <- err.Error()
			return
		}
		defer conn.Close()
		question := make([]byte, 4)
		_, _ = conn.Read(question)
		heard <- string(question)
		_, _ = conn.Write([]byte("imok"))
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	got := runIn(t, t.TempDir(), "ruok", "nc", host, port)
	if question := <-heard; question != "ruok" || got.out != "imok" {
		t.Errorf("heard %q, printed %+v", question, got)
	}
}

func TestTheNullDeviceIsNoPerson(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal.Is(null) || terminal.Is(strings.NewReader("")) {
		t.Error("prompts would be written for nobody")
	}
}
