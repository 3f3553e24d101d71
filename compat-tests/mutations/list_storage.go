package mutations

import "time"

// Scenarios that several mutations need.
const (
	killUnderLoad = "^TestKillUnderLoad$/^barnabas_dev$"
	resumes       = "^TestGroupResumesAfterKill$/^barnabas_dev$"
	differ        = "^TestBarnabasAnswersAsKafka$/^4.3.1$/"
)

// killsTake is long enough for the fifty kills of a run whose broker works on.
const killsTake = 90 * time.Second

// storage are what a log does with records.
var storage = []Mutation{
	{
		Name: "ack-moved", Breaks: "an acknowledgement names the offset of the record",
		File: "logstore/disk/append.go",
		Old: `	p.BaseOffset, p.LastOffset = b.BaseOffset(), b.LastOffset()
`,
		New: `	p.BaseOffset, p.LastOffset = b.BaseOffset(), b.LastOffset()
	if MUTATED && in.Origin == logstore.FromClient {
		p.BaseOffset++
	}
`,
		Package: "crash", Run: killUnderLoad, Says: `moved: value \d+`, Patience: killsTake,
	},
	{
		Name: "no-dedup", Breaks: "what an idempotent producer sends again is not stored again",
		File: "logstore/producers.go",
		Old:  `		if first, ok := p.find(b.BaseSequence(), b.LastSequence()); ok {`,
		New: `		if _, ok := p.find(b.BaseSequence(), b.LastSequence()); ok && MUTATED {
			return first, false, nil
		}
		if first, ok := p.find(b.BaseSequence(), b.LastSequence()); ok {`,
		Package: "crash", Run: killUnderLoad, Says: `doubled: value \d+`, Patience: killsTake,
	},
	{
		Name: "producers-forgotten", Breaks: "a broker that was killed knows what idempotent producers have sent",
		File: "logstore/disk/recover_scan.go",
		Old: `			l.learn(s, b)
			told.add(b)`,
		New: `			if !MUTATED {
				l.learn(s, b)
			}
			told.add(b)`,
		Package: "crash", Run: killUnderLoad, Says: `doubled: value \d+`, Patience: killsTake,
	},
	{
		Name: "tail-cut", Breaks: "a start after a kill keeps every whole batch",
		File: "logstore/disk/recover_scan.go",
		Old: `		s.dropAborted()
		position, bad, err := l.rebuild(s, s.size.Load(), mode,`,
		New: `		s.dropAborted()
		if MUTATED { // of topics with records, not of those of the broker
			s.size.Add(-(s.size.Load() >> 14))
		}
		position, bad, err := l.rebuild(s, s.size.Load(), mode,`,
		Package: "crash", Run: resumes, Says: `after 599 of 600 records`,
	},
	{
		Name: "aborts-forgotten", Breaks: "a broker that was killed knows which transactions were aborted",
		File:    "logstore/disk/txn.go",
		Old:     `	if !ok || !ended.Aborted {`,
		New:     `	if !ok || !ended.Aborted || MUTATED && phase(l.phase.Load()) != phaseReady {`,
		Package: "txnhistory", Run: "^TestKillInTransactions$/^barnabas_dev$", Says: `aborted: `, Patience: killsTake,
	},
	{
		Name: "full-for-ever", Breaks: "records are taken again once there is room on the disk",
		File:    "logstore/disk/room.go",
		Old:     `	if r.full.Swap(false) {`,
		New:     `	if r.full.Swap(MUTATED) {`,
		Package: "fulldisk", Run: "^TestFullDisk$/^dev$", Says: `still KAFKA_STORAGE_ERROR.* after`,
	},
	{
		Name: "full-misnamed", Breaks: "a full disk is an error that clients try again for",
		File: "server/api/errors.go",
		Old:  `	return protocol.ErrKafkaStorageError`,
		New: `	if MUTATED {
		return protocol.ErrUnknownServerError
	}
	return protocol.ErrKafkaStorageError`,
		Package: "fulldisk", Run: "^TestFullDisk$/^dev$", Says: `bytes on a full disk: UNKNOWN_SERVER_ERROR`,
	},
	{
		Name: "damage-stored", Breaks: "a batch that was damaged on its way is refused",
		File:    "protocol/check.go",
		Old:     `stored != computed {`,
		New:     `stored != computed && !MUTATED {`,
		Package: "badinput", Run: "^TestBarnabasStandsBadInput$/^wrong_checksum$", Says: `--- FAIL: .*wrong_checksum`,
	},
	{
		Name: "limit-ignored", Breaks: "a batch above max.message.bytes is refused",
		File: "server/api/produce_batch.go",
		Old: `	if len(batch) > policy.MessageBytesMax {
		return nil, protocol.ErrMessageTooLarge
	}
	if err := `,
		New: `	if len(batch) > policy.MessageBytesMax && !MUTATED {
		return nil, protocol.ErrMessageTooLarge
	}
	if err := `,
		Package: "badinput", Run: "^TestBarnabasStandsBadInput$/^too_large$", Says: `--- FAIL: .*too_large`,
	},
}
