package assignor

import "slices"

// ladder orders the subscribers of one topic by how much they own and hands out
// who is to get the next partition and who is to lose one. It serves whole rungs:
// everyone on the lowest rung gets one before anyone gets two, and the same from
// above. Sizes are read live: the caller gives and takes as it is told, at once.
//
//	                         │        #         the highest two have none of
//	                         │    [###]#        this topic and are set aside
//	lowest: [low, lowEnd)    │    [###]##
//	                         │ [####]####   highest: [high, highEnd)
//	                         └───────────
type ladder struct {
	size    []int32
	members []int32
	keys    []uint64 // scratch, to sort by size and index at once

	lowEnd, lowNext         int
	high, highEnd, highNext int
}

// stand puts the members on the ladder. They are ascending.
func (l *ladder) stand(members []int32) {
	l.keys, l.members = l.keys[:0], l.members[:0]
	for _, m := range members {
		l.keys = append(l.keys, uint64(l.size[m])<<32|uint64(m))
	}
	slices.Sort(l.keys)
	for _, key := range l.keys {
		l.members = append(l.members, int32(key&0xffffffff))
	}
	n := len(members)
	l.lowEnd, l.lowNext = 0, 0
	l.high, l.highEnd, l.highNext = n, n, n-1
}

// lowest is who gets the next partition. There is at least one member.
func (l *ladder) lowest() int32 {
	if l.lowNext == l.lowEnd {
		// All of the rung have one more now; who stood there already joins them.
		rung := l.size[l.members[0]]
		for l.lowEnd < len(l.members) && l.size[l.members[l.lowEnd]] == rung {
			l.lowEnd++
		}
		l.lowNext = 0
	}
	l.lowNext++
	return l.members[l.lowNext-1]
}

// highest is who is to lose a partition next, or nobody.
func (l *ladder) highest() int32 {
	if l.highNext < l.high {
		if l.high == l.highEnd && l.high == 0 {
			return nobody
		}
		top := l.high // all of the rung have one less now
		if l.high == l.highEnd {
			top-- // or all were set aside
		}
		rung := l.size[l.members[top]]
		for l.high > 0 && l.size[l.members[l.high-1]] == rung {
			l.high--
		}
		l.highNext = l.highEnd - 1
	}
	l.highNext--
	return l.members[l.highNext+1]
}

// setAside is said of the member that highest has answered last: it has nothing
// to lose here.
func (l *ladder) setAside() {
	l.highEnd--
	at := l.highNext + 1
	l.members[at], l.members[l.highEnd] = l.members[l.highEnd], l.members[at]
}
