package rotation

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// roundsOfALink is how often a worker that comes again uses a link.
const roundsOfALink = 10

// Wallet is the credential that counts.
type Wallet struct {
	mu         sync.RWMutex
	credential Credential
}

// NewWallet begins with one.
func NewWallet(c Credential) *Wallet { return &Wallet{credential: c} }

// Exchange has the credential that counts changed: nobody comes in meanwhile.
func (w *Wallet) Exchange(change func(c *Credential) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return change(&w.credential)
}

// Use opens a link and makes its first round, while nobody exchanges the credential.
func (w *Wallet) Use(first func(c Credential) error) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return first(w.credential)
}

// Worker is one of the eight clients.
type Worker struct {
	Name   string
	Topic  string
	Open   Open
	Wallet *Wallet
	// Stays says that it keeps its first link.
	Stays bool
	// Rounds is how many it has made, Links how often it came in.
	Rounds, Links *testbed.Count
}

// Work makes rounds until ctx ends; the error is what the client has seen of trouble.
func (w *Worker) Work(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; {
		var link Link
		err := w.Wallet.Use(func(c Credential) (err error) {
			if link, err = w.Open(c, w.Topic, int64(n)); err != nil {
				return err
			}
			err = link.Round(ctx, fmt.Sprint("round ", n))
			n++
			return err
		})
		w.Links.Set(w.Links.Now() + 1)
		for i := 1; err == nil && (w.Stays || i < roundsOfALink) && ctx.Err() == nil; i++ {
			if err = link.Round(ctx, fmt.Sprint("round ", n)); err == nil {
				n++
				w.Rounds.Set(n)
			}
		}
		if link != nil {
			err = errors.Join(err, link.Close())
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s, at round %d: %w", w.Name, n, err)
		}
	}
	return nil
}
