package grouptools

import "time"

// step is one of: a tool, a member that joins, one that leaves, producers that act.
type step struct {
	// command is a tool and its arguments but for the address, cut at spaces. An argument @NAME
	// is the path of a file that an earlier step saved or that files holds.
	command string
	// until has the command repeated, untold, until it prints this: what it shows comes with a delay.
	until string
	// save keeps what the tool prints on standard output under this name.
	save string
	// join starts a member; the step ends when its group is stable with so many members and
	// so many assigned partitions.
	join *request
	// await is the wait for that alone.
	await *request
	// leave ends a member.
	leave string
	// act has producers do something.
	act func(p *producers)
}

// chapter is one story; its topics exist before it begins.
type chapter struct {
	name   string
	topics []topic
	files  map[string]string
	steps  []step
}

// topic has records at given times, the same in every partition.
type topic struct {
	name       string
	partitions int32
	times      []time.Time
}

func run(command string) step          { return step{command: command} }
func saved(name, command string) step  { return step{command: command, save: name} }
func leaves(member string) step        { return step{leave: member} }
func groups(arguments string) step     { return run("consumer-groups " + arguments) }
func describe(group, more string) step { return groups("--describe --group " + group + " " + more) }
func reset(group, arguments string) step {
	return groups("--reset-offsets --group " + group + " " + arguments)
}

// joins adds a member to a group; both numbers are those of the group afterwards.
func joins(member, group, protocol string, members, partitions int, topics ...string) step {
	return step{join: &request{
		Do: "join", Member: member, Group: group, Topics: topics, Members: members, Partitions: partitions,
		// One client id for all: which of two members gets which partitions depends on their ids.
		Config: map[string]string{"group.id": group, "group.protocol": protocol, "client.id": "reader"},
	}}
}

// remains waits until a group is stable again without those that left: a consumer group has its new
// assignment with the next heartbeat only (KIP-848), and none if its last member leaves before.
func remains(group string, members, partitions int) step {
	return step{await: &request{Do: "await", Group: group, Members: members, Partitions: partitions}}
}

// everyWord describes a group in every form that there is.
func everyWord(group string) []step {
	var steps []step
	for _, form := range []string{"", "--offsets", "--offsets --verbose", "--members", "--members --verbose", "--state", "--state --verbose", "--verbose"} {
		steps = append(steps, describe(group, form))
	}
	return steps
}

func concat[T any](parts ...[]T) []T {
	var all []T
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// day is a fixed date; the topics of the tests keep records for ever.
func day(n int) time.Time { return time.Date(2025, time.March, n, 12, 0, 0, 0, time.UTC) }

func days(count int) []time.Time {
	var times []time.Time
	for n := range count {
		times = append(times, day(n+1))
	}
	return times
}

// ago are times before now, the oldest first.
func ago(hours ...int) []time.Time {
	var times []time.Time
	for _, h := range hours {
		times = append(times, time.Now().Add(-time.Duration(h)*time.Hour))
	}
	return times
}

var chapters = []chapter{
	listing(), missing(), simple(), classic(), consumer(), pattern(), resets(), deletions(), sharing(), configs(),
	transactions(), hanging(), features(),
}

// listing has one group of each kind, so that lists and --all-groups have something to tell.
func listing() chapter {
	lists := []step{
		groups("--list"), groups("--list --state"), groups("--list --type"), groups("--list --state --type"),
		groups("--list --state Stable"), groups("--list --state empty,stable"),
		groups("--list --type classic"), groups("--list --type consumer"), groups("--list --type consumer --state Stable"),
		groups("--list --type share"),
		run("groups --list"), run("groups --list --consumer"), run("groups --list --group-type classic"),
		run("groups --list --group-type consumer"), run("groups --list --protocol consumer"), run("groups --list --share"),
	}
	return chapter{
		name: "listing", topics: []topic{{"listed", 2, days(3)}, {"listed-too", 2, days(3)}},
		steps: concat(lists[:5], []step{ // no groups at all
			reset("list-simple", "--topic listed --to-earliest --execute"),
			joins("c", "list-classic", "classic", 1, 2, "listed"),
			joins("n", "list-new", "consumer", 1, 2, "listed-too"),
			reset("list-left", "--topic listed --to-earliest --execute"),
			joins("l", "list-left", "classic", 1, 2, "listed"),
			leaves("l"),
		}, lists, []step{
			groups("--describe --all-groups"), groups("--describe --all-groups --members --verbose"), groups("--describe --all-groups --state"),
			groups("--describe --all-groups --offsets --verbose"),
			groups("--describe --group list-classic --group list-new --state"),
			leaves("n"), leaves("c"), groups("--list --state --type"), groups("--describe --all-groups --state --verbose"),
		}),
	}
}

func missing() chapter {
	return chapter{name: "missing", steps: concat(everyWord("nobody"), []step{
		groups("--delete --group nobody"), reset("nobody", "--all-topics --to-earliest --dry-run"), groups("--delete-offsets --group nobody --topic t"),
	})}
}

// simple is a group that only an admin ever wrote to.
func simple() chapter {
	return chapter{name: "simple", topics: []topic{{"one", 3, days(5)}}, steps: concat([]step{
		reset("simple", "--topic one --to-offset 2 --execute"),
	}, everyWord("simple"), []step{groups("--list --state --type"), run("groups --list")})}
}

func classic() chapter {
	return chapter{name: "classic", topics: []topic{{"one", 4, days(5)}}, steps: concat(
		[]step{reset("classic", "--topic one:0,1,2 --to-offset 3 --execute"), joins("a", "classic", "classic", 1, 4, "one")}, everyWord("classic"),
		[]step{joins("b", "classic", "classic", 2, 4, "one")}, everyWord("classic"),
		[]step{
			reset("classic", "--topic one --to-earliest --dry-run"), reset("classic", "--topic one --to-earliest --execute"),
			groups("--delete --group classic"), groups("--delete-offsets --group classic --topic one"),
			leaves("b"), leaves("a"),
		}, everyWord("classic")),
	}
}

func consumer() chapter {
	return chapter{name: "consumer", topics: []topic{{"one", 4, days(5)}}, steps: concat(
		[]step{joins("a", "new", "consumer", 1, 4, "one")}, everyWord("new"),
		[]step{joins("b", "new", "consumer", 2, 4, "one")}, everyWord("new"),
		[]step{
			reset("new", "--topic one --to-earliest --dry-run"), reset("new", "--topic one --to-earliest --execute"),
			groups("--delete --group new"), groups("--delete-offsets --group new --topic one"),
			leaves("b"), remains("new", 1, 4), leaves("a"),
		}, everyWord("new"),
		[]step{reset("new", "--topic one --to-latest --execute"), describe("new", ""), groups("--delete --group new"), describe("new", "")}),
	}
}

func pattern() chapter {
	joined := joins("p", "by-pattern", "consumer", 1, 4)
	joined.join.Pattern = "re-[a-z]+"
	return chapter{name: "pattern", topics: []topic{{"re-one", 2, days(2)}, {"re-two", 2, days(2)}, {"re-3", 2, days(2)}}, steps: concat(
		[]step{joined}, everyWord("by-pattern"),
		[]step{
			leaves("p"), describe("by-pattern", "--state"),
			run("consumer-groups --validate-regex re-[a-z]+"), run("consumer-groups --validate-regex re-[a-z"),
			run("consumer-groups --validate-regex (?<=a)b"), run("consumer-groups --validate-regex (?i)a{1001}"),
		}),
	}
}

func resets() chapter {
	const g = "resets"
	both := func(arguments string) []step {
		return []step{reset(g, arguments+" --dry-run"), reset(g, arguments+" --execute"), describe(g, "--offsets")}
	}
	return chapter{
		name: g, topics: []topic{{"dated", 2, days(6)}, {"aged", 2, ago(96, 72, 48, 24)}, {"bare", 2, nil}},
		files: map[string]string{
			"plan":   "\"dated\",0,1\n\"dated\",1,2\n\"bare\",0,0\n",
			"named":  "\"resets\",\"dated\",0,4\n\"other\",\"dated\",1,5\n",
			"beyond": "\"dated\",0,100\n",
			"wrong":  "dated;0;1\n",
		},
		steps: concat(
			both("--topic dated --to-earliest"), both("--topic dated --to-latest"), both("--topic dated:0,1 --to-offset 3"), both("--topic dated:1 --shift-by -2"),
			both("--topic dated --shift-by 2"), both("--topic dated --shift-by -100"), both("--topic dated --shift-by 100"), both("--topic dated --to-current"),
			both("--topic dated --to-offset 100"), both("--topic dated --to-datetime 2025-03-03T12:00:00.000Z"),
			both("--topic dated --to-datetime 2025-03-03T12:00:00.001+00:00"), both("--topic dated --to-datetime 2024-01-01T00:00:00.000Z"),
			both("--topic dated --to-datetime 2030-01-01T00:00:00.000Z"), both("--topic aged --by-duration PT60H"), both("--topic aged --by-duration P30D"),
			both("--topic aged --by-duration PT1H"), both("--topic bare --to-latest"), both("--topic bare --to-current"), both("--topic bare --by-duration PT1H"),
			both("--all-topics --to-earliest"), both("--topic dated:1 --topic aged:0 --to-latest"), both("--all-topics --to-current"),
			both("--from-file @plan"), both("--from-file @beyond"),
			[]step{
				reset(g, "--from-file @wrong --dry-run"), reset(g, "--from-file @named --dry-run"),
				groups("--reset-offsets --group resets --group other --from-file @named --execute"), groups("--describe --group other"),
				saved("exported", "consumer-groups --reset-offsets --group resets --all-topics --to-current --dry-run --export"),
				reset(g, "--all-topics --to-earliest --execute"), reset(g, "--from-file @exported --execute"), describe(g, "--offsets"),
				groups("--reset-offsets --group resets --group other --topic dated --to-earliest --dry-run --export"),
				reset(g, "--topic missing --to-earliest --dry-run"), reset(g, "--topic dated:7 --to-earliest --dry-run"),
				reset(g, "--topic dated:7 --to-offset 1 --execute"),
				// What the tool refuses by itself (a missing option, two scenarios, a date that is none) is no matter of the broker's.
				groups("--reset-offsets --all-groups --topic dated --to-latest --dry-run"),
			}),
	}
}

func deletions() chapter {
	return chapter{name: "deletions", topics: []topic{{"one", 2, days(3)}, {"two", 2, days(3)}, {"read", 2, days(3)}}, steps: []step{
		reset("del", "--topic one --topic two --to-latest --execute"), describe("del", ""),
		groups("--delete-offsets --group del --topic one:1"), groups("--delete-offsets --group del --topic one:1"), describe("del", ""),
		groups("--delete-offsets --group del --topic missing"), groups("--delete-offsets --group del --topic one:9"),
		groups("--delete-offsets --group del --topic one --topic missing"), describe("del", ""),
		groups("--delete --group del --group nobody"), describe("del", ""), groups("--list"),
		reset("del-2", "--topic one --to-latest --execute"), reset("del-3", "--topic one --topic read --to-latest --execute"),
		joins("c", "del-3", "classic", 1, 2, "read"),
		reset("del-4", "--topic one --topic read --to-latest --execute"), joins("n", "del-4", "consumer", 1, 2, "read"),
		groups("--delete-offsets --group del-3 --topic read"), groups("--delete-offsets --group del-3 --topic one"), describe("del-3", ""),
		groups("--delete-offsets --group del-3 --topic one --topic read"), groups("--delete-offsets --group del-4 --topic read"),
		groups("--delete-offsets --group del-4 --topic one"), describe("del-4", ""),
		groups("--delete --group del-3"), groups("--delete --group del-4"), groups("--delete --group del-2 --group del-3 --group nobody"),
		groups("--list --state"), leaves("c"), leaves("n"), groups("--delete --all-groups"), groups("--list"),
	}}
}

func configs() chapter {
	of := func(group, arguments string) step {
		return run("configs --entity-type groups --entity-name " + group + " " + arguments)
	}
	return chapter{name: "configs", topics: []topic{{"one", 2, days(2)}}, steps: []step{
		of("tuned", "--describe"), of("tuned", "--describe --all"),
		of("tuned", "--alter --add-config consumer.session.timeout.ms=46000"), of("tuned", "--describe"),
		of("tuned", "--alter --add-config consumer.session.timeout.ms=1"), of("tuned", "--alter --add-config consumer.session.timeout.ms=soon"),
		of("tuned", "--alter --add-config consumer.session.timeout.ms=1000000"), of("tuned", "--alter --add-config no.such.setting=1"),
		of("tuned", "--alter --add-config consumer.heartbeat.interval.ms=6000,consumer.session.timeout.ms=50000"), of("tuned", "--describe --all"),
		run("configs --entity-type groups --describe"), run("configs --describe --group tuned"),
		joins("n", "tuned", "consumer", 1, 2, "one"), of("tuned", "--describe"), leaves("n"),
		of("tuned", "--alter --delete-config consumer.session.timeout.ms"), of("tuned", "--describe"),
		of("tuned", "--alter --delete-config consumer.heartbeat.interval.ms"), of("tuned", "--describe"),
		run("configs --entity-type groups --entity-default --describe"),
	}}
}
