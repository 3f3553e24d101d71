package assignor

// assignEvenly serves a group whose members all subscribe to the same topics.
// Each member's quota is its share rounded down, and as many members as there are
// partitions left over may have one more. Members keep of their partitions what
// the quota allows, in the order of topics and partitions; the rest goes to those
// who are below theirs (Kafka's UniformHomogeneousAssignmentBuilder).
func assignEvenly(b *board) {
	// What nobody had comes first, then what members had to give up.
	var free []int
	for _, t := range b.group.Members[0].Topics {
		for slot := b.first[t]; slot < b.first[t+1]; slot++ {
			if b.owner[slot] == nobody {
				free = append(free, slot)
			}
		}
	}
	partitions := len(free)
	for _, size := range b.size {
		partitions += int(size)
	}
	quotas := quotasOf(b.size, partitions)
	for m := range b.group.Members {
		free = revokeAbove(b, m, quotas[m], free)
	}
	for m := range b.group.Members {
		for b.size[m] < quotas[m] {
			b.give(free[0], int32(m))
			free = free[1:]
		}
	}
}

// quotasOf decides who has one partition more than the others. A member that has
// one to keep with it comes first; one that does not need it leaves it to those
// behind, unless they are too few to take them all. So no partition moves for the
// sake of a left-over that might have stayed where it was.
func quotasOf(sizes []int32, partitions int) []int32 {
	share, leftOver := int32(partitions/len(sizes)), partitions%len(sizes)
	quotas := make([]int32, len(sizes))
	for m, size := range sizes {
		quotas[m] = share
		membersLeft := len(sizes) - m
		if leftOver > 0 && (size > share || membersLeft <= leftOver) {
			quotas[m]++
			leftOver--
		}
	}
	return quotas
}

// revokeAbove takes from the member what it owns above its quota, and adds it to
// the free slots.
func revokeAbove(b *board, m int, quota int32, free []int) []int {
	if b.size[m] <= quota {
		return free
	}
	kept := int32(0)
	for slot := range b.target(m) {
		switch {
		case b.owner[slot] != int32(m):
		case kept < quota:
			kept++
		default:
			b.take(slot)
			free = append(free, slot)
		}
	}
	return free
}
