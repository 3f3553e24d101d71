package program

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Streamer is what clients implement that send records as they come, through restarts of the broker.
type Streamer interface {
	// Open begins; its clients are ready to Send until Close.
	Open(ctx context.Context, o Options) error
	// Send calls acked once the broker has the record, or failed if the client gives it up; it need not wait for either.
	Send(ctx context.Context, r Record, acked func(partition int32, offset int64), failed func(error)) error
	// Close returns when every record has its outcome.
	Close(ctx context.Context) error
}

func stream(ctx context.Context, client Client, o Options, out *Output) error {
	streamer, ok := client.(Streamer)
	if !ok {
		return fmt.Errorf("no step stream in this client")
	}
	if err := streamer.Open(ctx, o); err != nil {
		return err
	}
	count := 0
	for record, err := range eachRecord(os.Stdin) {
		if err != nil {
			return fmt.Errorf("record %d on stdin: %w", count, err)
		}
		index := count
		acked := func(partition int32, offset int64) {
			out.emit(map[string]any{"event": "acked", "index": index, "partition": partition, "offset": offset})
		}
		if err := streamer.Send(ctx, record, acked, out.Error); err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
		count++
	}
	if err := streamer.Close(ctx); err != nil {
		return err
	}
	out.emit(map[string]any{"event": "produced", "count": count})
	return nil
}

// Command is one line for the admin step; which fields are set depends on Do.
type Command struct {
	Do        string `json:"do"`
	Topic     string `json:"topic,omitempty"`
	Group     string `json:"group,omitempty"`
	Name      string `json:"name,omitempty"`
	Value     string `json:"value,omitempty"`
	Count     int    `json:"count,omitempty"`
	Partition int32  `json:"partition"`
	Before    int64  `json:"before"`
}

// Answer is what a command tells, if anything.
type Answer struct {
	Names   []string        `json:"names,omitempty"`
	Count   int             `json:"count,omitempty"`
	Text    string          `json:"text,omitempty"`
	Offsets map[int32]int64 `json:"offsets,omitempty"`
}

// Administrator is what clients with admin requests implement.
type Administrator interface {
	// Admin does one command; an error is what the broker, or the client, has against it.
	Admin(ctx context.Context, o Options, c Command) (Answer, error)
}

func administer(ctx context.Context, client Client, o Options, out *Output) error {
	administrator, ok := client.(Administrator)
	if !ok {
		return fmt.Errorf("no step admin in this client")
	}
	for decoder := json.NewDecoder(os.Stdin); ; {
		var c Command
		if err := decoder.Decode(&c); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("command on stdin: %w", err)
		}
		answer, err := administrator.Admin(ctx, o, c)
		if err != nil {
			out.emit(map[string]any{"event": "refused", "message": err.Error()})
			continue
		}
		out.emit(struct {
			Event string `json:"event"`
			Answer
		}{"done", answer})
	}
}
