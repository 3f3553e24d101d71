package fulldisk

import (
	"fmt"
	"testing"
)

const group = "readers"

// manyWhenFull is how often each thing is done that must go on: together they
// take several pages, more than what is left in the last page of a file.
const manyWhenFull = 100

// profiles are the durability modes: server syncs, dev does not.
var profiles = []string{"server", "dev"}

// On a disk without a free byte only produce is refused, and it is accepted
// again as soon as there is room.
func TestFullDisk(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			s := newSession(t, profile)
			s.create("kept")
			s.create("spare")
			if err := s.produce("kept", 1000); err != nil {
				t.Fatal(err)
			}
			s.commit(group, "kept", 1)

			s.fillBy("kept")
			s.volume.Fill(t)
			s.readAll("kept")
			s.commit(group, "kept", int64(s.acked["kept"]))
			s.remove("spare")
			for i := range manyWhenFull {
				if t.Failed() {
					break
				}
				s.commit(group, "kept", int64(s.acked["kept"]))
				s.alter("kept", "retention.ms", fmt.Sprint(86_400_000+i))
				s.create(fmt.Sprintf("created-when-full-%d", i))
			}

			s.volume.Release(t)
			s.awaitRoom("kept")
			s.awaitRoom("created-when-full-0")
			s.readAll("kept")
		})
	}
}

// Deleting a topic makes room on a disk that is full of records.
func TestDeletingMakesRoom(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			s := newSession(t, profile)
			s.create("kept")
			s.create("victim")
			for range 40 { // about ten of the 64 MiB
				if err := s.produce("victim", 256<<10); err != nil {
					t.Fatal(err)
				}
			}
			s.fillBy("kept")
			s.volume.Fill(t)
			s.remove("victim")
			s.awaitRoom("kept")
			s.readAll("kept")
		})
	}
}

// A broker that is killed on a full disk starts there, with everything that was
// acknowledged, and again takes records once there is room.
func TestKillOnFullDisk(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			s := newSession(t, profile)
			s.create("kept")
			s.fillBy("kept")
			s.volume.Fill(t)
			s.commit(group, "kept", int64(s.acked["kept"]))
			for range 2 { // the second start finds what the first one left
				s.restart()
				s.readAll("kept")
				s.committed(group, "kept", int64(s.acked["kept"]))
				s.commit(group, "kept", int64(s.acked["kept"]))
			}
			s.volume.Release(t)
			s.awaitRoom("kept")
			s.restart()
			s.readAll("kept")
		})
	}
}
