package differ

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What is asked of the records of a share group. A fetch waits where records are due:
// Kafka may still hold the lock of the partition when it has answered the one before.

// available tells whether there are records that a reader may get.
func (sh *sharing) available() bool {
	n := len(sh.gone)
	for _, held := range sh.held {
		n += len(held)
	}
	return int64(n) < sh.end
}

// produceShared adds a batch, outside of the comparison.
func (w *world) produceShared(count int) {
	sh := w.sharing
	w.quietly(func() { w.Produce(sh.topic.name, sh.topic.id, 0, w.Batch(w.values(count)...)) })
	sh.end += int64(count)
}

// shareAcks are acknowledgements of what a reader holds, or wrong ones. It takes four
// numbers.
func (w *world) shareAcks(reader int, kinds []int8) []shareAck {
	held := w.sharing.held[reader]
	kind, at, count, types := w.number(10), w.number(64), 1+w.number(4), w.number(1<<16)
	switch {
	case kind == 0:
		bad := badAcks()
		return bad[at%len(bad)].acks
	case len(held) == 0:
		return nil
	}
	first := at % len(held)
	last := first
	for last+1 < len(held) && last-first+1 < count && held[last+1] == held[last]+1 {
		last++
	}
	one := acks(held[first], held[last], kinds[types%len(kinds)])
	if kind < 5 { // one type for each
		one.types = nil
		for range last - first + 1 {
			one.types = append(one.types, kinds[types%len(kinds)])
			types /= len(kinds)
		}
	}
	return []shareAck{one}
}

// acknowledged takes over acknowledgements that were taken.
func (sh *sharing) acknowledged(reader int, all []shareAck) {
	for _, a := range all {
		if len(a.types) == 0 {
			continue
		}
		for offset := a.first; offset <= a.last; offset++ {
			kind := a.types[min(int(offset-a.first), len(a.types)-1)]
			if kind == ackRenew {
				continue
			}
			sh.held[reader] = slices.DeleteFunc(sh.held[reader], func(o int64) bool { return o == offset })
			if kind != ackRelease {
				sh.gone[offset] = true
			}
		}
	}
}

// shareEpoch is the epoch for the next request of a reader: mostly the right one. Who
// holds records does not end the session: Kafka gives them back after it has answered.
func (w *world) shareEpoch(reader int) int32 {
	r := w.sharing.readers[reader]
	switch w.number(16) {
	case 0:
		return r.epoch + 1
	case 1:
		return 0
	case 2:
		if len(w.sharing.held[reader]) == 0 {
			return -1
		}
	case 3:
		return -2
	}
	return r.epoch
}

const shareSessionNotFound = 122

// answered is what an answer makes of the session of a reader.
func (sh *sharing) answered(reader int, sent int32, code int16) {
	r := sh.readers[reader]
	switch {
	case code == shareSessionNotFound, code == 0 && sent < 0:
		r.epoch, sh.held[reader] = 0, nil
	case code == 0:
		r.epoch = sent + 1
	}
}

func (w *world) shareFetch() {
	sh, reader := w.sharing, w.number(2)
	if n := w.number(5); n > 1 {
		w.produceShared(n)
	}
	r := sh.readers[reader]
	// What is given back comes at once, or later where there is something else.
	kinds := []int8{ackAccept, ackAccept, ackReject, ackGap}
	if !sh.available() {
		kinds = append(kinds, ackRelease, ackRelease)
	}
	var said []shareAck
	if w.rarely(2) {
		said = w.shareAcks(reader, kinds)
	}
	req := r.request(said...)
	req.ShareSessionEpoch = w.shareEpoch(reader)
	req.MaxRecords, req.BatchSize = pick(w, []int32{500, 500, 3, 1}), pick(w, []int32{500, 2})
	req.ShareAcquireMode = int8(w.number(2))
	req.MaxWaitMillis = 0
	if sh.available() || slices.ContainsFunc(said, func(a shareAck) bool { return slices.Contains(a.types, ackRelease) }) {
		req.MaxWaitMillis = shareWaitMillis / 3
	}
	switch w.number(24) {
	case 0:
		req.GroupID = nil
	case 1:
		req.MemberID = ptr("")
	case 2:
		req.Topics = nil
	case 3: // no partition that is not there: with its error in the session nothing waits
		forgotten := kmsg.NewShareFetchRequestForgottenTopicsData()
		forgotten.TopicID, forgotten.Partitions = r.topicID, []int32{0}
		req.Topics, req.ForgottenTopicsData = nil, append(req.ForgottenTopicsData, forgotten)
	}
	what := fmt.Sprintf("reader %d fetches, epoch %d of %d", reader, req.ShareSessionEpoch, r.epoch)
	resp, _ := w.askOf(r.peer, what, req).(*kmsg.ShareFetchResponse)
	if resp == nil {
		return
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Partition != 0 {
				continue
			}
			if p.AcknowledgeErrorCode == 0 && len(req.Topics) > 0 {
				sh.acknowledged(reader, said)
			}
			for _, a := range p.AcquiredRecords {
				for o := a.FirstOffset; o <= a.LastOffset; o++ {
					sh.held[reader] = append(sh.held[reader], o)
				}
			}
		}
	}
	slices.Sort(sh.held[reader])
	sh.answered(reader, req.ShareSessionEpoch, resp.ErrorCode)
}

func (w *world) shareAcknowledge() {
	sh, reader := w.sharing, w.number(2)
	r := sh.readers[reader]
	said := w.shareAcks(reader, []int8{ackAccept, ackRelease, ackRelease, ackReject, ackGap, ackAccept, ackRenew})
	req := r.acknowledgement(said...)
	req.ShareSessionEpoch = w.shareEpoch(reader)
	req.IsRenewAck = slices.ContainsFunc(said, func(a shareAck) bool { return slices.Contains(a.types, ackRenew) }) != w.rarely(10)
	switch w.number(24) {
	case 0:
		req.GroupID = nil
	case 1:
		req.MemberID = ptr("")
	case 2:
		req.Topics = nil
	case 3:
		req.Topics[0].Partitions = nil
	case 4:
		req.Topics[0].Partitions[0].Partition = 7
	case 5:
		req.Topics[0].TopicID = unknownID
	}
	what := fmt.Sprintf("reader %d acknowledges %v, epoch %d of %d", reader, said, req.ShareSessionEpoch, r.epoch)
	resp, _ := w.askOf(r.peer, what, req).(*kmsg.ShareAcknowledgeResponse)
	if resp == nil {
		return
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Partition == 0 && p.ErrorCode == 0 && t.TopicID == r.topicID {
				sh.acknowledged(reader, said)
			}
		}
	}
	sh.answered(reader, req.ShareSessionEpoch, resp.ErrorCode)
}
