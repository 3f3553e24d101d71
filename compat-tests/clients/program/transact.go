package program

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Transaction is one line for the transact step; which fields are set depends on Do.
type Transaction struct {
	Do         string          `json:"do"`
	As         string          `json:"as"`
	ID         string          `json:"id"`
	TimeoutMS  int             `json:"timeout-ms"`
	Topic      string          `json:"topic"`
	To         string          `json:"to"`
	Partition  int32           `json:"partition"`
	Values     []string        `json:"values"`
	Group      string          `json:"group"`
	Offsets    map[int32]int64 `json:"offsets"`
	Count      int             `json:"count"`
	AbortEvery int             `json:"abort-every"`
	Isolation  string          `json:"isolation"`
}

// Transactor is what clients with transactions implement.
type Transactor interface {
	// Transact does one command; the offsets are those of drain.
	Transact(ctx context.Context, o Options, c Transaction, out *Output) (offsets map[int32]int64, err error)
	// Fenced tells whether an error says that another producer has taken over.
	Fenced(err error) bool
}

func transact(ctx context.Context, client Client, o Options, out *Output) error {
	transactor, ok := client.(Transactor)
	if !ok {
		return fmt.Errorf("no step transact in this client")
	}
	for decoder := json.NewDecoder(os.Stdin); ; {
		var c Transaction
		if err := decoder.Decode(&c); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("command on stdin: %w", err)
		}
		offsets, err := transactor.Transact(ctx, o, c, out)
		if err != nil {
			out.emit(map[string]any{"event": "refused", "message": err.Error(), "fenced": transactor.Fenced(err)})
			continue
		}
		out.emit(map[string]any{"event": "done", "offsets": offsets})
	}
}
