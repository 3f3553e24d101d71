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
	ID         string          `json:"id,omitempty"`
	TimeoutMS  int64           `json:"timeout-ms,omitempty"`
	Topic      string          `json:"topic,omitempty"`
	To         string          `json:"to,omitempty"`
	Partition  int32           `json:"partition"`
	Values     []string        `json:"values,omitempty"`
	Group      string          `json:"group,omitempty"`
	Offsets    map[int32]int64 `json:"offsets,omitempty"`
	Count      int             `json:"count,omitempty"`
	AbortEvery int             `json:"abort-every,omitempty"`
	Isolation  string          `json:"isolation,omitempty"`
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
