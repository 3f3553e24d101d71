package disk

// Drain returns once the group commit under way, and the one that gathers, are done.
func (s *Store) Drain() {
	if s.committer != nil {
		s.committer.drain()
	}
}
