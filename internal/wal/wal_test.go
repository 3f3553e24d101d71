package wal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/internal/wal"
)

func options(fsys vfs.FS) wal.Options {
	return wal.Options{FS: fsys, Dir: "/data/wal", Owner: "cluster/directory", SlotBytes: 32 << 10, PieceBytes: 16 << 10, SlotsMax: 3,
		Nonce: rand.Uint64}
}

func newDisk(t *testing.T) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, fsys vfs.FS) *wal.Log {
	t.Helper()
	l, err := wal.Open(options(fsys))
	must(t, err)
	return l
}

// write writes a group of entries, each "head|body" with a body of the given size.
func write(l *wal.Log, bytes int, heads ...string) error {
	g := l.NewGroup()
	for _, h := range heads {
		g.Add(1, []byte(h), []byte(strings.Repeat(h[:1], bytes)))
	}
	_, err := l.Write(g)
	return err
}

// valid: a body repeats the first byte of its head.
func valid(_ uint8, head int, content []byte) bool {
	return strings.Count(string(content[head:]), string(content[:1])) == len(content)-head
}

// replay gives what an earlier process left: "head", "head!" when settled and
// "head?" when damaged.
func replay(fsys vfs.FS) (left []string, err error) {
	l, err := wal.Open(options(fsys))
	if err != nil {
		return nil, err
	}
	err = l.Replay(valid, func(e wal.Entry) error {
		name := string(e.Head)
		if e.Settled {
			name += "!"
		}
		if e.Damaged {
			name += "?"
		} else if body, err := l.AppendBody(nil, e); err != nil || !valid(e.Kind, len(e.Head), slices.Concat(e.Head, body)) {
			return fmt.Errorf("the body of %s: %q, %w", name, body, err)
		}
		left = append(left, name)
		return nil
	})
	return left, err
}

func want(t *testing.T, fsys vfs.FS, entries string) {
	t.Helper()
	left, err := replay(fsys)
	must(t, err)
	if got := strings.Join(left, " "); got != entries {
		t.Fatalf("left is %q, want %q", got, entries)
	}
}

// What Write has acknowledged survives the worst power cut, and the last group of
// each process is not settled.
func TestWrittenGroupsSurvive(t *testing.T) {
	m := newDisk(t)
	l := open(t, m)
	if l.Leftover() {
		t.Error("an empty directory has no log")
	}
	must(t, write(l, 100, "a1", "b1"))
	must(t, write(l, 5000, "c1"))
	m = m.CrashCopy(vfs.CrashKeepNone, nil)
	want(t, m, "a1! b1! c1")

	l = open(t, m)
	if !l.Leftover() {
		t.Error("there is a log")
	}
	must(t, write(l, 10, "d2"))
	must(t, write(l, 10, "e2"))
	m = m.CrashCopy(vfs.CrashKeepNone, nil)
	want(t, m, "a1! b1! c1 d2! e2")

	l = open(t, m)
	must(t, write(l, 10, "f3"))
	must(t, l.FreeLeftover())
	want(t, m, "f3")
	must(t, l.Remove())
	if left, err := replay(m); err != nil || len(left) > 0 {
		t.Errorf("left is %q, %v", left, err)
	}
	if entries, _ := m.ReadDir("/data"); len(entries) > 0 {
		t.Errorf("the folder is still there: %v", entries)
	}
}

// At every operation and with whatever pages a power cut keeps, what is read is a
// prefix of what was written and holds all that was acknowledged, also when slots
// are used again and again.
func TestEveryCrash(t *testing.T) {
	m := newDisk(t)
	var acknowledged, sent, freed int
	check := func(op vfs.Op) error {
		if !op.Kind.Changes() {
			return nil
		}
		for seed := range uint64(3) {
			left, err := replay(m.CrashCopy(vfs.CrashKeepSome, rand.New(rand.NewPCG(uint64(op.Index), seed))))
			if err != nil {
				return fmt.Errorf("seed %d, before %s: %w", seed, op.Kind, err)
			}
			first, last := sent, -1
			for i, e := range left {
				var n int
				if _, err := fmt.Sscanf(e[1:], "%d", &n); err != nil || i > 0 && n != last+1 {
					return fmt.Errorf("seed %d: %q", seed, left)
				}
				first, last = min(first, n), n
			}
			if len(left) == 0 && acknowledged <= freed {
				continue
			}
			if last+1 < acknowledged || last >= sent || first > freed {
				return fmt.Errorf("seed %d, before %s %d: left is %d to %d, acknowledged below %d, sent below %d, needed from %d",
					seed, op.Kind, op.Index, first, last, acknowledged, sent, freed)
			}
		}
		return nil
	}
	l := open(t, &vfs.Faulty{FS: m, Before: check})
	lastOf := make(map[uint64]int) // the newest entry of a slot
	for i := 0; i < 120; {
		g := l.NewGroup()
		for range 1 + i%3 {
			name := fmt.Sprintf("%c%d", 'a'+i%7, i)
			g.Add(1, []byte(name), []byte(strings.Repeat(name[:1], 300+i*13%2000)))
			i++
		}
		sent = i
		sequence, err := l.Write(g)
		must(t, err)
		acknowledged = i
		lastOf[sequence] = i
		if sealed := l.Sealed(); sealed > 1 {
			freed = lastOf[sealed-1]
			l.Free(sealed - 1)
		}
		must(t, l.Prepare())
	}
	if len(lastOf) < 5 {
		t.Errorf("only %d slots were filled", len(lastOf))
	}
	if entries, _ := m.ReadDir("/data/wal"); len(entries) > 3+1 {
		t.Errorf("%d files for 3 slots and the lineage", len(entries))
	}
}

// With every slot in use, or no room on the disk, Write says so and loses nothing.
func TestFull(t *testing.T) {
	m := newDisk(t)
	l := open(t, m)
	written := 0
	for ; ; written++ {
		if err := write(l, 9000, "a"); errors.Is(err, wal.ErrFull) {
			break
		} else if err != nil || written > 100 {
			t.Fatal(written, err)
		}
	}
	if written != 6 { // two in each of three slots, in whole blocks
		t.Errorf("%d groups were taken", written)
	}
	l.Free(l.Sealed())
	must(t, write(l, 9000, "b"))
	if err := write(l, 40<<10, "c"); !errors.Is(err, wal.ErrFull) {
		t.Errorf("a group larger than a slot: %v", err)
	}

	m = newDisk(t)
	l = open(t, m)
	must(t, write(l, 1000, "a"))
	free, total, err := m.FreeBytes("/")
	must(t, err)
	m.SetCapacity(int64(total - free))
	must(t, write(l, 1000, "b")) // what was filled ahead
	if err := write(l, 9000, "c"); !errors.Is(err, wal.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	m.SetCapacity(-1)
	must(t, write(l, 9000, "d"))
	want(t, m, "a! b! d")
}

// After an error that is not about room nobody knows what the disk holds.
func TestWriteError(t *testing.T) {
	m := newDisk(t)
	failing := false
	l := open(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if failing && op.Kind == vfs.OpSync {
			return syscall.EIO
		}
		return nil
	}})
	must(t, write(l, 10, "a"))
	failing = true
	if err := write(l, 10, "b"); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "/data/wal/00000000.wal") {
		t.Errorf("a failed sync: %v", err)
	}
}

// A flipped bit is found: in the last group it is a torn end, before that an error
// or, in a body, an entry that is marked.
func TestDamage(t *testing.T) {
	m := newDisk(t)
	l := open(t, m)
	must(t, write(l, 40, "a", "b"))
	must(t, write(l, 40, "c"))
	must(t, write(l, 40, "d", "e"))
	// Each group begins a block; behind it nothing is read.
	const entry, header, block = 12 + 1 + 40, 40, int64(4096)
	lengths := []int64{header + 2*entry, header + entry, header + 2*entry}
	size := 3*block + lengths[2]
	for at := range size {
		group := at/block - 1 // -1 is the slot's header
		if group >= 0 && at%block >= lengths[group] {
			continue
		}
		last := group == 2
		for _, bit := range []byte{1, 0x80} {
			damaged := m.CrashCopy(vfs.CrashKeepAll, nil)
			f, err := damaged.Open("/data/wal/00000000.wal", vfs.ReadWrite, 0)
			must(t, err)
			var b [1]byte
			_, err = f.ReadAt(b[:], at)
			must(t, err)
			b[0] ^= bit
			_, err = f.WriteAt(b[:], at)
			must(t, err)
			left, err := replay(damaged)
			var corrupt *wal.CorruptError
			got := strings.Join(left, " ")
			whole := got == "a! b! c! d e"
			switch {
			case errors.As(err, &corrupt):
			case err != nil:
				t.Fatalf("byte %d: %v", at, err)
			case strings.Contains(got, "?"):
			case last && strings.HasPrefix("a! b! c! d e", got+" ") && len(left) >= 3:
			case last && got == "a! b! c": // the header of the last group
			case at < 4096 && whole: // what the header leaves empty
			default:
				t.Fatalf("byte %d: left is %q", at, got)
			}
		}
	}
}

// The log of another data directory, or of a newer format, is refused.
func TestOwner(t *testing.T) {
	m := newDisk(t)
	must(t, write(open(t, m), 10, "a"))
	o := options(m)
	o.Owner = "other/directory"
	_, err := wal.Open(o)
	var corrupt *wal.CorruptError
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "other/directory") {
		t.Errorf("another's log: %v", err)
	}
}

// The lineage names all who took the log over, in order.
func TestLineage(t *testing.T) {
	m := newDisk(t)
	for i := range 3 {
		o := options(m)
		o.Process = fmt.Sprint("process-", i)
		l, err := wal.Open(o)
		must(t, err)
		if l.Leftover() {
			must(t, l.Inherit(fmt.Sprint("process-", i-1)))
		}
		must(t, write(l, 10, "a"))
		m = m.CrashCopy(vfs.CrashKeepNone, nil)
	}
	lineage := func(want string) {
		t.Helper()
		processes, err := open(t, m).Lineage()
		must(t, err)
		if got := strings.Join(processes, " "); got != want {
			t.Errorf("the lineage is %q, want %q", got, want)
		}
	}
	lineage("process-0 process-1 process-2")

	// What they left is freed and the process ends before it has written anything: the
	// next one to write names itself all the same.
	must(t, open(t, m).FreeLeftover())
	o := options(m)
	o.Process = "process-3"
	l, err := wal.Open(o)
	must(t, err)
	must(t, write(l, 10, "a"))
	lineage("process-3")
}

// Whatever bytes a slot holds, replaying it ends without a panic.
func FuzzReplay(f *testing.F) {
	m := vfs.NewMem()
	_ = m.MkdirAll("/data", vfs.DirPerm)
	l, err := wal.Open(options(m))
	if err != nil {
		f.Fatal(err)
	}
	_ = write(l, 30, "a", "b")
	_ = write(l, 30, "c")
	slot, err := vfs.ReadFile(m, "/data/wal/00000000.wal", 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slot[:5000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, slot []byte) {
		m := newDisk(t)
		must(t, m.MkdirAll("/data/wal", vfs.DirPerm))
		must(t, vfs.ReplaceFile(m, "/data/wal/00000000.wal", slot, true))
		_, _ = replay(m)
	})
}

// forged is a group as anybody can make one who guesses the slot's sequence.
func forged(sequence uint64) []byte {
	b := make([]byte, 40)
	copy(b, "BWGR")
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)))
	binary.BigEndian.PutUint64(b[8:], 7)
	binary.BigEndian.PutUint64(b[20:], sequence)
	binary.BigEndian.PutUint32(b[36:], crc32.Checksum(b[:36], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// What a client has sent is never taken for a group, be it behind the last one or
// just where the next one would be.
func TestForgedGroups(t *testing.T) {
	// The second use of the slot ends with its block, 12,235 bytes into the first one's
	// body.
	for _, at := range []int{12_235, 12_500} {
		m := newDisk(t)
		l := open(t, m)
		body := bytes.Repeat([]byte{'a'}, 25_000)
		copy(body[at:], forged(3))
		g := l.NewGroup()
		g.Add(1, []byte("a"), body)
		_, err := l.Write(g)
		must(t, err)
		must(t, write(l, 25_000, "b"))
		l.Free(1)
		must(t, write(l, 10_000, "c")) // sequence 3, in the first slot again
		want(t, m.CrashCopy(vfs.CrashKeepNone, nil), "b! c")
	}
}

// An owner that would not fit its slots' header is refused before anything is written.
func TestOwnerTooLong(t *testing.T) {
	o := options(vfs.NewMem())
	o.Owner = strings.Repeat("o", 256)
	if _, err := wal.Open(o); err == nil || !strings.Contains(err.Error(), "256 bytes") {
		t.Errorf("got %v", err)
	}
	o.Owner = o.Owner[1:]
	if _, err := wal.Open(o); err != nil {
		t.Error(err)
	}
}
