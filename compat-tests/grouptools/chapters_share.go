package grouptools

// sharing is a share group that only an admin ever wrote to: members of share groups are
// no matter of this tool.
func sharing() chapter {
	share := func(arguments string) step { return run("share-groups " + arguments) }
	everyWord := func(group string) []step {
		var steps []step
		for _, form := range []string{"", "--verbose", "--offsets", "--offsets --verbose", "--members", "--members --verbose", "--state", "--state --verbose"} {
			steps = append(steps, share("--describe --group "+group+" "+form))
		}
		return steps
	}
	return chapter{name: "sharing", topics: []topic{{"one", 3, days(5)}, {"two", 1, days(2)}}, steps: concat(
		[]step{share("--list"), share("--reset-offsets --group s --topic one --to-earliest --dry-run"), share("--reset-offsets --group s --topic one --to-earliest --execute")},
		everyWord("s"),
		[]step{
			share("--list"), share("--list --state"), share("--list --state Stable"), run("groups --list --share"), run("groups --list"),
			share("--reset-offsets --group s --topic two --to-latest --execute"),
			share("--reset-offsets --group s --topic one --to-datetime 2025-03-03T12:00:00.000Z --execute"),
			share("--reset-offsets --group s --all-topics --to-latest --dry-run"),
			share("--reset-offsets --group s --topic missing --to-latest --execute"),
			share("--describe --group s"), share("--describe --all-groups"),
			share("--delete-offsets --group s --topic two"), share("--delete-offsets --group s --topic two"), share("--delete-offsets --group s --topic missing"),
			share("--describe --group s"), groups("--describe --group s"), groups("--delete --group s"), share("--delete-offsets --group nobody --topic one"),
			share("--delete --group s --group nobody"), share("--list"),
		}, everyWord("s")),
	}
}
