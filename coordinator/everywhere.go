package coordinator

// Everywhere runs an input on all shards of this broker. The error is that of the first
// shard that could not do it; shards of other brokers are left out.
func (r *Runtime[M]) Everywhere(decide func(M, Moment, func(error)) Decision, reply func(error)) {
	shards := r.Shards()
	errs := make([]error, shards)
	pending := NewCountdown(int(shards), func() {
		for _, err := range errs {
			if err != nil && err != ErrNotOwner {
				reply(err)
				return
			}
		}
		reply(nil)
	})
	for shard := range shards {
		put := func(err error) {
			errs[shard] = err
			pending.Done()
		}
		r.Do(shard, func(m M, now Moment) Decision { return decide(m, now, put) }, put)
	}
}
