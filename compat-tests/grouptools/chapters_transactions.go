package grouptools

import "github.com/twmb/franz-go/pkg/kerr"

func txn(arguments string) step     { return run("transactions " + arguments) }
func act(f func(p *producers)) step { return step{act: f} }
func producersOf(topic string) step {
	return txn("describe-producers --topic " + topic + " --partition 0")
}
func transactionOf(name string) step  { return txn("describe --transactional-id " + name) }
func hangingIn(arguments string) step { return txn("find-hanging --topic " + arguments) }

// transactions follows producers through every state.
func transactions() chapter {
	everything := []step{
		txn("list"), txn("list --duration-filter 3600000"), txn("list --transactional-id-pattern t-[a-z]+"), txn("list --transactional-id-pattern other"),
		transactionOf("t-one"), transactionOf("t-two"), producersOf("in-txn"), producersOf("in-txn-too"),
	}
	return chapter{name: "transactions", topics: []topic{{"in-txn", 2, nil}, {"in-txn-too", 1, nil}}, steps: concat(
		everything,
		[]step{act(func(p *producers) { p.init("t-one"); p.init("t-two") })}, everything,
		[]step{act(func(p *producers) { p.add("t-one", "in-txn", 1, 0); p.add("t-one", "in-txn-too", 0) })}, everything,
		[]step{act(func(p *producers) {
			p.produce("t-one", "in-txn", 0, 3)
			p.produce("t-one", "in-txn", 0, 2)
			p.produce("t-one", "in-txn-too", 0, 1)
			p.add("t-two", "in-txn", 0)
			p.produce("t-two", "in-txn", 0, 1)
		})}, everything,
		[]step{act(func(p *producers) { p.end("t-one", true) })}, everything,
		[]step{act(func(p *producers) { p.end("t-two", false) })}, everything,
		[]step{act(func(p *producers) { p.init("t-one"); p.add("t-one", "in-txn", 0); p.produce("t-one", "in-txn", 0, 1) })}, everything,
		[]step{
			txn("forceTerminateTransaction --transactionalId t-one"), act(func(p *producers) { p.ended("t-one", true, kerr.ProducerFenced) }),
		}, everything,
		[]step{
			txn("forceTerminateTransaction --transactionalId t-two"), transactionOf("t-two"),
			txn("forceTerminateTransaction --transactionalId t-none"), transactionOf("t-none"),
			txn("list --transactional-id-pattern t-[a-z"),
			// Of partitions that are not there the tool asks for a minute, thousands of times a second.
		}),
	}
}

// hanging has a transaction that no coordinator knows of, found and aborted, and one that is merely open.
func hanging() chapter {
	look := []step{
		hangingIn("hung"), hangingIn("hung --partition 0"), hangingIn("hung --partition 1"), hangingIn("never"),
		hangingIn("hung --max-transaction-timeout 1000000000"), producersOf("hung"),
	}
	abort := func(topic, arguments string) step {
		return txn("abort --topic " + topic + " --partition 0 " + arguments)
	}
	return chapter{name: "hanging", topics: []topic{{"hung", 2, nil}, {"open", 1, nil}}, steps: concat(
		look,
		[]step{act(func(p *producers) {
			p.hang("t-hung", "hung", 0, 2)
			p.hang("t-hung-too", "hung", 1, 1)
			p.init("t-open")
			p.add("t-open", "open", 0)
			p.produce("t-open", "open", 0, 1)
		})}, look,
		[]step{hangingIn("open"), abort("hung", "--start-offset 1"), abort("hung", "--start-offset 0")}, look,
		[]step{
			abort("hung", "--start-offset 0"), abort("open", "--start-offset 0"), producersOf("open"), transactionOf("t-open"),
			act(func(p *producers) { p.end("t-open", true) }), transactionOf("t-open"), producersOf("open"),
		}),
	}
}

func features() chapter {
	return chapter{name: "features", steps: []step{run("features describe")}}
}
