package classdata

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// dumpTimeout is ten times what an archive of 10,000 classes takes on two busy cores.
	dumpTimeout = 4 * time.Minute
	// failureLasts is how long nobody tries again what failed.
	failureLasts = 24 * time.Hour
	// archivesKept of one name are those of the JVMs and jars that were used last: 70 MB each.
	archivesKept = 3
)

// Off is the environment variable that, not empty, leaves every JVM without an archive.
const Off = "COMPAT_NO_CLASS_DATA"

// Train runs what the archive is for. Each JVM is given the flags that a call of record
// returns; programs that fail are none of its concern, as far as they come.
type Train func(record func() []string) error

// archives are those of this process, by folder of the cache.
var archives sync.Map // of func() []string

// Flags are those with which a JVM uses the archive of the class path, whose entries are
// jars or DIR/*; they are none where there is no archive and none can be made. The first
// call makes it. What name says is how archives that replace each other are called.
func Flags(name, classPath string, train Train) []string {
	if os.Getenv(Off) != "" {
		return nil
	}
	dir, err := folder(name, classPath)
	if err != nil {
		return nil
	}
	once, _ := archives.LoadOrStore(dir, sync.OnceValue(func() []string {
		path, err := open(dir, classPath, train)
		if err != nil {
			return nil
		}
		return use(path)
	}))
	return once.(func() []string)()
}

// use lets a JVM do without, and say nothing, where it does not like the archive.
func use(path string) []string {
	return []string{"-XX:SharedArchiveFile=" + path, "-Xshare:auto", "-Xlog:disable"}
}

// java is what the JVM says of itself, and where it is.
var java = sync.OnceValues(func() (string, error) {
	path, err := exec.LookPath("java")
	if err != nil {
		return "", err
	}
	said, err := exec.Command(path, "-version").CombinedOutput()
	return path + "\n" + string(said), err
})

// folder is that of the archive of a name, a JVM and the jars of a class path.
func folder(name, classPath string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version, err := java()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", version, classPath)
	for _, entry := range filepath.SplitList(classPath) {
		jars := []string{entry}
		if all, isAll := strings.CutSuffix(entry, "*"); isAll {
			if jars, err = filepath.Glob(filepath.Join(all, "*.jar")); err != nil {
				return "", err
			}
		}
		for _, jar := range jars {
			info, err := os.Stat(jar)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(hash, jar, info.Size(), info.ModTime().UnixNano())
		}
	}
	return filepath.Join(cache, "barnabas-compat", "classdata", fmt.Sprintf("%s-%x", name, hash.Sum(nil)[:6])), nil
}

// open returns the whole archive of a folder, and makes it if there is none. Of several
// processes one makes it, the others wait.
func open(dir, classPath string, train Train) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := testbed.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	found, err := filepath.Glob(filepath.Join(dir, "*.jsa"))
	if err != nil {
		return "", err
	}
	for _, path := range found {
		if whole(path) {
			now := time.Now()
			_ = os.Chtimes(dir, now, now) // says only what was used last
			return path, nil
		}
		if err := os.Remove(path); err != nil {
			return "", err
		}
	}
	failed := filepath.Join(dir, "failed")
	if info, err := os.Stat(failed); err == nil && time.Since(info.ModTime()) < failureLasts {
		return "", errors.New("failed before")
	}
	path, err := fill(dir, classPath, train)
	if err != nil {
		return "", errors.Join(err, os.WriteFile(failed, []byte(err.Error()), 0o644))
	}
	forget(dir)
	return path, nil
}

// fill makes an archive whose name has its checksum.
func fill(dir, classPath string, train Train) (string, error) {
	work, err := os.MkdirTemp(dir, "making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a cache folder
	var mu sync.Mutex
	var lists []string
	record := func() []string {
		mu.Lock()
		defer mu.Unlock()
		lists = append(lists, filepath.Join(work, fmt.Sprintf("%d.classes", len(lists))))
		return []string{"-XX:DumpLoadedClassList=" + lists[len(lists)-1]}
	}
	if err := train(record); err != nil {
		return "", err
	}
	all, archive := filepath.Join(work, "all.classes"), filepath.Join(work, "fresh")
	if err := merge(all, lists); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), dumpTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "java", "-XX:+UseSerialGC", "-Xlog:disable", "-Xshare:dump",
		"-XX:SharedClassListFile="+all, "-XX:SharedArchiveFile="+archive, "-cp", classPath).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("java -Xshare:dump: %w\n%s", err, out)
	}
	sum, err := checksum(archive)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, sum+".jsa")
	return path, os.Rename(archive, path)
}

// merge writes each line of the lists once. One whose JVM was killed may end within a
// line. Classes are numbered within a list, which matters only to those of class loaders of
// a program's own: the numbers go, and those classes.
func merge(path string, lists []string) error {
	seen := map[string]bool{}
	var all bytes.Buffer
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if errors.Is(err, os.ErrNotExist) {
			continue // the program did not get that far
		} else if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			line, whole := strings.CutSuffix(line, "\n")
			class, numbers, _ := strings.Cut(line, " id: ")
			if whole && !seen[class] && !strings.Contains(numbers, " source: ") {
				seen[class] = true
				fmt.Fprintln(&all, class)
			}
		}
	}
	if all.Len() == 0 {
		return errors.New("no program loaded a class")
	}
	return os.WriteFile(path, all.Bytes(), 0o644)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read from
	hash := crc32.New(castagnoli)
	_, err = io.Copy(hash, file)
	return fmt.Sprintf("%08x", hash.Sum32()), err
}

// whole tells whether an archive is as it was made.
func whole(path string) bool {
	sum, err := checksum(path)
	return err == nil && filepath.Base(path) == sum+".jsa"
}

// forget removes the archives of the same name that were not used for the longest time.
// A JVM that has mapped one keeps it.
func forget(dir string) {
	name := dir[:strings.LastIndexByte(dir, '-')]
	found, _ := filepath.Glob(name + "-????????????") // our own pattern
	used := func(dir string) time.Time {
		info, err := os.Stat(dir)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(used(b).UnixNano(), used(a).UnixNano()) })
	for _, old := range found[min(archivesKept, len(found)):] {
		_ = os.RemoveAll(old) // stays in the cache otherwise
	}
}
