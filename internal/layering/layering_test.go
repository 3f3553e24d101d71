package layering

import (
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// floors is the house from the ground up. A room imports only from lower
// floors; rooms on one floor do not know each other. A room below another's
// folder (logstore/disk) may import its parent, never the reverse, unless it stands
// on a lower floor: then it is a part that its parent is built of (the assignors).
var floors = [][]string{
	{"internal/clock", "internal/vfs", "internal/invariant", "internal/metrics", "internal/wal", "internal/ssl", "internal/ssltest", "internal/jaas", "internal/layering", "internal/scenario", "internal/sim", "internal/applets", "internal/fault", "internal/composefile", "internal/terminal", "internal/race", "internal/heavy"},
	{"protocol", "config", "auth", "auth/kerberos", "auth/oauth", "auth/sasl", "quota"},
	{"logstore", "logstore/disk", "logstore/object", "metadata", "coordinator/group/assignor"},
	{"partition", "coordinator", "coordinator/group", "coordinator/share", "coordinator/txn", "cli/consumergroup"},
	{"server", "server/api", "console", "cli", "cli/kafkatools"},
	{"broker", "cmd/barnabas", "docker/rootfs"},
}

func floorOf(room string) (int, bool) {
	for i, rooms := range floors {
		for _, r := range rooms {
			if r == room {
				return i, true
			}
		}
	}
	return 0, false
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, f := range sourceFiles(t) {
		from, known := floorOf(f.room)
		if !known {
			t.Errorf("%s: the room %q is on no floor; add it to floors, as low as its imports allow", f.path, f.room)
			continue
		}
		for _, spec := range f.tree.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			target, ours := strings.CutPrefix(path, modulePath)
			if !ours || target == f.room {
				continue
			}
			to, known := floorOf(target)
			if problem := importProblem(f.room, target, from, to, known); problem != "" {
				t.Errorf("%s imports %s: %s", f.path, target, problem)
			}
		}
	}
}

func importProblem(room, target string, from, to int, known bool) string {
	switch {
	case !known:
		return "that room is on no floor"
	case strings.HasPrefix(room, target+"/"):
		return ""
	case strings.HasPrefix(target, room+"/") && room != "internal" && to >= from:
		return "a parent does not know its sub-rooms; the broker wires them"
	case room == "cmd/barnabas" && target == "broker":
		return ""
	case to > from:
		return "that is upwards; ask for a small interface and let the broker hand it over"
	case to == from && from != 0:
		return "rooms on one floor do not know each other; let the broker connect them"
	}
	return ""
}

func TestImportProblemTellsUpFromDown(t *testing.T) {
	for _, c := range []struct {
		room, target string
		allowed      bool
	}{
		{"partition", "logstore", true},
		{"logstore", "partition", false},
		{"logstore", "metadata", false},
		{"logstore/disk", "logstore", true},
		{"logstore", "logstore/disk", false},
		{"coordinator", "coordinator/group", false},
		{"coordinator/group", "coordinator/group/assignor", true},
		{"coordinator/group/assignor", "metadata", false},
		{"server/api", "server", true},
		{"server", "server/api", false},
		{"cmd/barnabas", "broker", true},
		{"broker", "cmd/barnabas", false},
		{"protocol", "config", false},
		{"protocol", "nowhere", false},
	} {
		from, _ := floorOf(c.room)
		to, known := floorOf(c.target)
		if got := importProblem(c.room, c.target, from, to, known) == ""; got != c.allowed {
			t.Errorf("%s importing %s: allowed is %v, want %v", c.room, c.target, got, c.allowed)
		}
	}
}

// outerRooms may touch the process and the machine directly.
var outerRooms = map[string]bool{
	"cmd/barnabas": true, "broker": true, "console": true, "internal/vfs": true, "internal/clock": true, "internal/layering": true, "internal/scenario": true,
	"internal/applets": true, "docker/rootfs": true, "internal/ssltest": true, // certificates are valid around the present
	"cli": true, "cli/kafkatools": true, "internal/terminal": true, // commands: they read the user's files and wait for the user's broker
}

// forbiddenImports are what the data path must get by parameter instead.
var forbiddenImports = map[string]string{
	"os":       "take a vfs.FS",
	"net/http": "HTTP lives in the console; it costs start-up time",
	"log":      "take a *slog.Logger",
}

// forbiddenCalls are the functions of package time that read the real clock.
var forbiddenCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTimer": true, "NewTicker": true,
}

// osFlagsOnly lists rooms that use package os for its flag constants alone.
var osFlagsOnly = map[string]bool{"logstore/disk": true, "metadata": true}

// realTimeFiles read the real clock for socket deadlines and accept pauses.
var realTimeFiles = map[string]bool{
	"server/conn.go": true, "server/server.go": true, "server/secure.go": true, "server/transport.go": true, "server/transport_linux.go": true,
}

func TestTheDataPathTakesFilesAndClocksByParameter(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if outerRooms[f.room] || f.isTest() {
			continue
		}
		for _, spec := range f.tree.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if instead, bad := forbiddenImports[path]; bad && !(path == "os" && osFlagsOnly[f.room]) {
				t.Errorf("%s imports %s: %s", f.path, path, instead)
			}
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Obj != nil {
				return true
			}
			if pkg.Name == "time" && forbiddenCalls[sel.Sel.Name] && !realTimeFiles[f.path] {
				t.Errorf("%s calls time.%s: take a clock.Clock", f.set.Position(sel.Pos()), sel.Sel.Name)
			}
			if pkg.Name == "os" && osFlagsOnly[f.room] && !strings.HasPrefix(sel.Sel.Name, "O_") {
				t.Errorf("%s uses os.%s: take a vfs.FS", f.set.Position(sel.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
}

func TestTestsDoNotSleep(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if !f.isTest() {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && pkg.Obj == nil && sel.Sel.Name == "Sleep" {
				t.Errorf("%s: a test waits for a condition or moves a manual clock, it does not sleep", f.set.Position(sel.Pos()))
			}
			return true
		})
	}
}
