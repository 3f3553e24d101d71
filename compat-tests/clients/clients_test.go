package clients

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// targetServes tells whether the broker under test speaks versions as old as the client's.
func targetServes(client Client) bool {
	version, isKafka := target.KafkaVersion()
	return !client.Old || !isKafka || !strings.HasPrefix(version, "4.")
}

// needTarget skips a client that is too old for the broker under test.
func needTarget(t *testing.T, client Client) {
	t.Helper()
	if !targetServes(client) {
		t.Skipf("%s does not serve clients as old as %s; kafka-%s does", target.Name(), client.Name, oracle.Old)
	}
}

// scenario is a part of TestClients.
type scenario struct {
	name string
	run  func(t *testing.T, broker testbed.Target, program Program)
	// has tells whether the client has what the scenario is about.
	has func(Client) bool
}

var scenarios = []scenario{
	{"roundtrip", roundtrip, func(c Client) bool { return !c.Lacks.Commits }},
	{"group", shareGroup, func(c Client) bool { return !c.Lacks.Groups }},
	{"large", large, can(Large)},
	{"seek", seek, can(Seek)},
	{"static", staticMembers, can(Static)},
	{"restart", restart, can(Stream, StreamOnce)},
	{"admin", administer, func(c Client) bool { return len(c.Admin) > 0 }},
}

// can tells of clients with one of the skills.
func can(skills ...Skill) func(Client) bool {
	return func(c Client) bool {
		return slices.ContainsFunc(skills, func(s Skill) bool { return slices.Contains(c.Can, s) })
	}
}

// TestClients runs every scenario with every client that has what it is about; each client has a broker
// of its own, so that any part can be run alone.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, client := range Clients {
		t.Run(client.Name, func(t *testing.T) {
			t.Parallel()
			needTarget(t, client)
			has := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return !s.has(client) })
			if len(has) == 0 {
				t.Skip("commits nothing; see TestEachReadsWhatEveryoneWrote")
			}
			program := Install(t, client)
			broker := target.Run(t, client.BrokerProperties)
			for _, scenario := range has {
				t.Run(scenario.name, func(t *testing.T) {
					sayHowToRunAlone(t)
					passes(t, client, scenario.name)
					scenario.run(t, broker, program)
				})
			}
		})
	}
}

// passes declares a cell of the matrix.
func passes(t *testing.T, client Client, scenario string) {
	t.Helper()
	matrix.Passes(t, matrix.Cell{
		Table: matrix.Clients, Subject: client.Name, Version: client.Version, Language: client.Toolchain.Language(), Scenario: scenario, Target: target.Column(),
	})
}

// TestTheMatrixIsWhole: the record has what these tests try with Barnabas, and nothing that is tried no more.
func TestTheMatrixIsWhole(t *testing.T) {
	if os.Getenv(matrix.EnvFolder) != "" {
		t.Skip("a record is being made")
	}
	results, err := matrix.Load()
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]map[string]bool{}
	for _, client := range Clients {
		cells := map[string]bool{"write": true, "read": true}
		for _, s := range scenarios {
			if s.has(client) {
				cells[s.name] = true
			}
		}
		if slices.Contains(transactors, client.Name) {
			cells["transactions"] = true
		}
		wanted[client.Name] = cells
	}
	for _, w := range workers {
		wanted[w.client][w.scenario()] = true
	}
	for _, row := range results.Rows {
		if row.Table != matrix.Clients {
			continue
		}
		if wanted[row.Subject] == nil {
			t.Errorf("the matrix has %s, which is not tried any more: take the row out of results.json", row.Subject)
			continue
		}
		for scenario := range row.Passed {
			if !wanted[row.Subject][scenario] {
				t.Errorf("the matrix has that %s passes %s, which is not tried any more: take it out of results.json", row.Subject, scenario)
			}
		}
	}
	for _, client := range Clients {
		for scenario := range wanted[client.Name] {
			cell := matrix.Cell{Table: matrix.Clients, Subject: client.Name, Version: client.Version, Language: client.Toolchain.Language(), Scenario: scenario, Target: matrix.Barnabas}
			if err := results.Has(cell); err != nil {
				t.Errorf("%v: `make matrix` brings it up to date", err)
			}
		}
	}
}

// sayHowToRunAlone ends the report of a failed test with the command that repeats just it.
func sayHowToRunAlone(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		parts := strings.Split(t.Name(), "/")
		for i, part := range parts {
			parts[i] = "^" + part + "$"
		}
		t.Logf("to run it alone, in compat-tests: %s=%s go test -count=1 ./clients -run '%s'",
			target.Env, target.Name(), strings.Join(parts, "/"))
	})
}

// Every client's row must be complete, and no two may have one name.
func TestTheMatrixNamesEachClientOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, client := range Clients {
		if client.Name == "" || client.Version == "" || len(client.Codecs) == 0 || seen[client.Name] {
			t.Errorf("row %q %q", client.Name, client.Version)
		}
		seen[client.Name] = true
	}
}

// The comparison itself must see each kind of damage.
func TestCheckRecordSeesDamage(t *testing.T) {
	damages := map[string]func() (index int, damage func(r *program.Record)){
		"a byte of the value":   func() (int, func(*program.Record)) { return 1, func(r *program.Record) { r.Value[len(r.Value)-1]++ } },
		"null for empty value":  func() (int, func(*program.Record)) { return 5, func(r *program.Record) { r.Value = nil } },
		"empty for null value":  func() (int, func(*program.Record)) { return 3, func(r *program.Record) { r.Value = []byte{} } },
		"empty for null key":    func() (int, func(*program.Record)) { return 7, func(r *program.Record) { r.Key = []byte{} } },
		"a header lost":         func() (int, func(*program.Record)) { return 1, func(r *program.Record) { r.Headers = r.Headers[1:] } },
		"a header's value":      func() (int, func(*program.Record)) { return 1, func(r *program.Record) { r.Headers[2].Value[0]++ } },
		"null for empty header": func() (int, func(*program.Record)) { return 1, func(r *program.Record) { r.Headers[3].Value = nil } },
		"a header renamed":      func() (int, func(*program.Record)) { return 1, func(r *program.Record) { r.Headers[0].Name = "other" } },
	}
	for name, damaged := range damages {
		index, damage := damaged()
		r := makeRecord(index, Lacks{})
		if err := checkRecord(r, Lacks{}); err != nil {
			t.Errorf("%s: undamaged record refused: %v", name, err)
		}
		damage(&r)
		if checkRecord(r, Lacks{}) == nil {
			t.Errorf("not seen: %s", name)
		}
	}
}

// once tells whether each of the indexes from 0 on was read exactly once.
func once(times map[int]int, count int) error {
	for index := range count {
		if times[index] != 1 {
			return fmt.Errorf("record %d was read %d times", index, times[index])
		}
	}
	if len(times) != count {
		return fmt.Errorf("%d different records were read, want %d", len(times), count)
	}
	return nil
}
