package record

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is what a run was measured on.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	MemoryMiB  int    `json:"memory_mib"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	FileSystem string `json:"file_system"`
}

// String is a line for a person.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores of %s, %d MiB, %s, %s, %s", m.Cores, m.CPU, m.MemoryMiB, m.Kernel, m.FileSystem, m.Go)
}

// ThisMachine describes the machine. What it cannot find out is empty.
func ThisMachine(dataFolder string) Machine {
	return Machine{
		CPU:   fieldOf("/proc/cpuinfo", "model name"),
		Cores: runtime.NumCPU(), MemoryMiB: kibibytes(fieldOf("/proc/meminfo", "MemTotal")) / 1024,
		Kernel: said("uname", "-s", "-r"), Go: runtime.Version(),
		FileSystem: said("stat", "-f", "-c", "%T", dataFolder),
	}
}

// fieldOf is the value of the first line "name : value" of a file.
func fieldOf(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kibibytes(value string) (n int) {
	_, _ = fmt.Sscanf(value, "%d kB", &n) // 0 when it is empty
	return n
}

func said(command ...string) string {
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
