package wal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const (
	lineageFile     = "lineage"
	lineageBytesMax = 1 << 20
)

// lineage is the content of the file: the processes that wrote this log or, after
// a crash, were about to take it over.
type lineage struct {
	Version   int      `json:"version"`
	Processes []string `json:"processes"`
}

// Lineage lists the processes that have owned the log. When the newest owner of the
// data is not among them, somebody else has used the data since, and what the log
// holds must not be written over it.
func (l *Log) Lineage() ([]string, error) {
	name := path.Join(l.o.Dir, lineageFile)
	data, err := vfs.ReadFile(l.o.FS, name, lineageBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the lineage of the write-ahead log: %w", err)
	}
	var content lineage
	if err := json.Unmarshal(data, &content); err != nil || content.Version != 1 {
		return nil, &CorruptError{name, 0, "the lineage cannot be understood"}
	}
	return content.Processes, nil
}

// processesMax bounds the lineage: as many crashes in a row without a replay.
const processesMax = 1000

// Inherit notes, durably, that this process is about to take over what an earlier
// one left. It comes before the process is announced anywhere else. newest is the
// last one that was announced; those behind it never came so far.
func (l *Log) Inherit(newest string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	processes, err := l.Lineage()
	if err != nil {
		return err
	}
	if i := slices.Index(processes, newest); i >= 0 {
		processes = processes[:i+1]
	}
	return l.writeLineage(append(processes, l.o.Process))
}

// nameProcess adds this process to the lineage, of which nothing counts once what
// the others left is freed.
func (l *Log) nameProcess() error {
	if l.mu.named {
		return nil
	}
	var processes []string
	if len(l.mu.leftover) > 0 {
		var err error
		if processes, err = l.Lineage(); err != nil {
			return err
		}
	}
	return l.writeLineage(append(processes, l.o.Process))
}

func (l *Log) writeLineage(processes []string) error {
	if extra := len(processes) - processesMax; extra > 0 {
		processes = processes[extra:]
	}
	data, err := json.Marshal(lineage{1, processes})
	if err == nil {
		err = vfs.ReplaceFile(l.o.FS, path.Join(l.o.Dir, lineageFile), data, true)
	}
	if err != nil {
		return fmt.Errorf("write the lineage of the write-ahead log: %w", err)
	}
	l.mu.named = true
	return nil
}
